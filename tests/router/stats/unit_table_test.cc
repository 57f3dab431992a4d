#include "router/stats/unit_table.h"

#include "gtest/gtest.h"
#include "router/stats/loss.h"

namespace espalier {
namespace {

AnalysisPlan PlanWith(MetricType type) {
  AnalysisPlan plan;
  plan.variants = {{"control", 1}, {"weather", 1}};
  MetricPlan metric;
  metric.type = type;
  plan.metrics = {metric};
  return plan;
}

// Two units of the control: one with the values 2, 0, 4 and one with 0; a third without values.
UnitSums SumsOf(MetricType type) {
  const AnalysisPlan plan = PlanWith(type);
  UnitTable table(plan);
  const uint32_t first = table.Find("a", 0);
  const uint32_t second = table.Find("b", 0);
  table.Find("c", 0);
  for (const double value : {2.0, 0.0, 4.0}) table.Add(first, 0, {.value = value});
  table.Add(second, 0, {.value = 0});
  EXPECT_EQ(table.Find("a", 0), first);
  const AnalysisInput input = table.Collect();
  EXPECT_EQ(input.units[0], 3u);
  return input.arms[0][0].sums;
}

TEST(UnitTableTest, EachTypeHasItsValuePerUnit) {
  using enum UnitSums::Quantity;
  const UnitSums mean = SumsOf(MetricType::kMean);
  EXPECT_EQ(mean.n(), 2u);
  EXPECT_DOUBLE_EQ(mean.sum(kM), 6);
  EXPECT_DOUBLE_EQ(mean.sum(kD), 4);
  const UnitSums total = SumsOf(MetricType::kTotal);
  EXPECT_DOUBLE_EQ(total.sum(kM), 6);
  EXPECT_DOUBLE_EQ(total.sum(kD), 2);
  const UnitSums converted = SumsOf(MetricType::kConverted);
  EXPECT_DOUBLE_EQ(converted.sum(kM), 1);
  EXPECT_DOUBLE_EQ(converted.sum(kD), 2);
  const UnitSums count = SumsOf(MetricType::kCount);
  EXPECT_EQ(count.n(), 3u);
  EXPECT_DOUBLE_EQ(count.sum(kM), 4);
}

TEST(UnitTableTest, ARatioSumsBothParts) {
  using enum UnitSums::Quantity;
  const AnalysisPlan plan = PlanWith(MetricType::kRatio);
  UnitTable table(plan);
  const uint32_t unit = table.Find("a", 1);
  table.Add(unit, 0, {.value = 3, .weight = 2});
  table.Add(unit, 0, {.value = 1, .weight = 5});
  const UnitSums sums = table.Collect().arms[0][1].sums;
  EXPECT_DOUBLE_EQ(sums.sum(kM), 4);
  EXPECT_DOUBLE_EQ(sums.sum(kD), 7);
}

TEST(UnitTableTest, ExcludedUnitsAreNowhere) {
  for (const auto type : {MetricType::kMean, MetricType::kQuantile}) {
    const AnalysisPlan plan = PlanWith(type);
    UnitTable table(plan);
    table.Add(table.Find("a", 0), 0, {.value = 3});
    const uint32_t crossed = table.Find("b", 0);
    table.Add(crossed, 0, {.value = 100});
    table.Exclude(crossed);
    table.Exclude(crossed);
    EXPECT_EQ(table.excluded(), 1u);
    const AnalysisInput input = table.Collect();
    EXPECT_EQ(input.units[0], 1u);
    const ArmData& arm = input.arms[0][0];
    EXPECT_DOUBLE_EQ(type == MetricType::kMean ? arm.sums.mean(UnitSums::kM) : arm.quantile.mean, 3);
  }
}

TEST(UnitTableTest, LooksComeByTheUnitsAlone) {
  LookSchedule schedule(1000);
  std::vector<uint64_t> looks;
  for (uint64_t units = 1; units <= 3000; ++units) {
    if (schedule.Due(units)) looks.push_back(units);
  }
  EXPECT_EQ(looks.front(), 50u);
  EXPECT_EQ(looks[19], 1000u);
  EXPECT_LT(looks.size(), 45u);
  for (size_t i = 20; i < looks.size(); ++i) EXPECT_GE(looks[i], looks[i - 1] * 1.05);
}

TEST(LossTest, HasTheTextbookValues) {
  EXPECT_DOUBLE_EQ(LossOf(Loss::kNone, 0.3, 7), 7);
  EXPECT_DOUBLE_EQ(LossOf(Loss::kBrier, 0.25, 1), 0.5625);
  EXPECT_DOUBLE_EQ(LossOf(Loss::kSquared, 3, 5), 4);
  EXPECT_DOUBLE_EQ(LossOf(Loss::kAbsolute, 3, 5), 2);
  EXPECT_DOUBLE_EQ(LossOf(Loss::kLogLoss, 0.25, 1), std::log(4));
  EXPECT_DOUBLE_EQ(LossOf(Loss::kLogLoss, 0.25, 0), -std::log(0.75));
  EXPECT_NEAR(LossOf(Loss::kLogLoss, 0, 1), 34.5, 0.1);
}

}  // namespace
}  // namespace espalier
