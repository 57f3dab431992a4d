#include "router/stats/bayesian.h"

#include <boost/math/distributions/normal.hpp>
#include <cmath>

namespace espalier {

Posterior LiftPosterior(const Effect& effect, double unit, double prior_deviation) {
  const double prior = 1 / (prior_deviation * prior_deviation * unit * unit);
  const double data = 1 / effect.variance;
  return {.mean = effect.value * data / (data + prior), .deviation = std::sqrt(1 / (data + prior))};
}

double ChanceAboveZero(const Posterior& posterior) {
  return boost::math::cdf(boost::math::normal(), posterior.mean / posterior.deviation);
}

double ExpectedLoss(const Posterior& posterior) {
  const boost::math::normal standard;
  const double z = posterior.mean / posterior.deviation;
  return posterior.deviation * boost::math::pdf(standard, z) -
         posterior.mean * boost::math::cdf(boost::math::complement(standard, z));
}

double NormalHalfWidth(double alpha) {
  return boost::math::quantile(boost::math::complement(boost::math::normal(), alpha / 2));
}

}  // namespace espalier
