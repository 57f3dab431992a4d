#include "router/stats/unit_table.h"

#include "gtest/gtest.h"
#include "router/stats/comparison.h"
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
ArmData ArmOf(MetricType type) {
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
  return input.arms[0][0];
}

// The sum of m, as it was before the offset.
double SumOfM(const ArmData& arm) {
  return arm.sums.sum(UnitSums::kM) + arm.offset * arm.sums.sum(UnitSums::kD);
}

TEST(UnitTableTest, EachTypeHasItsValuePerUnit) {
  using enum UnitSums::Quantity;
  const ArmData mean = ArmOf(MetricType::kMean);
  EXPECT_EQ(mean.sums.n(), 2u);
  EXPECT_DOUBLE_EQ(SumOfM(mean), 6);
  EXPECT_DOUBLE_EQ(mean.sums.sum(kD), 4);
  const ArmData total = ArmOf(MetricType::kTotal);
  EXPECT_DOUBLE_EQ(SumOfM(total), 6);
  EXPECT_DOUBLE_EQ(total.sums.sum(kD), 2);
  const ArmData converted = ArmOf(MetricType::kConverted);
  EXPECT_DOUBLE_EQ(SumOfM(converted), 1);
  EXPECT_DOUBLE_EQ(converted.sums.sum(kD), 2);
  const ArmData count = ArmOf(MetricType::kCount);
  EXPECT_EQ(count.sums.n(), 3u);
  EXPECT_DOUBLE_EQ(SumOfM(count), 4);
}

TEST(UnitTableTest, ARatioSumsBothParts) {
  using enum UnitSums::Quantity;
  const AnalysisPlan plan = PlanWith(MetricType::kRatio);
  UnitTable table(plan);
  const uint32_t unit = table.Find("a", 1);
  table.Add(unit, 0, {.value = 3, .weight = 2});
  table.Add(unit, 0, {.value = 1, .weight = 5});
  const ArmData arm = table.Collect().arms[0][1];
  EXPECT_DOUBLE_EQ(SumOfM(arm), 4);
  EXPECT_DOUBLE_EQ(arm.sums.sum(kD), 7);
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
    EXPECT_DOUBLE_EQ(EstimateArm(plan.metrics[0], arm).mean, 3);
  }
}

// Times since 1970 with a spread of seconds, by units of one to four rows: the same values without the years
// are the truth.
TEST(UnitTableTest, ValuesThatAreLargeBesideTheirSpreadKeepTheirVariance) {
  for (const double offset : {1e6, 1e8, 1.7e9}) {
    AnalysisPlan plan = PlanWith(MetricType::kMean);
    plan.metrics.push_back(plan.metrics[0]);
    plan.metrics.push_back(plan.metrics[0]);
    plan.metrics[2].adjusted = true;
    UnitTable table(plan);
    for (uint32_t unit = 0; unit < 400; ++unit) {
      const uint32_t row = table.AddUnit(unit % 2);
      for (uint32_t i = 0; i <= unit / 2 % 4; ++i) {
        const double value = (unit * 7919 + i * 104729) % 97 / 16.0;
        table.Add(row, 0, {.value = value});
        table.Add(row, 1, {.value = value + offset});
        table.Add(row, 2, {.value = value + offset, .covariate = value / 2 + offset});
      }
    }
    const AnalysisResult result = Analyze(plan, table.Collect());
    const VariantResult& small = result.metrics[0].variants[1];
    const VariantResult& large = result.metrics[1].variants[1];
    EXPECT_NEAR(large.mean, small.mean + offset, 1e-6);
    EXPECT_NEAR(large.effect, small.effect, 1e-6);
    ASSERT_TRUE(large.effect_bounds.has_value());
    EXPECT_NEAR(large.effect_bounds->low, small.effect_bounds->low, 1e-5);
    EXPECT_NEAR(large.effect_bounds->high, small.effect_bounds->high, 1e-5);
    // The covariate knows everything.
    const VariantResult& adjusted = result.metrics[2].variants[1];
    EXPECT_NEAR(adjusted.effect, 0, 1e-5);
    EXPECT_NEAR(adjusted.mean, small.mean + offset, 1e-6);
  }
}

TEST(UnitTableTest, OneWildValueSpoilsNoOtherArm) {
  const AnalysisPlan plan = PlanWith(MetricType::kMean);
  UnitTable table(plan);
  for (int i = 0; i < 100; ++i) table.Add(table.AddUnit(0), 0, {.value = i % 2 == 0 ? 3.0 : 5.0});
  for (int i = 0; i < 100; ++i) table.Add(table.AddUnit(1), 0, {.value = i == 0 ? 1e200 : 4.0});
  const VariantResult control = Analyze(plan, table.Collect()).metrics[0].variants[0];
  EXPECT_DOUBLE_EQ(control.mean, 4);
}

TEST(UnitTableTest, QuantilesKeepTheDigitsOfTheirValues) {
  const AnalysisPlan plan = PlanWith(MetricType::kQuantile);
  UnitTable table(plan);
  for (int i = 0; i < 101; ++i) table.Add(table.AddUnit(0), 0, {.value = 1.7e9 + i});
  const Estimate median = table.Collect().arms[0][0].quantile;
  EXPECT_EQ(median.mean, 1.7e9 + 50);
  EXPECT_NEAR(median.variance, 2500, 500);
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
