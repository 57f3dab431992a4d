#include "router/stats/sequential.h"

#include <algorithm>
#include <cmath>

namespace espalier {
namespace {

// sqrt(N) sqrt(2 (N rho^2 + 1) / (N^2 rho^2) log_term), with nr = N rho^2.
double Width(double nr, double log_term) { return std::sqrt(2 * (nr + 1) / nr * log_term); }

}  // namespace

double SequentialRhoSquared(double alpha, double n_star) {
  return (-2 * std::log(alpha) + std::log(1 - 2 * std::log(alpha))) / n_star;
}

double SequentialHalfWidth(double units, double alpha, double n_star) {
  const double nr = units * SequentialRhoSquared(alpha, n_star);
  return Width(nr, std::log(std::sqrt(nr + 1) / alpha));
}

double SequentialP(double z, double units, double alpha, double n_star) {
  const double nr = units * SequentialRhoSquared(alpha, n_star);
  return std::min(1.0, std::sqrt(nr + 1) * std::exp(-nr * z * z / (2 * (nr + 1))));
}

double SequentialOneSidedWidth(double units, double alpha, double n_star) {
  // rho^2 with 2 alpha may be 0 or less from alpha = 0.5 on, where no bound says anything.
  const double nr = units * SequentialRhoSquared(std::min(2 * alpha, 0.999), n_star);
  return Width(nr, std::log1p(std::sqrt(nr + 1) / (2 * alpha)));
}

}  // namespace espalier
