#include "router/stats/quantile.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace espalier {
namespace {

std::vector<UnitValue> Uniform(uint32_t units, uint32_t values_each, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<UnitValue> values;
  for (uint32_t unit = 0; unit < units; ++unit) {
    const float value = static_cast<float>(random() % 100'000) / 100'000;
    for (uint32_t i = 0; i < values_each; ++i) values.push_back({unit, value});
  }
  return values;
}

TEST(QuantileTest, RefusesWhileOrderStatisticsDoNotExist) {
  std::vector<UnitValue> few = Uniform(380, 1, 1);
  EXPECT_TRUE(std::isnan(QuantileEstimate(few, 0.99).variance));
  EXPECT_TRUE(std::isfinite(QuantileEstimate(few, 0.99).mean));
  std::vector<UnitValue> enough = Uniform(382, 1, 1);
  EXPECT_TRUE(std::isfinite(QuantileEstimate(enough, 0.99).variance));
  std::vector<UnitValue> none;
  EXPECT_EQ(QuantileEstimate(none, 0.5).n, 0u);
}

// Repeating each unit's value ten times adds values, but nothing that is known.
TEST(QuantileTest, ValuesOfOneUnitHangTogether) {
  std::vector<UnitValue> single = Uniform(1000, 1, 7);
  std::vector<UnitValue> repeated = Uniform(1000, 10, 7);
  const Estimate one = QuantileEstimate(single, 0.9);
  const Estimate ten = QuantileEstimate(repeated, 0.9);
  EXPECT_EQ(ten.n, 1000u);
  EXPECT_NEAR(ten.mean, one.mean, 0.005);
  EXPECT_NEAR(std::sqrt(ten.variance / one.variance), 1, 0.1);
}

}  // namespace
}  // namespace espalier
