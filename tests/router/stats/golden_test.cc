// Against scipy, statsmodels and gbstats: golden/make_golden.py.
#include <cmath>
#include <fstream>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "router/stats/analysis.h"
#include "router/stats/comparison.h"
#include "router/stats/quantile.h"
#include "router/stats/sequential.h"
#include "router/stats/srm.h"

namespace espalier {
namespace {

using nlohmann::json;

const json& Golden() {
  static const json golden = json::parse(std::ifstream(ESPALIER_GOLDEN));
  return golden;
}

void ExpectClose(double got, double want, const std::string& what) {
  EXPECT_NEAR(got, want, 1e-9 * std::max(1.0, std::abs(want))) << what;
}

ArmData Arm(const json& units) {
  ArmData arm;
  for (const json& unit : units) arm.sums.Add(unit[0], unit[1], unit[2]);
  return arm;
}

MetricType TypeNamed(const std::string& name) {
  for (const MetricType type : {MetricType::kMean, MetricType::kProportion, MetricType::kRatio}) {
    if (MetricTypeName(type) == name) return type;
  }
  ADD_FAILURE() << name;
  return MetricType::kMean;
}

VariantResult CompareGolden(const json& golden, AnalysisEngine engine) {
  AnalysisPlan plan;
  plan.engine = engine;
  plan.alpha = Golden()["alpha"];
  plan.n_star = Golden()["n_star"];
  MetricPlan metric;
  metric.type = TypeNamed(golden["type"]);
  metric.adjusted = golden["adjusted"];
  return Compare(plan, metric, Arm(golden["control"]), Arm(golden["treatment"]));
}

void ExpectInterval(const json& want, double effect, const std::optional<Bounds>& bounds,
                    const std::string& what) {
  ExpectClose(effect, want["effect"], what);
  ASSERT_TRUE(bounds.has_value()) << what;
  ExpectClose(bounds->low, want["low"], what);
  ExpectClose(bounds->high, want["high"], what);
}

void ExpectEngine(const json& golden, AnalysisEngine engine) {
  const std::string name(EngineName(engine));
  if (!golden.contains(name)) return;
  const json& want = golden[name];
  const std::string what = golden["name"].get<std::string>() + ", " + name;
  const VariantResult got = CompareGolden(golden, engine);
  if (want.contains("absolute")) {
    // Values of 1e9 have 7 decimals.
    if (golden["name"] == "shifted") {
      EXPECT_NEAR(got.effect, want["absolute"]["effect"], 1e-5);
      EXPECT_NEAR(got.p, want["absolute"]["p"], 1e-5);
    } else {
      ExpectInterval(want["absolute"], got.effect, got.effect_bounds, what + ", absolute");
      ExpectClose(got.p, want["absolute"]["p"], what);
    }
  }
  if (want.contains("relative")) {
    ExpectInterval(want["relative"], got.relative, got.relative_bounds, what + ", relative");
  }
  if (want.contains("chance_to_win")) {
    // Of the absolute effect under the same prior.
    EXPECT_NEAR(*got.chance_to_win, want["chance_to_win"].get<double>(), 0.02) << what;
  }
}

TEST(GoldenTest, ComparisonsAgreeWithGbstatsAndScipy) {
  for (const json& golden : Golden()["comparisons"]) {
    for (const auto engine :
         {AnalysisEngine::kSequential, AnalysisEngine::kFixed, AnalysisEngine::kBayesian}) {
      ExpectEngine(golden, engine);
    }
  }
}

TEST(GoldenTest, SampleRatioAgreesWithScipy) {
  for (const json& golden : Golden()["srm"]) {
    const std::vector<uint64_t> units = golden["units"];
    const std::vector<double> shares = golden["shares"];
    const SampleRatio got = TestSampleRatio(units, shares, 0.001);
    ExpectClose(got.chi2, golden["chi2"], "chi2");
    ExpectClose(got.p, golden["p"], "p");
  }
}

TEST(GoldenTest, HolmAgreesWithStatsmodels) {
  for (const json& golden : Golden()["holm"]) {
    const std::vector<double> got = HolmAdjusted(golden["p"].get<std::vector<double>>());
    for (size_t i = 0; i < got.size(); ++i) ExpectClose(got[i], golden["adjusted"][i], golden["p"].dump());
  }
}

TEST(GoldenTest, OneSidedWidths) {
  for (const json& golden : Golden()["one_sided"]) {
    ExpectClose(SequentialOneSidedWidth(golden["units"], golden["alpha"], golden["n_star"]), golden["width"],
                golden.dump());
  }
}

TEST(GoldenTest, QuantilesAgreeWithNumpysOrderStatistics) {
  for (const json& golden : Golden()["quantiles"]) {
    std::vector<UnitValue> values;
    for (const json& value : golden["values"]) {
      values.push_back({static_cast<uint32_t>(values.size()), value.get<float>()});
    }
    const Estimate got = QuantileEstimate(values, golden["q"]);
    EXPECT_NEAR(got.mean, golden["mean"], 1e-6);
    EXPECT_NEAR(std::sqrt(got.variance / static_cast<double>(got.n)), golden["standard_error"], 1e-6);
  }
}

}  // namespace
}  // namespace espalier
