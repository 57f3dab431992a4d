// What an arm says about a metric, and what two arms say about their difference (EXPERIMENTS.md, section 4).
#ifndef ESPALIER_ROUTER_STATS_ESTIMATE_H_
#define ESPALIER_ROUTER_STATS_ESTIMATE_H_

#include <cstdint>
#include <limits>

#include "router/stats/sums.h"

namespace espalier {

// An arm's value of a metric. The squared standard error is variance / n; NaN where it is not known.
struct Estimate {
  uint64_t n = 0;  // units
  double mean = std::numeric_limits<double>::quiet_NaN();
  double variance = std::numeric_limits<double>::quiet_NaN();
};

// Sum of m over sum of d, by the delta method: with d = 1 for each unit the plain mean and sample variance.
Estimate RatioEstimate(const UnitSums& sums);

// The same where m counts 0/1 values among d: with d = 1 for each unit p and p(1-p). Where no variance was
// seen, because no (or every) value is 1, that of p = (sum + 1/2) / (n + 1) stands in: an interval of no
// width would claim to know.
Estimate ProportionEstimate(const UnitSums& sums);

// CUPED: `sums` with m replaced by m - theta * (x - mean x * d), whose mean is the adjusted one. `center` is
// the covariate's mean a unit of d over both arms, which only shifts both alike.
Estimate AdjustedEstimate(const UnitSums& sums, double theta, double center);

// The theta that takes most variance out of the difference: cov(Y, X) / var(X) over both arms; 0 without
// variance. `center` as above.
double CupedTheta(const UnitSums& a, const UnitSums& b);
double CupedCenter(const UnitSums& a, const UnitSums& b);

// A difference between treatment and control.
struct Effect {
  double value = std::numeric_limits<double>::quiet_NaN();
  // Squared standard error.
  double variance = std::numeric_limits<double>::quiet_NaN();
  uint64_t units = 0;  // of both arms
};

Effect AbsoluteEffect(const Estimate& control, const Estimate& treatment);

// (treatment - control) / |control|. The bases are the means by which it is scaled: with CUPED those before
// the adjustment. NaN when the control's is 0.
Effect RelativeEffect(const Estimate& control, const Estimate& treatment, double control_base,
                      double treatment_base);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_ESTIMATE_H_
