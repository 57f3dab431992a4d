// The immutable snapshot by which requests are routed: every running experiment, by model. (Experiments that
// are held or rolled back are there too: of them the control answers, and nobody is enrolled.)
//
//   const ModelRoute* route = table->Find(request.model_name);
//   if (route != nullptr) {
//     const Assignment assignment = route->Assign(attributes, request.id, event_id, now_micros);
//   }
//
// Assignment is pure: it sees the table, the request's attributes and the time that it is given; never load
// or health. It takes no lock and does not allocate (targeting by regular expression may, inside RE2).
#ifndef ESPALIER_ROUTER_EXPERIMENT_ROUTING_TABLE_H_
#define ESPALIER_ROUTER_EXPERIMENT_ROUTING_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"
#include "router/events/exposure.h"
#include "router/experiment/attributes.h"

namespace espalier {

class CompiledExperiment;  // router/experiment/compiled_experiment.h

// What the id of a request may have.
inline constexpr size_t kMaxRequestIdBytes = 4096;

// Where a variant's answers come from. Today always a model version; other backends are refused by name.
struct Backend {
  int64_t version = 0;
};

struct Variant {
  std::string key;
  Backend backend;
  double weight = 0;
  bool control = false;
};

// What the table decided for one request.
struct Assignment {
  // Null when the unit is not enrolled; then the version of `fallback` answers, without exposure.
  const CompiledExperiment* experiment = nullptr;
  // What answers: the assigned variant, or the control of the unit that is not enrolled. Never null.
  const Variant* variant = nullptr;
  // The same as an index into the experiment's variants.
  uint32_t variant_index = 0;
  AssignmentReason reason = AssignmentReason::kHash;
  // The unit as text, as it was hashed; a view of the attribute, or of `unit_storage` for numbers.
  std::string_view unit;
  // 0..9999
  uint32_t bucket = 0;
  // 0..9990 in steps of ten (layers have 1,000 slots), or -1 when the experiment has no layer.
  int32_t layer_slot = -1;
  // Why, in a word, for `assign`: "hash", "override", "unitless", or "not enrolled: coverage" / "targeting" /
  // "layer" / "holdout" / "no unit" / "not started" / "ended" / "held" / "rolled back". Static storage.
  std::string_view explanation;
  char unit_storage[32] = {};
};

// The experiments on one model, ascending by key. Those that run share one layer with disjoint ranges, so a
// unit belongs to at most one of them; a unit of none gets the control of the first.
class ModelRoute {
 public:
  explicit ModelRoute(std::vector<std::shared_ptr<const CompiledExperiment>> experiments);
  ~ModelRoute();

  // Routes one request. `request_id` may be empty; then a unitless request is assigned by `event_id` in
  // decimal. The result refers to this route and to `attributes`. Assignment is not copyable where `unit`
  // points into itself: pass out.
  void Assign(const AttributeSource& attributes, std::string_view request_id, uint64_t event_id,
              int64_t now_micros, Assignment& out) const;

  // Whether a request may have this unit: INVALID_ARGUMENT for one of more than 256 bytes, or not in UTF-8.
  absl::Status CheckUnit(std::string_view unit) const;

  const std::vector<std::shared_ptr<const CompiledExperiment>>& experiments() const { return experiments_; }

 private:
  // Overrides come before everything else, of whichever experiment they are.
  bool TryOverrides(const AttributeSource& attributes, int64_t now_micros, Assignment& out) const;

  const std::vector<std::shared_ptr<const CompiledExperiment>> experiments_;
  const bool has_overrides_;
};

class RoutingTable {
 public:
  // No experiment at all.
  RoutingTable();

  // Validates the documents one by one and against each other (names, ranges of a layer); the error names
  // file or experiment, field, value and what is allowed.
  static absl::StatusOr<std::shared_ptr<const RoutingTable>> Create(
      const std::vector<espalier::v1::Experiment>& documents);

  // Null when no experiment that is running, held or rolled back concerns the model.
  const ModelRoute* Find(std::string_view model) const;

  // Every experiment of the documents, running or not, ascending by key.
  const std::vector<std::shared_ptr<const CompiledExperiment>>& experiments() const { return experiments_; }

 private:
  std::vector<std::shared_ptr<const CompiledExperiment>> experiments_;
  absl::flat_hash_map<std::string, ModelRoute> routes_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_ROUTING_TABLE_H_
