#include "router/stats/estimate.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

using enum UnitSums::Quantity;

// The delta method: var(M/D) = var_M/D^2 + var_D M^2/D^4 - 2 cov_MD M/D^3, a unit.
double RatioVariance(const UnitSums& sums, double var_m, double var_d, double cov_md) {
  const double m = sums.mean(kM);
  const double d = sums.mean(kD);
  return var_m / (d * d) + var_d * m * m / (d * d * d * d) - 2 * cov_md * m / (d * d * d);
}

// Covariances of m and x as the delta method sees them: of m - (M/D) d and x - (X/D) d, a unit.
struct Linear {
  double mx = 0;
  double xx = 0;
};

Linear Linearised(const UnitSums& sums) {
  const double m = sums.mean(kM) / sums.mean(kD);
  const double x = sums.mean(kX) / sums.mean(kD);
  const double dd = sums.covariance(kD, kD);
  const double dx = sums.covariance(kD, kX);
  return {.mx = sums.covariance(kM, kX) - x * sums.covariance(kM, kD) - m * dx + m * x * dd,
          .xx = sums.covariance(kX, kX) - 2 * x * dx + x * x * dd};
}

}  // namespace

Estimate RatioEstimate(const UnitSums& sums) {
  Estimate estimate;
  estimate.n = sums.n();
  if (sums.n() == 0 || sums.mean(kD) == 0) return estimate;
  estimate.mean = sums.mean(kM) / sums.mean(kD);
  // Rounding may leave a variance of nothing slightly below zero.
  const double variance =
      RatioVariance(sums, sums.covariance(kM, kM), sums.covariance(kD, kD), sums.covariance(kM, kD));
  estimate.variance = std::isnan(variance) ? variance : std::max(variance, 0.0);
  return estimate;
}

Estimate ProportionEstimate(const UnitSums& sums) {
  Estimate estimate = RatioEstimate(sums);
  const double n = static_cast<double>(sums.n());
  estimate.variance *= (n - 1) / n;
  if (sums.sum(kM) == 0 || sums.sum(kM) == sums.sum(kD)) {
    const double p = (sums.sum(kM) + 0.5) / (sums.sum(kD) + 1);
    estimate.variance = p * (1 - p) / sums.mean(kD);
  }
  return estimate;
}

double CupedCenter(const UnitSums& a, const UnitSums& b) {
  return (a.sum(kX) + b.sum(kX)) / (a.sum(kD) + b.sum(kD));
}

double CupedTheta(const UnitSums& a, const UnitSums& b) {
  UnitSums both = a;
  both.Merge(b);
  const Linear linear = Linearised(both);
  return linear.xx > 0 ? linear.mx / linear.xx : 0;
}

Estimate AdjustedEstimate(const UnitSums& sums, double theta, double center) {
  Estimate estimate = RatioEstimate(sums);
  const double d = sums.mean(kD);
  const Linear linear = Linearised(sums);
  estimate.variance += (theta * theta * linear.xx - 2 * theta * linear.mx) / (d * d);
  estimate.mean -= theta * (sums.mean(kX) / d - center);
  return estimate;
}

Effect AbsoluteEffect(const Estimate& control, const Estimate& treatment) {
  return {.value = treatment.mean - control.mean,
          .variance = treatment.variance / static_cast<double>(treatment.n) +
                      control.variance / static_cast<double>(control.n),
          .units = control.n + treatment.n};
}

Effect RelativeEffect(const Estimate& control, const Estimate& treatment, double control_base,
                      double treatment_base) {
  Effect effect;
  effect.units = control.n + treatment.n;
  if (control_base == 0) return effect;
  const double base2 = control_base * control_base;
  effect.value = (treatment.mean - control.mean) / std::abs(control_base);
  effect.variance =
      treatment.variance / (static_cast<double>(treatment.n) * base2) +
      control.variance * treatment_base * treatment_base / (static_cast<double>(control.n) * base2 * base2);
  return effect;
}

}  // namespace espalier
