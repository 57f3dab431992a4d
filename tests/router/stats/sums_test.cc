#include "router/stats/sums.h"

#include <cmath>

#include "gtest/gtest.h"

namespace espalier {
namespace {

using enum UnitSums::Quantity;

TEST(UnitSumsTest, PartsMergeToTheWhole) {
  UnitSums whole;
  UnitSums parts[3];
  for (int i = 0; i < 100; ++i) {
    const double m = std::sin(i) * 10;
    const double d = 1 + i % 4;
    const double x = std::cos(3 * i);
    whole.Add(m, d, x);
    parts[i % 3].Add(m, d, x);
  }
  UnitSums merged;
  for (const UnitSums& part : parts) merged.Merge(part);
  merged.Merge(UnitSums());
  EXPECT_EQ(merged.n(), 100u);
  for (const auto a : {kM, kD, kX}) {
    EXPECT_NEAR(merged.sum(a), whole.sum(a), 1e-9);
    for (const auto b : {kM, kD, kX}) {
      EXPECT_NEAR(merged.covariance(a, b), whole.covariance(a, b), 1e-12);
      EXPECT_NEAR(merged.sum(a, b), whole.sum(b, a), 1e-9);
    }
  }
}

TEST(UnitSumsTest, SmallSpreadBesideALargeMeanSurvives) {
  UnitSums sums;
  for (const double value : {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) sums.Add(value);
  EXPECT_DOUBLE_EQ(sums.covariance(kM, kM), 30);
}

TEST(UnitSumsTest, OneUnitHasNoVariance) {
  UnitSums sums;
  EXPECT_TRUE(std::isnan(sums.covariance(kM, kM)));
  sums.Add(3);
  EXPECT_TRUE(std::isnan(sums.covariance(kM, kM)));
  EXPECT_EQ(sums.mean(kM), 3);
}

}  // namespace
}  // namespace espalier
