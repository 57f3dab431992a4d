// How variants divide the units: ranges of [0, 1) as GrowthBook computes them, and the same as whole slots.
//
// A unit's n is slot / slots, a double. A range is turned into slots by asking that very comparison
// (start <= n < end) at its bounds, once; so the request path compares integers and still agrees with an SDK
// that compares doubles, whatever rounding the sums of weights had.
#ifndef ESPALIER_ROUTER_EXPERIMENT_SLOT_RANGES_H_
#define ESPALIER_ROUTER_EXPERIMENT_SLOT_RANGES_H_

#include <cstdint>
#include <span>
#include <vector>

namespace espalier {

// [start, end) within [0, 1].
struct UnitRange {
  double start = 0;
  double end = 0;

  bool Contains(double n) const { return start <= n && n < end; }
};

// The ranges of `weights` laid end to end: variant i owns [start_i, start_i + coverage * w_i), where start_i
// is the sum of the earlier weights.
std::vector<UnitRange> CumulativeRanges(std::span<const double> weights, double coverage);

// The same as GrowthBook's SDKs do it for whatever they are given: coverage is clamped to [0, 1], and weights
// of another number than `variants`, or whose sum is outside [0.99, 1.01], are replaced by equal ones.
std::vector<UnitRange> SdkBucketRanges(uint32_t variants, double coverage, std::vector<double> weights);

// Ranges with fixed origins, so that a changed weight moves the fewest units: treatment i of K (counted
// without the control) owns [i/K, i/K + coverage * w_i) and the control that share of each gap which coverage
// says. Requires w_i <= 1/K for every treatment. One list of ranges per variant.
std::vector<std::vector<UnitRange>> CanaryRanges(std::span<const double> weights, uint32_t control,
                                                 double coverage);

// Slots [begin, end) of a unit space belong to a variant.
struct SlotRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  uint32_t variant = 0;
};

// `ranges[i]` as slots of variant i, ascending, without empty ones. Ranges must not overlap.
std::vector<SlotRange> ToSlots(std::span<const std::vector<UnitRange>> ranges, uint32_t slots);

// Index of the variant that owns `slot`, or -1.
int32_t FindSlot(std::span<const SlotRange> ranges, uint32_t slot);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_SLOT_RANGES_H_
