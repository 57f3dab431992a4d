#include "router/stats/srm.h"

#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <limits>
#include <numeric>

namespace espalier {

double ChiSquareP(double chi2, int df) {
  if (df < 1) return 1;
  if (!std::isfinite(chi2)) return 0;
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(df), chi2));
}

SampleRatio TestSampleRatio(std::span<const uint64_t> units, std::span<const double> shares, double alpha) {
  const double total = static_cast<double>(std::accumulate(units.begin(), units.end(), uint64_t{0}));
  const double all_shares = std::accumulate(shares.begin(), shares.end(), 0.0);
  SampleRatio ratio;
  ratio.df = -1;
  for (size_t i = 0; i < units.size(); ++i) {
    const double observed = static_cast<double>(units[i]);
    const double expected = shares[i] > 0 ? total * shares[i] / all_shares : 0;
    if (shares[i] > 0) ++ratio.df;
    if (expected > 0) {
      ratio.chi2 += (observed - expected) * (observed - expected) / expected;
    } else if (observed > 0) {
      ratio.chi2 = std::numeric_limits<double>::infinity();
    }
  }
  ratio.p = std::isinf(ratio.chi2) ? 0 : ChiSquareP(ratio.chi2, ratio.df);
  ratio.alarm = ratio.p < alpha;
  return ratio;
}

}  // namespace espalier
