#include "models/forest/quadrature.h"

#include <cmath>
#include <numbers>

namespace espalier {
namespace {

struct Legendre {
  double value;
  double derivative;
};

// The Legendre polynomial of degree `n` at x, by its three-term recurrence.
Legendre Evaluate(uint32_t n, double x) {
  double before = 1;
  double value = x;
  for (uint32_t i = 2; i <= n; ++i) {
    const double next = ((2.0 * i - 1) * x * value - (i - 1.0) * before) / i;
    before = value;
    value = next;
  }
  return {value, n * (x * value - before) / (x * x - 1)};
}

}  // namespace

Quadrature GaussLegendre(uint32_t count) {
  Quadrature rule;
  for (uint32_t i = 0; i < count; ++i) {
    // The zeros of the polynomial by Newton's method, from Tricomi's approximation; ascending.
    double x = -std::cos(std::numbers::pi * (i + 0.75) / (count + 0.5));
    for (int step = 0; step < 8; ++step) {
      const Legendre at = Evaluate(count, x);
      x -= at.value / at.derivative;
    }
    const double slope = Evaluate(count, x).derivative;
    rule.points.push_back((1 + x) / 2);
    rule.weights.push_back(1 / ((1 - x * x) * slope * slope));
  }
  return rule;
}

}  // namespace espalier
