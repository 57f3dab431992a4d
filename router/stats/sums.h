// What is kept of an arm of an experiment: moments over its units, which merge.
//
// Three quantities a unit: a numerator m (say the sum of its losses), a denominator d (say the number of its
// exposures; 1 where the unit itself is the observation) and a covariate x that was known before treatment (0
// where there is none).
#ifndef ESPALIER_ROUTER_STATS_SUMS_H_
#define ESPALIER_ROUTER_STATS_SUMS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace espalier {

// The moments are kept around the mean (Welford; Chan, Golub and LeVeque for merging), so that values that
// are large beside their spread lose nothing; the plain sums of EXPERIMENTS.md follow from them. A plain
// value.
class UnitSums {
 public:
  enum Quantity { kM, kD, kX };

  // One unit.
  void Add(double m, double d = 1, double x = 0);
  // The units of another part, disjoint from this one's.
  void Merge(const UnitSums& other);

  uint64_t n() const { return n_; }
  // Mean over units; 0 without units.
  double mean(Quantity a) const { return mean_[a]; }
  // Sum over units of (a - mean a)(b - mean b).
  double central(Quantity a, Quantity b) const { return central_[kCell[a][b]]; }
  // Sample covariance over units (variance for a == b); NaN below two units.
  double covariance(Quantity a, Quantity b) const;

  // Sum of a, and of a * b, over units.
  double sum(Quantity a) const { return mean_[a] * static_cast<double>(n_); }
  double sum(Quantity a, Quantity b) const { return central(a, b) + mean_[a] * sum(b); }

 private:
  static constexpr size_t kCell[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};

  uint64_t n_ = 0;
  std::array<double, 3> mean_ = {};
  std::array<double, 6> central_ = {};  // mm md mx dd dx xx
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_SUMS_H_
