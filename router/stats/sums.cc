#include "router/stats/sums.h"

#include <limits>

namespace espalier {

void UnitSums::Add(double m, double d, double x) {
  UnitSums one;
  one.n_ = 1;
  one.mean_ = {m, d, x};
  Merge(one);
}

void UnitSums::Merge(const UnitSums& other) {
  if (other.n_ == 0) return;
  const double n = static_cast<double>(n_);
  const double other_n = static_cast<double>(other.n_);
  const double total = n + other_n;
  std::array<double, 3> step;
  for (size_t a = 0; a < 3; ++a) step[a] = other.mean_[a] - mean_[a];
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = a; b < 3; ++b) {
      const size_t cell = kCell[a][b];
      central_[cell] += other.central_[cell] + step[a] * step[b] * (n * other_n / total);
    }
  }
  for (size_t a = 0; a < 3; ++a) mean_[a] += step[a] * (other_n / total);
  n_ += other.n_;
}

double UnitSums::covariance(Quantity a, Quantity b) const {
  if (n_ < 2) return std::numeric_limits<double>::quiet_NaN();
  return central(a, b) / static_cast<double>(n_ - 1);
}

}  // namespace espalier
