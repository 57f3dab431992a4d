// A quantile of values whose units have several, from order statistics.
#ifndef ESPALIER_ROUTER_STATS_QUANTILE_H_
#define ESPALIER_ROUTER_STATS_QUANTILE_H_

#include <cstdint>
#include <vector>

#include "router/stats/estimate.h"

namespace espalier {

struct UnitValue {
  uint32_t unit = 0;
  double value = 0;
};

// The q-quantile, 0 < q < 1. Its standard error comes from the order statistics at q +- 1.96 standard errors
// of the share of values at or below it; that share is a ratio over units, so that values of one unit may
// hang together (with one value a unit: sqrt(q (1 - q) / n)). `n` of the result counts units.
//
// The variance is NaN while the order statistics do not exist: n <= 3.84 max(q / (1 - q), (1 - q) / q)
// values. Sorts `values`.
Estimate QuantileEstimate(std::vector<UnitValue>& values, double q);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_QUANTILE_H_
