#include "router/stats/quantile.h"

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"

namespace espalier {
namespace {

constexpr double kZ = 1.959963984540054;  // of a two-sided level of 0.05

// The value below which `share` of the sorted values lie, linear between neighbours (as numpy).
double At(const std::vector<UnitValue>& sorted, double share) {
  const double position = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below].value + weight * (sorted[above].value - sorted[below].value);
}

// Over units: how many of a unit's values are at most `threshold`, of how many.
UnitSums SharesBelow(const std::vector<UnitValue>& values, double threshold) {
  struct Count {
    double below = 0;
    double all = 0;
  };
  absl::flat_hash_map<uint32_t, Count> counts;
  for (const UnitValue& value : values) {
    Count& count = counts[value.unit];
    count.all += 1;
    if (value.value <= threshold) count.below += 1;
  }
  UnitSums sums;
  for (const auto& [unit, count] : counts) sums.Add(count.below, count.all);
  return sums;
}

}  // namespace

Estimate QuantileEstimate(std::vector<UnitValue>& values, double q) {
  Estimate estimate;
  if (values.empty()) return estimate;
  std::sort(values.begin(), values.end(), [](const UnitValue& a, const UnitValue& b) {
    return a.value != b.value ? a.value < b.value : a.unit < b.unit;
  });
  estimate.mean = At(values, q);
  const UnitSums shares = SharesBelow(values, estimate.mean);
  estimate.n = shares.n();
  const double size = static_cast<double>(values.size());
  if (size <= kZ * kZ * std::max(q / (1 - q), (1 - q) / q)) return estimate;
  const double units = static_cast<double>(estimate.n);
  // Where all values have one unit, or ties hide the spread, the variance of independent values stands in.
  const bool one_each = shares.n() == values.size();
  const double clustered = one_each ? 0 : RatioEstimate(shares).variance / units;
  const double share_error = std::sqrt(std::max(clustered, q * (1 - q) / size));
  const double spread = At(values, q + kZ * share_error) - At(values, q - kZ * share_error);
  estimate.variance = std::pow(spread / (2 * kZ), 2) * units;
  return estimate;
}

}  // namespace espalier
