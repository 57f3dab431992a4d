// Gauss-Legendre quadrature over [0, 1]: integrals of polynomials as short sums.
#ifndef ESPALIER_MODELS_FOREST_QUADRATURE_H_
#define ESPALIER_MODELS_FOREST_QUADRATURE_H_

#include <cstdint>
#include <vector>

namespace espalier {

struct Quadrature {
  // sum(weights[i] * f(points[i])) is the integral of f over [0, 1], within rounding for every polynomial of
  // degree 2 * count - 1 at most. Points are inside (0, 1), ascending.
  std::vector<double> points;
  std::vector<double> weights;
};

// The rule of `count` (at least 1) points.
Quadrature GaussLegendre(uint32_t count);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_QUADRATURE_H_
