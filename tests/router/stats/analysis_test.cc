#include "router/stats/analysis.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "router/stats/sentence.h"

namespace espalier {
namespace {

using testing::HasSubstr;

AnalysisPlan TwoArms() {
  AnalysisPlan plan;
  plan.experiment = "delay";
  plan.variants = {{"control", 0.5}, {"weather", 0.5}};
  plan.n_star = 3000;
  return plan;
}

MetricPlan Brier() {
  MetricPlan metric;
  metric.name = "brier";
  metric.up_is_better = false;
  return metric;
}

// `units` values around `mean`, the same for the same seed.
ArmData Around(double mean, int units, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> value(mean, 0.05);
  ArmData arm;
  for (int i = 0; i < units; ++i) arm.sums.Add(value(random));
  return arm;
}

AnalysisInput Input(std::vector<std::vector<ArmData>> arms) {
  AnalysisInput input;
  for (const ArmData& arm : arms.at(0)) input.units.push_back(arm.sums.n());
  input.arms = std::move(arms);
  return input;
}

TEST(AnalysisTest, SaysWhatIsBetterByHowMuch) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  const AnalysisResult result = Analyze(plan, Input({{Around(0.178, 1500), Around(0.164, 1500, 2)}}));
  const VariantResult& weather = result.metrics[0].variants[1];
  EXPECT_EQ(weather.verdict, Verdict::kBetter);
  EXPECT_EQ(result.metrics[0].variants[0].verdict, Verdict::kControl);
  EXPECT_NEAR(weather.effect, -0.014, 0.003);
  EXPECT_NEAR(weather.relative, -0.08, 0.02);
  EXPECT_LT(weather.effect_bounds->high, 0);
  EXPECT_THAT(result.verdict, HasSubstr("weather is better than control on brier: -0.01"));
  EXPECT_THAT(result.verdict, HasSubstr("p < 0.001 after 3,000 units"));
  EXPECT_EQ(result.units, 3000u);
}

TEST(AnalysisTest, DirectionOfTheMetricDecides) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  plan.metrics[0].up_is_better = true;
  const AnalysisResult result = Analyze(plan, Input({{Around(0.178, 1500), Around(0.164, 1500, 2)}}));
  EXPECT_EQ(result.metrics[0].variants[1].verdict, Verdict::kWorse);
}

TEST(AnalysisTest, NothingIsDecidedWithoutADifference) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  const AnalysisResult result = Analyze(plan, Input({{Around(0.17, 1500), Around(0.17, 1500, 2)}}));
  EXPECT_EQ(result.metrics[0].variants[1].verdict, Verdict::kInconclusive);
  EXPECT_THAT(result.verdict, HasSubstr("not decided yet"));
}

TEST(AnalysisTest, NothingIsDecidedOnAFewUnits) {
  AnalysisPlan plan = TwoArms();
  plan.n_star = 50;
  plan.metrics = {Brier()};
  const AnalysisResult few = Analyze(plan, Input({{Around(0.1, 29), Around(0.9, 29, 2)}}));
  EXPECT_EQ(few.metrics[0].variants[1].verdict, Verdict::kInconclusive);
  const AnalysisResult enough = Analyze(plan, Input({{Around(0.1, 30), Around(0.9, 30, 2)}}));
  EXPECT_EQ(enough.metrics[0].variants[1].verdict, Verdict::kWorse);
}

TEST(AnalysisTest, NoDataIsNoVerdict) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  for (const auto engine : {AnalysisEngine::kSequential, AnalysisEngine::kFixed, AnalysisEngine::kBayesian}) {
    plan.engine = engine;
    const AnalysisResult result = Analyze(plan, Input({{ArmData(), ArmData()}}));
    const VariantResult& weather = result.metrics[0].variants[1];
    EXPECT_EQ(weather.verdict, Verdict::kInconclusive);
    EXPECT_FALSE(weather.effect_bounds.has_value());
    EXPECT_TRUE(std::isnan(weather.mean));
    EXPECT_FALSE(result.srm.alarm);
  }
}

TEST(AnalysisTest, SmallestPOfTheLooksCounts) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  AnalysisInput input = Input({{Around(0.178, 1500), Around(0.164, 1500, 2)}});
  TakeLook(plan, input);
  const double early = input.earlier[0][1].p;
  EXPECT_LT(early, 0.001);
  input.arms = {{Around(0.17, 3000), Around(0.17, 3000, 2)}};
  const AnalysisResult later = Analyze(plan, input);
  EXPECT_EQ(later.metrics[0].variants[1].p, early);
  EXPECT_EQ(later.metrics[0].variants[1].verdict, Verdict::kBetter);
  // Effect and interval are today's, and the sentence does not hide it.
  EXPECT_EQ(later.metrics[0].variants[1].p_units, 3000u);
  EXPECT_THAT(later.verdict, HasSubstr("p < 0.001 at the look of 3,000 units (today's interval contains 0)"));

  input.arms = {{Around(0.164, 800), Around(0.178, 800, 2)}};
  EXPECT_THAT(Analyze(plan, input).verdict, HasSubstr("units (today's interval says the opposite)"));
  // A look as clear as the one that decided.
  input.arms = {{Around(0.178, 1450), Around(0.164, 1450, 2)}};
  const std::string same = Analyze(plan, input).verdict;
  EXPECT_THAT(same, HasSubstr("at the look of 3,000 units"));
  EXPECT_THAT(same, testing::Not(HasSubstr("today's")));
}

TEST(AnalysisTest, WithoutAnIntervalTodayNothingIsDecided) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  AnalysisInput input = Input({{Around(0.178, 1500), Around(0.164, 1500, 2)}});
  TakeLook(plan, input);
  input.arms[0][1].sums.Add(1e200);
  const AnalysisResult result = Analyze(plan, input);
  EXPECT_LT(result.metrics[0].variants[1].p, 0.001);
  EXPECT_FALSE(result.metrics[0].variants[1].effect_bounds.has_value());
  EXPECT_EQ(result.metrics[0].variants[1].verdict, Verdict::kInconclusive);
}

TEST(AnalysisTest, BeforeItsTimeItIsTooEarlyToAct) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  plan.min_seconds = 3600;
  AnalysisInput input = Input({{Around(0.178, 1500), Around(0.164, 1500, 2)}});
  input.seconds = 754.9;
  const AnalysisResult early = Analyze(plan, input);
  EXPECT_TRUE(early.too_early);
  EXPECT_THAT(
      early.verdict,
      testing::StartsWith("too early to act: it has run 12m34s of at least 1h; weather is better than"));
  input.seconds = 3600;
  EXPECT_FALSE(Analyze(plan, input).too_early);
}

TEST(AnalysisTest, HolmMakesSeveralGoalsPay) {
  AnalysisPlan plan = TwoArms();
  plan.engine = AnalysisEngine::kFixed;
  plan.metrics = {Brier(), Brier()};
  plan.metrics[1].name = "other";
  // By itself p is about 0.03.
  const std::vector<ArmData> weak = {Around(0.17, 500), Around(0.1756, 500, 9)};
  const AnalysisResult held = Analyze(plan, Input({weak, {Around(0.17, 500), Around(0.17, 500, 2)}}));
  const VariantResult& corrected = held.metrics[0].variants[1];
  ASSERT_LT(corrected.p, 0.05);
  ASSERT_GT(corrected.p, 0.025);
  EXPECT_DOUBLE_EQ(corrected.p_adjusted, 2 * corrected.p);
  EXPECT_EQ(corrected.verdict, Verdict::kInconclusive);
  plan.correction = Correction::kNone;
  EXPECT_EQ(Analyze(plan, Input({weak, weak})).metrics[0].variants[1].verdict, Verdict::kWorse);
}

class GuardrailTest : public testing::Test {
 protected:
  // The verdict on errors, with a margin of one percentage point.
  Verdict Judge(int control_errors, int treatment_errors, int units) {
    AnalysisPlan plan = TwoArms();
    MetricPlan errors;
    errors.name = "errors";
    errors.type = MetricType::kProportion;
    errors.role = MetricRole::kGuardrail;
    errors.up_is_better = false;
    errors.margin = 0.01;
    plan.metrics = {errors};
    ArmData control;
    ArmData treatment;
    for (int i = 0; i < units; ++i) {
      control.sums.Add(i < control_errors ? 1 : 0);
      treatment.sums.Add(i < treatment_errors ? 1 : 0);
    }
    const AnalysisResult result = Analyze(plan, Input({{control, treatment}}));
    if (result.metrics[0].variants[1].verdict == Verdict::kBreach) {
      EXPECT_THAT(result.verdict, HasSubstr("weather breaches the guardrail errors"));
    }
    return result.metrics[0].variants[1].verdict;
  }
};

TEST_F(GuardrailTest, BoundsAgainstTheMarginDecide) {
  EXPECT_EQ(Judge(20, 400, 5000), Verdict::kBreach);
  EXPECT_EQ(Judge(20, 20, 5000), Verdict::kPass);
  EXPECT_EQ(Judge(20, 70, 5000), Verdict::kInconclusive);
}

TEST_F(GuardrailTest, NoErrorAtAllPassesOnlyWithEnoughUnits) {
  EXPECT_EQ(Judge(0, 0, 100), Verdict::kInconclusive);
  EXPECT_EQ(Judge(0, 0, 5000), Verdict::kPass);
}

TEST(AnalysisTest, SampleRatioMismatchComesFirst) {
  AnalysisPlan plan = TwoArms();
  plan.metrics = {Brier()};
  const AnalysisResult result = Analyze(plan, Input({{Around(0.178, 1500), Around(0.164, 1200, 2)}}));
  EXPECT_TRUE(result.srm.alarm);
  EXPECT_THAT(result.verdict, testing::StartsWith("sample ratio mismatch (p < 0.001)"));
}

TEST(AnalysisTest, CovariateNarrowsTheInterval) {
  AnalysisPlan plan = TwoArms();
  MetricPlan plain;
  plain.name = "plain";
  MetricPlan adjusted = plain;
  adjusted.adjusted = true;
  plan.metrics = {plain, adjusted};
  std::mt19937 random(3);
  std::normal_distribution<double> covariate(5, 1);
  std::normal_distribution<double> noise(0, 0.5);
  std::vector<ArmData> arms(2);
  for (int i = 0; i < 2000; ++i) {
    const double x = covariate(random);
    arms[i % 2].sums.Add(x + noise(random) + (i % 2) * 0.1, 1, x);
  }
  const AnalysisResult result = Analyze(plan, Input({arms, arms}));
  const Bounds wide = *result.metrics[0].variants[1].effect_bounds;
  const Bounds narrow = *result.metrics[1].variants[1].effect_bounds;
  // R^2 is 1 / 1.25, so the standard error falls to sqrt(1 - 0.8).
  EXPECT_NEAR((narrow.high - narrow.low) / (wide.high - wide.low), std::sqrt(0.2), 0.03);
  EXPECT_NEAR(result.metrics[1].variants[1].effect, 0.1, 0.07);
}

TEST(AnalysisTest, NumbersHaveCommas) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(1234567), "1,234,567");
}

}  // namespace
}  // namespace espalier
