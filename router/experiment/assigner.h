// The pure function (experiment, unit) -> variant.
//
// Order, GrowthBook's with the holdout added: overrides, layer, targeting, holdout, then the ranges of the
// variants. It sees neither load nor health; no lock, no allocation.
#ifndef ESPALIER_ROUTER_EXPERIMENT_ASSIGNER_H_
#define ESPALIER_ROUTER_EXPERIMENT_ASSIGNER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"
#include "router/experiment/attributes.h"
#include "router/experiment/condition.h"
#include "router/experiment/routing_table.h"
#include "router/experiment/slot_ranges.h"

namespace espalier {

// Immutable; thread-safe.
class Assigner {
 public:
  // `document` has passed ValidateExperiment; only its conditions can still be refused.
  static absl::StatusOr<Assigner> Create(const espalier::v1::Experiment& document);

  // Why nobody is enrolled at `now_micros` whatever the unit is ("not enrolled: held", "... not started",
  // "... ended"); empty when it is open.
  std::string_view Closed(int64_t now_micros) const;

  // The unit as text into `out.unit` and its slot into `out.bucket`, and `out.reason` kUnitless when the
  // request's id (or, where that is empty, `event_id`) stands for it; false when there is neither.
  bool FindUnit(const AttributeSource& attributes, std::string_view request_id, uint64_t event_id,
                Assignment& out) const;

  bool has_overrides() const { return !overrides_.empty(); }

  // Decides by the overrides alone; false when the unit of `out` has none.
  bool TryOverride(Assignment& out) const;

  // Whether the layer's slot of the unit, noted in `out`, is the experiment's; true without a layer.
  bool OwnsLayerSlot(Assignment& out) const;

  // Decides by targeting, holdout and ranges. Fills variant_index; returns empty, or why the unit is not
  // enrolled.
  std::string_view Enrol(const AttributeSource& attributes, Assignment& out) const;

  // Of each variant, for a unit that is enrolled: its share of the enrolled slots, or its weight where slots
  // follow the weights.
  const std::vector<double>& probabilities() const { return probabilities_; }

 private:
  Assigner() = default;

  std::string unit_attribute_;
  bool request_id_fallback_ = false;
  // Empty while the experiment runs.
  std::string_view closed_;
  int64_t start_micros_ = 0;
  int64_t end_micros_ = 0;
  uint32_t seed_state_ = 0;
  std::vector<SlotRange> slots_;
  std::vector<double> probabilities_;
  absl::flat_hash_map<std::string, uint32_t> overrides_;
  std::unique_ptr<const Condition> targeting_;
  // Empty: no layer.
  std::string layer_seed_;
  std::vector<SlotRange> layer_slots_;
  uint32_t holdout_seed_state_ = 0;
  // Units with a smaller slot of the holdout's hash are held out.
  uint32_t holdout_slots_ = 0;
};

// The ranges of each variant of a valid document, by its layout, weights and coverage, or as they are
// written.
std::vector<std::vector<UnitRange>> VariantRanges(const espalier::v1::Experiment& document);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_ASSIGNER_H_
