// The Bayesian view: a normal prior on the relative lift, and what the data make of it.
#ifndef ESPALIER_ROUTER_STATS_BAYESIAN_H_
#define ESPALIER_ROUTER_STATS_BAYESIAN_H_

#include "router/stats/estimate.h"

namespace espalier {

// Prior of a relative lift: normal with mean 0 and this standard deviation, as GrowthBook suggests.
inline constexpr double kPriorLiftDeviation = 0.3;

// A normal posterior.
struct Posterior {
  double mean = 0;
  double deviation = 0;
};

// Of `effect`, whose unit is 1 for a relative effect and the control's |mean| for an absolute one.
Posterior LiftPosterior(const Effect& effect, double unit, double prior_deviation = kPriorLiftDeviation);

// The probability that the effect is positive.
double ChanceAboveZero(const Posterior& posterior);

// E[max(-D, 0)]: what choosing the treatment costs on average if it is worse after all.
double ExpectedLoss(const Posterior& posterior);

// Half of the width of the central interval of probability 1 - alpha, in deviations.
double NormalHalfWidth(double alpha);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_BAYESIAN_H_
