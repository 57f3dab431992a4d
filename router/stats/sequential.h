// The sequential test: an asymptotic confidence sequence, valid at every look at once.
//
// Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: "Time-uniform central limit theory and asymptotic confidence
// sequences", arXiv 2103.06476; the normal mixture with its tuning for the number of units N* at which the
// interval is to be tightest. All functions are pure; alpha is within (0, 1), `units` and `n_star` count the
// units of both arms.
#ifndef ESPALIER_ROUTER_STATS_SEQUENTIAL_H_
#define ESPALIER_ROUTER_STATS_SEQUENTIAL_H_

namespace espalier {

// rho^2 = (-2 ln alpha + ln(1 - 2 ln alpha)) / N*.
double SequentialRhoSquared(double alpha, double n_star);

// Half of the interval's width, in standard errors.
double SequentialHalfWidth(double units, double alpha, double n_star);

// The p of an effect of z standard errors at one look; over several looks their running minimum is valid.
double SequentialP(double z, double units, double alpha, double n_star);

// Distance of a one-sided bound (either, at level alpha) from the effect, in standard errors.
double SequentialOneSidedWidth(double units, double alpha, double n_star);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_SEQUENTIAL_H_
