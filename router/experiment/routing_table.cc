#include "router/experiment/routing_table.h"

#include <algorithm>
#include <map>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/utf8.h"
#include "router/experiment/validate.h"

namespace espalier {
namespace {

using ExperimentPtr = std::shared_ptr<const CompiledExperiment>;

void FillEnrolled(const CompiledExperiment& experiment, Assignment& out) {
  out.experiment = &experiment;
  out.variant = &experiment.variants()[out.variant_index];
  out.explanation = AssignmentReasonName(out.reason);
}

void FillControl(const CompiledExperiment& experiment, std::string_view why, Assignment& out) {
  out.experiment = nullptr;
  out.variant_index = experiment.control_index();
  out.variant = &experiment.control();
  out.reason = AssignmentReason::kFallback;
  out.explanation = why;
}

void Clear(Assignment& out) {
  out.variant_index = 0;
  out.reason = AssignmentReason::kHash;
  out.unit = {};
  out.bucket = 0;
  out.layer_slot = -1;
}

}  // namespace

ModelRoute::ModelRoute(std::vector<ExperimentPtr> experiments)
    : experiments_(std::move(experiments)),
      has_overrides_(std::any_of(
          experiments_.begin(), experiments_.end(),
          [](const ExperimentPtr& experiment) { return experiment->assigner().has_overrides(); })) {}

ModelRoute::~ModelRoute() = default;

bool ModelRoute::TryOverrides(const AttributeSource& attributes, int64_t now_micros, Assignment& out) const {
  for (const ExperimentPtr& experiment : experiments_) {
    const Assigner& assigner = experiment->assigner();
    if (!assigner.has_overrides() || !assigner.Closed(now_micros).empty()) continue;
    Clear(out);
    if (!assigner.FindUnit(attributes, {}, 0, out) || !assigner.TryOverride(out)) continue;
    assigner.OwnsLayerSlot(out);
    FillEnrolled(*experiment, out);
    return true;
  }
  return false;
}

void ModelRoute::Assign(const AttributeSource& attributes, std::string_view request_id, uint64_t event_id,
                        int64_t now_micros, Assignment& out) const {
  if (has_overrides_ && TryOverrides(attributes, now_micros, out)) return;
  const CompiledExperiment* control = experiments_.front().get();
  std::string_view control_reason;
  for (const ExperimentPtr& experiment : experiments_) {
    const Assigner& assigner = experiment->assigner();
    Clear(out);
    std::string_view why = assigner.Closed(now_micros);
    if (why.empty() && !assigner.FindUnit(attributes, request_id, event_id, out))
      why = "not enrolled: no unit";
    if (why.empty() && !assigner.OwnsLayerSlot(out)) why = "not enrolled: layer";
    if (why.empty()) {
      // The unit is this experiment's, and no other's.
      why = assigner.Enrol(attributes, out);
      return why.empty() ? FillEnrolled(*experiment, out) : FillControl(*experiment, why, out);
    }
    // The control of the first experiment by key, but rather of a running one.
    if (control == experiment.get() || (!control->running() && experiment->running())) {
      control = experiment.get();
      control_reason = why;
    }
  }
  // Unit and bucket are of the experiment whose control answers.
  Clear(out);
  const Assigner& assigner = control->assigner();
  if (assigner.Closed(now_micros).empty() && assigner.FindUnit(attributes, request_id, event_id, out)) {
    assigner.OwnsLayerSlot(out);
  }
  FillControl(*control, control_reason, out);
}

absl::Status ModelRoute::CheckUnit(std::string_view unit) const {
  if (unit.size() <= kMaxTextBytes && IsUtf8(unit)) return absl::OkStatus();
  return InvalidArgument("the unit, parameter '", experiments_.front()->unit_attribute(), "', has ",
                         unit.size(), " bytes; valid UTF-8 of at most ", kMaxTextBytes, " bytes is needed");
}

RoutingTable::RoutingTable() = default;

absl::StatusOr<std::shared_ptr<const RoutingTable>> RoutingTable::Create(
    const std::vector<espalier::v1::Experiment>& documents) {
  auto table = std::make_shared<RoutingTable>();
  for (const auto& document : documents) {
    ESPALIER_ASSIGN_OR_RETURN(ExperimentPtr experiment, CompiledExperiment::Compile(document));
    table->experiments_.push_back(std::move(experiment));
  }
  ESPALIER_RETURN_IF_ERROR(ValidateTogether(documents));
  std::sort(table->experiments_.begin(), table->experiments_.end(),
            [](const ExperimentPtr& a, const ExperimentPtr& b) { return a->key() < b->key(); });
  std::map<std::string, std::vector<ExperimentPtr>> by_model;
  for (const ExperimentPtr& experiment : table->experiments_) {
    if (experiment->concerns_requests()) by_model[experiment->model()].push_back(experiment);
  }
  for (auto& [model, experiments] : by_model) table->routes_.try_emplace(model, std::move(experiments));
  return std::shared_ptr<const RoutingTable>(std::move(table));
}

const ModelRoute* RoutingTable::Find(std::string_view model) const {
  const auto found = routes_.find(ToAbsl(model));
  return found == routes_.end() ? nullptr : &found->second;
}

}  // namespace espalier
