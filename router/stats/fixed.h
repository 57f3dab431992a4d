// The fixed-horizon test: Welch's, for one look at a size that was fixed before.
#ifndef ESPALIER_ROUTER_STATS_FIXED_H_
#define ESPALIER_ROUTER_STATS_FIXED_H_

#include "router/stats/estimate.h"

namespace espalier {

// Welch and Satterthwaite's degrees of freedom; NaN below two units in an arm or without variance.
double WelchDegreesOfFreedom(const Estimate& control, const Estimate& treatment);

// Two-sided p of an effect of z standard errors.
double FixedP(double z, double degrees_of_freedom);

// Half of the interval's width in standard errors; and the distance of a one-sided bound at level alpha.
double FixedHalfWidth(double degrees_of_freedom, double alpha);
double FixedOneSidedWidth(double degrees_of_freedom, double alpha);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_FIXED_H_
