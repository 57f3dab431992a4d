#include "router/stats/srm.h"

#include <cmath>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(SrmTest, HasThePublishedCheckValue) {
  const uint64_t units[] = {5100, 4900};
  const double shares[] = {0.5, 0.5};
  const SampleRatio ratio = TestSampleRatio(units, shares, 0.001);
  EXPECT_DOUBLE_EQ(ratio.chi2, 4);
  EXPECT_EQ(ratio.df, 1);
  EXPECT_NEAR(ratio.p, 0.0455, 5e-5);
  EXPECT_FALSE(ratio.alarm);
}

TEST(SrmTest, AlarmsBelowAlpha) {
  const uint64_t units[] = {5300, 4700};
  const double shares[] = {1, 1};
  EXPECT_TRUE(TestSampleRatio(units, shares, 0.001).alarm);
}

TEST(SrmTest, AnArmWithoutShareHasNoUnits) {
  const double shares[] = {0.5, 0.5, 0};
  const uint64_t as_configured[] = {50, 50, 0};
  const SampleRatio fine = TestSampleRatio(as_configured, shares, 0.001);
  EXPECT_EQ(fine.df, 1);
  EXPECT_EQ(fine.p, 1);
  const uint64_t leaked[] = {50, 50, 1};
  EXPECT_TRUE(TestSampleRatio(leaked, shares, 0.001).alarm);
}

TEST(SrmTest, NoUnitsAreNoAlarm) {
  const uint64_t units[] = {0, 0};
  const double shares[] = {0.5, 0.5};
  EXPECT_EQ(TestSampleRatio(units, shares, 0.001).p, 1);
}

}  // namespace
}  // namespace espalier
