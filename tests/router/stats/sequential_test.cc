#include "router/stats/sequential.h"

#include <cmath>

#include "gtest/gtest.h"
#include "router/stats/estimate.h"

namespace espalier {
namespace {

constexpr double kAlpha = 0.05;

TEST(SequentialTest, HasThePublishedCheckValues) {
  EXPECT_NEAR(std::sqrt(SequentialRhoSquared(kAlpha, 5000)), 0.0398401, 5e-8);
  EXPECT_NEAR(SequentialHalfWidth(1000, kAlpha, 5000), 3.364, 5e-4);
  EXPECT_NEAR(SequentialHalfWidth(5000, kAlpha, 5000), 3.035, 5e-4);
  EXPECT_NEAR(SequentialHalfWidth(100000, kAlpha, 5000), 3.337, 5e-4);
  EXPECT_NEAR(SequentialP(3, 5000, kAlpha, 5000), 0.05495, 5e-6);
}

TEST(SequentialTest, RelativeLiftOfAProportionHasTheCheckInterval) {
  UnitSums control;
  UnitSums treatment;
  for (int i = 0; i < 3000; ++i) control.Add(i < 1396 ? 1 : 0);
  for (int i = 0; i < 3461; ++i) treatment.Add(i < 2422 ? 1 : 0);
  const Estimate c = ProportionEstimate(control);
  const Estimate t = ProportionEstimate(treatment);
  const Effect lift = RelativeEffect(c, t, c.mean, t.mean);
  const double half = SequentialHalfWidth(6461, kAlpha, 5000) * std::sqrt(lift.variance);
  EXPECT_NEAR(lift.value, 0.50386, 5e-6);
  EXPECT_NEAR(lift.value - half, 0.40098, 5e-6);
  EXPECT_NEAR(lift.value + half, 0.60675, 5e-6);
}

TEST(SequentialTest, PAndIntervalAgree) {
  for (const double units : {50.0, 1000.0, 1e6}) {
    const double z = SequentialHalfWidth(units, kAlpha, 3000);
    EXPECT_NEAR(SequentialP(z, units, kAlpha, 3000), kAlpha, 1e-12);
  }
  EXPECT_EQ(SequentialP(0, 5000, kAlpha, 5000), 1);
}

TEST(SequentialTest, OneSidedBoundIsNearerThanTheTwoSided) {
  for (const double units : {500.0, 5000.0, 1e5}) {
    EXPECT_LT(SequentialOneSidedWidth(units, kAlpha, 5000), SequentialHalfWidth(units, kAlpha, 5000));
  }
  EXPECT_TRUE(std::isfinite(SequentialOneSidedWidth(5000, 0.6, 5000)));
}

}  // namespace
}  // namespace espalier
