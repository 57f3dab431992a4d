// What the request path needs to know about a model, found with one lookup: its loaded versions, the
// experiments on it, and which columns a request may carry. Derived from the model catalog and the routing
// table whenever one of them changes.
#ifndef ESPALIER_SERVICES_FRONT_SERVING_PLAN_H_
#define ESPALIER_SERVICES_FRONT_SERVING_PLAN_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "models/base/snapshot.h"
#include "models/repository/model_catalog.h"
#include "router/experiment/routing_table.h"

namespace espalier {

struct PlannedModel {
  const CatalogModel* model = nullptr;
  // Null when no running experiment concerns the model.
  const ModelRoute* route = nullptr;
  // The variants of an experiment differ in their features, so that one matrix cannot serve them all.
  bool by_name_only = false;
  // Every column that a labelled version, the default version or a variant has.
  absl::flat_hash_set<std::string> reachable_columns;
};

// Immutable; thread-safe. Holds the two snapshots that it was made from.
class ServingPlan {
 public:
  ServingPlan(std::shared_ptr<const ModelCatalog> catalog, std::shared_ptr<const RoutingTable> routing);

  // Null for a model that the repository does not have.
  const PlannedModel* Find(std::string_view model) const;

  const ModelCatalog& catalog() const { return *catalog_; }
  const RoutingTable& routing() const { return *routing_; }

 private:
  const std::shared_ptr<const ModelCatalog> catalog_;
  const std::shared_ptr<const RoutingTable> routing_;
  absl::flat_hash_map<std::string, PlannedModel> models_;
};

// Keeps a plan true to its two sources, which outlive it: it listens to both and publishes a new plan on the
// thread that changed one of them, before that thread goes on.
class ServingPlanKeeper {
 public:
  ServingPlanKeeper(Snapshot<ModelCatalog>& catalog, Snapshot<RoutingTable>& routing);
  ~ServingPlanKeeper();
  ServingPlanKeeper(const ServingPlanKeeper&) = delete;
  ServingPlanKeeper& operator=(const ServingPlanKeeper&) = delete;

  const Snapshot<ServingPlan>& plan() const { return plan_; }

 private:
  void Rebuild();

  Snapshot<ModelCatalog>& catalog_;
  Snapshot<RoutingTable>& routing_;
  // Orders rebuilds, so that an older plan never replaces a newer one.
  Mutex rebuild_mutex_;
  Snapshot<ServingPlan> plan_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_SERVING_PLAN_H_
