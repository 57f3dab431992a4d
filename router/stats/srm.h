// Sample ratio mismatch: whether the arms got the shares of units that were configured.
#ifndef ESPALIER_ROUTER_STATS_SRM_H_
#define ESPALIER_ROUTER_STATS_SRM_H_

#include <cstdint>
#include <span>

namespace espalier {

struct SampleRatio {
  double chi2 = 0;
  int df = 0;
  double p = 1;
  bool alarm = false;
};

// Pearson's chi-square of `units` against `shares` (any scale, one for each arm), with one degree of freedom
// less than there are arms with a share. Units in an arm without one are a mismatch whatever their number.
SampleRatio TestSampleRatio(std::span<const uint64_t> units, std::span<const double> shares, double alpha);

// P(X > chi2) with df degrees of freedom.
double ChiSquareP(double chi2, int df);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_SRM_H_
