#include "router/experiment/assigner.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/struct_json.h"
#include "router/experiment/unit_hash.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;

int64_t ToMicros(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1000;
}

std::string_view ClosedByState(Experiment::State state) {
  switch (state) {
    case Experiment::DRAFT:
      return "not enrolled: draft";
    case Experiment::HELD:
      return "not enrolled: held";
    case Experiment::ROLLED_BACK:
      return "not enrolled: rolled back";
    case Experiment::CONCLUDED:
      return "not enrolled: concluded";
    default:
      return {};
  }
}

std::vector<UnitRange> ToRanges(const google::protobuf::RepeatedPtrField<espalier::v1::Range>& ranges) {
  std::vector<UnitRange> result;
  for (const auto& range : ranges) result.push_back({range.start(), range.end()});
  return result;
}

uint32_t ControlIndex(const Experiment& document) {
  int index = 0;
  while (index < document.variants_size() && !document.variants(index).control()) ++index;
  return static_cast<uint32_t>(index);
}

// Parts as shares of their sum; all zero for a sum of zero.
std::vector<double> Normalised(std::vector<double> parts) {
  const double total = std::accumulate(parts.begin(), parts.end(), 0.0);
  for (double& part : parts) part = total > 0 ? part / total : 0;
  return parts;
}

// The shares of the enrolled slots; the weights, where whole slots follow them to the last slot or two. (They
// do not at a coverage of few slots, where a rounded slot is a large part.)
std::vector<double> Probabilities(const std::vector<SlotRange>& slots, const Experiment& document) {
  constexpr double kRoundingOfSlots = 2.0 / kUnitSlots;
  std::vector<double> owned(static_cast<size_t>(document.variants_size()));
  for (const SlotRange& range : slots) owned[range.variant] += range.end - range.begin;
  owned = Normalised(std::move(owned));
  std::vector<double> weights;
  for (const auto& variant : document.variants()) weights.push_back(variant.weight());
  weights = Normalised(std::move(weights));
  for (size_t i = 0; i < owned.size(); ++i) {
    if (std::abs(owned[i] - weights[i]) > kRoundingOfSlots) return owned;
  }
  return document.variants(0).ranges().empty() ? weights : owned;
}

}  // namespace

std::vector<std::vector<UnitRange>> VariantRanges(const Experiment& document) {
  std::vector<std::vector<UnitRange>> ranges;
  std::vector<double> weights;
  bool is_explicit = false;
  for (const auto& variant : document.variants()) {
    ranges.push_back(ToRanges(variant.ranges()));
    weights.push_back(variant.weight());
    is_explicit = is_explicit || !ranges.back().empty();
  }
  if (is_explicit) return ranges;
  const double coverage = document.has_coverage() ? document.coverage() : 1;
  if (document.layout() == Experiment::CANARY) {
    return CanaryRanges(weights, ControlIndex(document), coverage);
  }
  const std::vector<UnitRange> cumulative = CumulativeRanges(weights, coverage);
  for (size_t i = 0; i < ranges.size(); ++i) ranges[i] = {cumulative[i]};
  return ranges;
}

absl::StatusOr<Assigner> Assigner::Create(const Experiment& document) {
  Assigner assigner;
  assigner.unit_attribute_ = document.unit().attribute();
  assigner.request_id_fallback_ = document.unit().fallback() == "request_id";
  assigner.closed_ = ClosedByState(document.state());
  assigner.start_micros_ =
      document.has_start() ? ToMicros(document.start()) : std::numeric_limits<int64_t>::min();
  assigner.end_micros_ = document.has_end() ? ToMicros(document.end()) : std::numeric_limits<int64_t>::max();
  assigner.seed_state_ = Fnv1a32(document.has_seed() ? document.seed() : document.experiment());
  assigner.slots_ = ToSlots(VariantRanges(document), kUnitSlots);
  assigner.probabilities_ = Probabilities(assigner.slots_, document);
  for (const auto& [unit, key] : document.overrides()) {
    for (int i = 0; i < document.variants_size(); ++i) {
      if (document.variants(i).key() == key) assigner.overrides_[unit] = static_cast<uint32_t>(i);
    }
  }
  if (document.has_targeting() && document.targeting().fields_size() > 0) {
    auto condition = Condition::Compile(ToJson(document.targeting()), ToJson(document.saved_groups()),
                                        ConditionRules::kStrict);
    if (!condition.ok()) return InvalidArgument("targeting.", Message(condition.status()));
    assigner.targeting_ = std::make_unique<const Condition>(*std::move(condition));
  }
  if (document.has_layer()) {
    assigner.layer_seed_ = StrCat("__", document.layer().name());
    const std::vector<UnitRange> owned[] = {ToRanges(document.layer().ranges())};
    assigner.layer_slots_ = ToSlots(owned, kLayerSlots);
  }
  if (document.has_holdout()) {
    assigner.holdout_seed_state_ = Fnv1a32(document.holdout().name(), Fnv1a32("holdout:"));
    const std::vector<UnitRange> held[] = {{{0, document.holdout().share()}}};
    for (const SlotRange& range : ToSlots(held, kUnitSlots)) assigner.holdout_slots_ = range.end;
  }
  return assigner;
}

std::string_view Assigner::Closed(int64_t now_micros) const {
  if (!closed_.empty()) return closed_;
  if (now_micros < start_micros_) return "not enrolled: not started";
  return now_micros >= end_micros_ ? "not enrolled: ended" : std::string_view();
}

bool Assigner::FindUnit(const AttributeSource& attributes, std::string_view request_id, uint64_t event_id,
                        Assignment& out) const {
  out.unit = AttributeText(attributes.Find(unit_attribute_), out.unit_storage).value_or("");
  if (!out.unit.empty()) {
    out.bucket = UnitSlot(seed_state_, out.unit);
    return true;
  }
  if (!request_id_fallback_) return false;
  out.reason = AssignmentReason::kUnitless;
  out.unit = request_id;
  if (out.unit.empty()) {
    const char* end =
        std::to_chars(out.unit_storage, out.unit_storage + sizeof(out.unit_storage), event_id).ptr;
    out.unit = {out.unit_storage, static_cast<size_t>(end - out.unit_storage)};
  }
  out.bucket = UnitSlot(seed_state_, out.unit);
  return true;
}

bool Assigner::TryOverride(Assignment& out) const {
  if (overrides_.empty() || out.reason == AssignmentReason::kUnitless) return false;
  const auto found = overrides_.find(ToAbsl(out.unit));
  if (found == overrides_.end()) return false;
  out.variant_index = found->second;
  out.reason = AssignmentReason::kOverride;
  return true;
}

bool Assigner::OwnsLayerSlot(Assignment& out) const {
  if (layer_seed_.empty()) return true;
  const uint32_t slot = LayerSlot(out.unit, layer_seed_);
  out.layer_slot = static_cast<int32_t>(slot * (kUnitSlots / kLayerSlots));
  return FindSlot(layer_slots_, slot) >= 0;
}

std::string_view Assigner::Enrol(const AttributeSource& attributes, Assignment& out) const {
  if (targeting_ != nullptr && !targeting_->Matches(attributes)) return "not enrolled: targeting";
  if (holdout_slots_ > 0 && UnitSlot(holdout_seed_state_, out.unit) < holdout_slots_) {
    return "not enrolled: holdout";
  }
  const int32_t variant = FindSlot(slots_, out.bucket);
  if (variant < 0) return "not enrolled: coverage";
  out.variant_index = static_cast<uint32_t>(variant);
  return {};
}

}  // namespace espalier
