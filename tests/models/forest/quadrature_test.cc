#include "models/forest/quadrature.h"

#include <cmath>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(QuadratureTest, IntegratesPolynomialsOfTwiceItsPoints) {
  for (const uint32_t count : {1u, 2u, 3u, 4u, 5u, 16u, 100u, 512u}) {
    const Quadrature rule = GaussLegendre(count);
    ASSERT_EQ(rule.points.size(), count);
    ASSERT_EQ(rule.weights.size(), count);
    for (uint32_t degree = 0; degree < 2 * count; ++degree) {
      double sum = 0;
      for (uint32_t i = 0; i < count; ++i) sum += rule.weights[i] * std::pow(rule.points[i], degree);
      EXPECT_NEAR(sum, 1.0 / (degree + 1), 1e-13) << count << " points, degree " << degree;
    }
  }
}

TEST(QuadratureTest, IsNotExactBeyond) {
  const Quadrature rule = GaussLegendre(2);
  double sum = 0;
  for (uint32_t i = 0; i < 2; ++i) sum += rule.weights[i] * std::pow(rule.points[i], 4);
  EXPECT_GT(std::abs(sum - 0.2), 1e-3);
}

TEST(QuadratureTest, PointsAscendInside) {
  const Quadrature rule = GaussLegendre(200);
  double last = 0;
  for (const double point : rule.points) {
    EXPECT_GT(point, last);
    last = point;
  }
  EXPECT_LT(last, 1);
}

}  // namespace
}  // namespace espalier
