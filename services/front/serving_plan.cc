#include "services/front/serving_plan.h"

#include <utility>
#include <vector>

#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"

namespace espalier {
namespace {

void AddColumns(const ModelHandle* version, PlannedModel& planned) {
  if (version == nullptr) return;
  const std::vector<std::string>& names = (*version)->forest->feature_names();
  planned.reachable_columns.insert(names.begin(), names.end());
}

bool SameFeatures(const Forest& a, const Forest& b) {
  return a.num_features() == b.num_features() && a.feature_names() == b.feature_names();
}

// Looks at the variants that are ready.
bool VariantsDiffer(const CompiledExperiment& experiment, const CatalogModel& model) {
  const Forest* first = nullptr;
  for (const Variant& variant : experiment.variants()) {
    const ModelHandle* version = model.FindVersion(variant.backend.version);
    if (version == nullptr) continue;
    if (first != nullptr && !SameFeatures(*first, *(*version)->forest)) return true;
    first = (*version)->forest.get();
  }
  return false;
}

PlannedModel Plan(const CatalogModel& model, const ModelRoute* route) {
  PlannedModel planned{.model = &model, .route = route, .by_name_only = false, .reachable_columns = {}};
  AddColumns(model.Default(), planned);
  for (const auto& [label, version] : model.labels()) AddColumns(model.FindVersion(version), planned);
  if (route == nullptr) return planned;
  for (const auto& experiment : route->experiments()) {
    planned.by_name_only = planned.by_name_only || VariantsDiffer(*experiment, model);
    for (const Variant& variant : experiment->variants()) {
      AddColumns(model.FindVersion(variant.backend.version), planned);
    }
  }
  return planned;
}

}  // namespace

ServingPlan::ServingPlan(std::shared_ptr<const ModelCatalog> catalog,
                         std::shared_ptr<const RoutingTable> routing)
    : catalog_(std::move(catalog)), routing_(std::move(routing)) {
  for (const auto& [name, model] : catalog_->models()) {
    models_.emplace(name, Plan(model, routing_->Find(name)));
  }
}

const PlannedModel* ServingPlan::Find(std::string_view model) const {
  const auto found = models_.find(ToAbsl(model));
  return found == models_.end() ? nullptr : &found->second;
}

ServingPlanKeeper::ServingPlanKeeper(Snapshot<ModelCatalog>& catalog, Snapshot<RoutingTable>& routing)
    : catalog_(catalog),
      routing_(routing),
      plan_(std::make_shared<const ServingPlan>(catalog.Get(), routing.Get())) {
  catalog_.OnPublish([this] { Rebuild(); });
  routing_.OnPublish([this] { Rebuild(); });
}

ServingPlanKeeper::~ServingPlanKeeper() {
  catalog_.OnPublish(nullptr);
  routing_.OnPublish(nullptr);
}

void ServingPlanKeeper::Rebuild() {
  MutexLock lock(rebuild_mutex_);
  plan_.Publish(std::make_shared<const ServingPlan>(catalog_.Get(), routing_.Get()));
}

}  // namespace espalier
