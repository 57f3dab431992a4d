#include "services/verdict/report.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using testing::HasSubstr;

Judgement SomeJudgement() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  VariantResult control;
  control.key = "control";
  control.n = 1500;
  control.mean = 0.178;
  control.effect = control.relative = control.p = control.p_adjusted = nan;
  control.verdict = Verdict::kControl;
  VariantResult weather;
  weather.key = "weather";
  weather.n = 1512;
  weather.mean = 0.164;
  weather.effect = -0.014;
  weather.effect_bounds = Bounds{-0.016, -0.012};
  weather.relative = -0.0787;
  weather.p = weather.p_adjusted = 0.0004;
  weather.verdict = Verdict::kBetter;
  MetricResult brier;
  brier.plan.name = "brier";
  brier.variants = {control, weather};
  Judgement judgement;
  judgement.experiment = "delay";
  judgement.state = "running";
  judgement.config_version = 3;
  judgement.result.units = 3012;
  judgement.result.exposures = 34567;
  judgement.result.metrics = {brier};
  judgement.result.verdict = "weather is better";
  judgement.notes = {"something was left out"};
  return judgement;
}

TEST(ReportTest, JsonHasTheAgreedKeys) {
  const nlohmann::json json = ToJson(SomeJudgement());
  for (const char* key : {"experiment", "state", "config_version", "engine", "alpha", "n_star", "srm",
                          "units", "exposures", "metrics", "verdict"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  for (const char* key : {"chi2", "df", "p", "alarm"}) EXPECT_TRUE(json["srm"].contains(key)) << key;
  const nlohmann::json& metric = json["metrics"][0];
  for (const char* key : {"name", "type", "role", "variants"}) EXPECT_TRUE(metric.contains(key)) << key;
  const nlohmann::json& weather = metric["variants"][1];
  for (const char* key : {"key", "n", "mean", "effect", "effect_low", "effect_high", "relative",
                          "relative_low", "relative_high", "p", "verdict"}) {
    EXPECT_TRUE(weather.contains(key)) << key;
  }
  EXPECT_EQ(weather["effect_low"], -0.016);
  EXPECT_EQ(weather["verdict"], "better");
  EXPECT_TRUE(weather["relative_low"].is_null());
  EXPECT_TRUE(metric["variants"][0]["effect"].is_null());
}

TEST(ReportTest, ATableHasNoState) {
  Judgement judgement = SomeJudgement();
  judgement.state.clear();
  EXPECT_TRUE(ToJson(judgement)["state"].is_null());
  EXPECT_TRUE(ToJson(judgement)["config_version"].is_null());
}

TEST(ReportTest, HugePercentagesStayShort) {
  Judgement judgement = SomeJudgement();
  VariantResult& weather = judgement.result.metrics[0].variants[1];
  weather.relative = 5.6e197;
  weather.relative_bounds = Bounds{-0.125, 1.2e198};
  EXPECT_THAT(ToText(judgement), HasSubstr("  +5.6e+199 % [-12.5, +1.2e+200]  "));
}

TEST(ReportTest, TheLookThatPIsOfIsGiven) {
  Judgement judgement = SomeJudgement();
  EXPECT_TRUE(ToJson(judgement)["metrics"][0]["variants"][1]["p_units"].is_null());
  EXPECT_EQ(ToJson(judgement)["too_early"], false);
  judgement.result.metrics[0].variants[1].p_units = 1200;
  judgement.result.too_early = true;
  EXPECT_EQ(ToJson(judgement)["metrics"][0]["variants"][1]["p_units"], 1200);
  EXPECT_EQ(ToJson(judgement)["too_early"], true);
}

TEST(ReportTest, TextIsForPeople) {
  const std::string text = ToText(SomeJudgement());
  EXPECT_THAT(text, HasSubstr("delay (running, config version 3)"));
  EXPECT_THAT(text, HasSubstr("3,012 units, 34,567 exposures"));
  EXPECT_THAT(text, HasSubstr("-0.014 [-0.016, -0.012]"));
  EXPECT_THAT(text, HasSubstr("< 0.001"));
  EXPECT_THAT(text, HasSubstr("\nweather is better\n"));
  EXPECT_THAT(text, HasSubstr("note: something was left out\n"));
}

}  // namespace
}  // namespace espalier
