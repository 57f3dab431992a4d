#include "router/experiment/slot_ranges.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace espalier {
namespace {

// The first slot whose n is not below `bound`, or `slots`.
uint32_t FirstSlotFrom(double bound, uint32_t slots) {
  const auto n = [slots](uint32_t slot) { return static_cast<double>(slot) / slots; };
  auto slot = static_cast<uint32_t>(std::clamp(std::floor(bound * slots), 0.0, static_cast<double>(slots)));
  while (slot > 0 && n(slot - 1) >= bound) --slot;
  while (slot < slots && n(slot) < bound) ++slot;
  return slot;
}

}  // namespace

std::vector<UnitRange> CumulativeRanges(std::span<const double> weights, double coverage) {
  std::vector<UnitRange> ranges;
  double cumulative = 0;
  for (const double weight : weights) {
    const double start = cumulative;
    cumulative += weight;
    ranges.push_back({start, start + coverage * weight});
  }
  return ranges;
}

std::vector<UnitRange> SdkBucketRanges(uint32_t variants, double coverage, std::vector<double> weights) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (weights.size() != variants || total < 0.99 || total > 1.01) {
    weights.assign(variants, 1.0 / variants);
  }
  return CumulativeRanges(weights, std::clamp(coverage, 0.0, 1.0));
}

std::vector<std::vector<UnitRange>> CanaryRanges(std::span<const double> weights, uint32_t control,
                                                 double coverage) {
  std::vector<std::vector<UnitRange>> ranges(weights.size());
  const auto treatments = static_cast<double>(weights.size() - 1);
  uint32_t treatment = 0;
  for (uint32_t i = 0; i < weights.size(); ++i) {
    if (i == control) continue;
    const double origin = treatment / treatments;
    const double gap = origin + weights[i];
    const double next = (treatment + 1) / treatments;
    ranges[i].push_back({origin, origin + coverage * weights[i]});
    if (gap < next) ranges[control].push_back({gap, gap + coverage * (next - gap)});
    ++treatment;
  }
  return ranges;
}

std::vector<SlotRange> ToSlots(std::span<const std::vector<UnitRange>> ranges, uint32_t slots) {
  std::vector<SlotRange> result;
  for (uint32_t variant = 0; variant < ranges.size(); ++variant) {
    for (const UnitRange& range : ranges[variant]) {
      const SlotRange owned{FirstSlotFrom(range.start, slots), FirstSlotFrom(range.end, slots), variant};
      if (owned.begin < owned.end) result.push_back(owned);
    }
  }
  std::sort(result.begin(), result.end(),
            [](const SlotRange& a, const SlotRange& b) { return a.begin < b.begin; });
  return result;
}

int32_t FindSlot(std::span<const SlotRange> ranges, uint32_t slot) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), slot,
                                      [](uint32_t s, const SlotRange& range) { return s < range.begin; });
  if (after == ranges.begin()) return -1;
  const SlotRange& owner = *(after - 1);
  return slot < owner.end ? static_cast<int32_t>(owner.variant) : -1;
}

}  // namespace espalier
