#include "services/verdict/judge.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>

#include "gmock/gmock.h"
#include "services/events/event_writer.h"
#include "services/verdict/judge_plan.h"
#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kHour = 3'600'000'000;
constexpr int64_t kNow = kStartMicros + kHour;

espalier::v1::Experiment Document() {
  espalier::v1::Experiment document;
  document.set_experiment("delay");
  document.set_model("flight-delay");
  document.mutable_unit()->set_attribute("tail");
  auto* control = document.add_variants();
  control->set_key("control");
  control->set_version(1);
  control->set_weight(0.5);
  control->set_control(true);
  auto* weather = document.add_variants();
  weather->set_key("weather");
  weather->set_version(2);
  weather->set_weight(0.5);
  document.mutable_outcome()->mutable_window()->set_seconds(24 * 3600);
  return document;
}

espalier::v1::Metric* AddGoal(espalier::v1::Experiment& document, const std::string& name,
                              espalier::v1::Metric::Type type, const std::string& outcome) {
  auto* goal = document.mutable_metrics()->add_goals();
  goal->set_name(name);
  goal->set_type(type);
  goal->set_outcome(outcome);
  return goal;
}

class JudgeTest : public testing::Test {
 protected:
  JudgeTest() {
    absl::StatusOr<EventWriter> writer = EventWriter::Open(EventsPath(directory_.path()), 0);
    EXPECT_TRUE(writer.ok()) << writer.status();
    writer_ = std::make_unique<EventWriter>(*std::move(writer));
    EXPECT_TRUE(writer_->Begin().ok());
  }

  // An exposure of `unit`, as most tests need it; `change` sets the rest.
  uint64_t Expose(const std::string& unit, const std::string& variant,
                  const std::function<void(Exposure&)>& change = nullptr) {
    Exposure exposure = MakeExposure(++last_id_, kStartMicros);
    exposure.unit = unit;
    exposure.variant_assigned = exposure.variant_served = variant;
    exposure.model_version = variant == "control" ? 1 : 2;
    if (change) change(exposure);
    const absl::StatusOr<bool> appended = writer_->Append(exposure);
    EXPECT_TRUE(appended.ok() && *appended);
    return last_id_;
  }

  uint64_t ExposeWithScores(const std::string& unit, const std::string& variant,
                            const std::vector<float>& scores) {
    return Expose(unit, variant, [&scores](Exposure& exposure) {
      exposure.rows = static_cast<uint32_t>(scores.size());
      exposure.scores = std::as_bytes(std::span(scores));
    });
  }

  void Report(uint64_t event_id, double value, const std::string& name = "late", uint32_t row = 0) {
    Outcome outcome = MakeOutcome(event_id, value, name);
    outcome.row = row;
    const absl::StatusOr<absl::Status> applied = writer_->Apply(outcome, kNow, nullptr);
    EXPECT_TRUE(applied.ok() && applied->ok());
  }

  Judgement JudgeAt(const espalier::v1::Experiment& document, int64_t now_micros = kNow) {
    EXPECT_TRUE(writer_->Commit().ok());
    const auto experiment = CompiledExperiment::Compile(document);
    EXPECT_TRUE(experiment.ok()) << experiment.status();
    absl::StatusOr<Sqlite> db = OpenEventsForReading(directory_.path());
    EXPECT_TRUE(db.ok()) << db.status();
    absl::StatusOr<Judgement> judgement = Judge(*db, **experiment, now_micros);
    EXPECT_TRUE(judgement.ok()) << judgement.status();
    EXPECT_TRUE(writer_->Begin().ok());
    return *std::move(judgement);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<EventWriter> writer_;
  uint64_t last_id_ = 0;
};

TEST_F(JudgeTest, BrierIsARatioOfSumsPerUnit) {
  espalier::v1::Experiment document = Document();
  auto* goal = AddGoal(document, "brier", espalier::v1::Metric::MEAN, "late");
  goal->set_loss(espalier::v1::Metric::BRIER);
  document.mutable_analysis()->set_n_star(200);

  // The truth by the textbook: losses summed by unit, then the delta method written out.
  struct Unit {
    double loss = 0;
    double count = 0;
  };
  std::map<std::string, Unit> units[2];
  std::mt19937 random(20130101);
  for (int i = 0; i < 1200; ++i) {
    const int tail = static_cast<int>(random() % 200);
    const int arm = tail % 2;
    const std::string unit = "N" + std::to_string(tail);
    const float score = static_cast<float>(random() % 1000) / 1000;
    // The treatment's scores know something.
    const double late = random() % 1000 < (arm == 1 ? score * 1000 : 300) ? 1 : 0;
    Report(ExposeWithScores(unit, arm == 0 ? "control" : "weather", {score}), late);
    units[arm][unit].loss += (score - late) * (score - late);
    units[arm][unit].count += 1;
  }
  double mean[2];
  double variance[2];
  for (int arm = 0; arm < 2; ++arm) {
    double m = 0;
    double d = 0;
    for (const auto& [name, unit] : units[arm]) {
      m += unit.loss;
      d += unit.count;
    }
    mean[arm] = m / d;
    double squares = 0;
    for (const auto& [name, unit] : units[arm]) squares += std::pow(unit.loss - mean[arm] * unit.count, 2);
    const double n = static_cast<double>(units[arm].size());
    variance[arm] = squares / (n - 1) / std::pow(d / n, 2) / n;
  }

  const Judgement judgement = JudgeAt(document);
  ASSERT_EQ(judgement.result.metrics.size(), 1u);
  const auto& variants = judgement.result.metrics[0].variants;
  EXPECT_EQ(variants[0].n, units[0].size());
  EXPECT_EQ(variants[1].n, units[1].size());
  EXPECT_NEAR(variants[0].mean, mean[0], 1e-12);
  EXPECT_NEAR(variants[1].mean, mean[1], 1e-12);
  // Widths of 200 units at N* 200: the half-width in standard errors is 3.0346, as 5,000 at 5,000.
  const double half = (variants[1].effect_bounds->high - variants[1].effect_bounds->low) / 2;
  EXPECT_NEAR(half / std::sqrt(variance[0] + variance[1]), 3.035, 5e-4);
  EXPECT_EQ(variants[1].verdict, Verdict::kBetter);
  EXPECT_EQ(judgement.result.units, 200u);
  EXPECT_EQ(judgement.result.exposures, 1200u);
  EXPECT_EQ(judgement.experiment, "delay");
  EXPECT_EQ(judgement.state, "running");
  EXPECT_EQ(judgement.config_version, 2u);
  EXPECT_TRUE(judgement.notes.empty());
}

TEST_F(JudgeTest, WhatIsNoEvidenceIsLeftOutAndTold) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  Report(Expose("a", "control"), 1);
  Report(Expose("b", "weather"), 0);
  Report(Expose("c", "weather", [](Exposure& e) { e.reason = AssignmentReason::kOverride; }), 1);
  Report(Expose("", "weather", [](Exposure& e) { e.reason = AssignmentReason::kUnitless; }), 1);
  Report(Expose("d", "weather", [](Exposure& e) { e.probabilities = "[0.9,0.1]"; }), 1);
  Report(Expose("e", "other"), 1);
  Report(Expose("f", "weather", [](Exposure& e) { e.experiment = "another"; }), 1);
  Report(Expose("g", "control"), 1);
  Report(Expose("g", "weather"), 1);
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.units, 2u);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].n, 1u);
  EXPECT_EQ(judgement.result.metrics[0].variants[1].mean, 0);
  EXPECT_THAT(judgement.notes,
              ElementsAre(HasSubstr("1 exposures left out: their unit has an override"),
                          HasSubstr("their request has no unit"), HasSubstr("another split"),
                          HasSubstr("not in the document"), HasSubstr("seen in more than one variant")));
}

TEST_F(JudgeTest, AUnitIsAnalysedAsItWasAssigned) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  const auto fall_back = [](Exposure& e) {
    e.variant_served = "control";
    e.model_version = 1;
    e.reason = AssignmentReason::kFallback;
  };
  Report(Expose("a", "weather", fall_back), 1);
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.metrics[0].variants[1].n, 1u);
}

TEST_F(JudgeTest, AnotherVersionOfTheModelIsAnotherExperiment) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  // Config version 1 was of version 7; a request that fell back to the control does not hide it.
  const auto old = [](Exposure& e) {
    e.config_version = 1;
    if (e.variant_assigned == "weather") e.model_version = 7;
  };
  const auto old_fallback = [](Exposure& e) {
    e.config_version = 1;
    e.variant_served = "control";
    e.model_version = 1;
    e.reason = AssignmentReason::kFallback;
  };
  Report(Expose("a", "control", old), 1);
  Report(Expose("b", "weather", old), 1);
  Report(Expose("c", "weather", old_fallback), 1);
  // In version 3 the control was another model altogether.
  Report(Expose("d", "control",
                [](Exposure& e) {
                  e.config_version = 3;
                  e.model = "flight-delay-old";
                }),
         1);
  Report(Expose("e", "control"), 0);
  Report(Expose("f", "weather"), 0);
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.units, 2u);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].mean, 0);
  EXPECT_EQ(judgement.result.metrics[0].variants[1].mean, 0);
  EXPECT_THAT(
      judgement.notes,
      ElementsAre("4 exposures left out: made with other models than the document's: under config version 1 "
                  "weather was version 7 of flight-delay, ..."));
}

// A variant that nothing answered for says nothing of its version.
TEST_F(JudgeTest, AFailedRequestIsOfNoVersion) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "errors", espalier::v1::Metric::PROPORTION, "");
  Expose("a", "weather", [](Exposure& e) {
    e.model_version = 0;
    e.status = 14;
    e.rows = 0;
  });
  EXPECT_EQ(JudgeAt(document).result.metrics[0].variants[1].mean, 1);
}

TEST_F(JudgeTest, WhatIsNoNumberSpoilsNothing) {
  using espalier::v1::Metric;
  espalier::v1::Experiment document = Document();
  AddGoal(document, "squared", Metric::MEAN, "late")->set_loss(Metric::SQUARED);
  AddGoal(document, "log-loss", Metric::MEAN, "late")->set_loss(Metric::LOG_LOSS);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Report(ExposeWithScores("a", "control", {0.5f}), 1);
  Report(ExposeWithScores("b", "control", {kNan}), 1);
  Report(ExposeWithScores("c", "control", {kInfinity}), 1);
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].mean, 0.25);
  EXPECT_NEAR(judgement.result.metrics[1].variants[0].mean, std::log(2), 1e-12);
  EXPECT_THAT(judgement.notes,
              ElementsAre("squared: 2 values left out: the score or the value is not finite",
                          "log-loss: 2 values left out: the score or the value is not finite"));
}

// The sum of two legal outcomes need not be one.
TEST_F(JudgeTest, OutcomesBeyondADoubleAreLeftOut) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "revenue", espalier::v1::Metric::MEAN, "late")->set_aggregate(espalier::v1::Metric::SUM);
  auto* price = AddGoal(document, "price", espalier::v1::Metric::RATIO, "");
  price->set_numerator("late");
  price->set_denominator("items");
  const uint64_t huge = ExposeWithScores("a", "control", {0, 0});
  for (uint32_t row = 0; row < 2; ++row) Report(huge, 1e308, "late", row);
  Report(huge, 1, "items");
  const uint64_t usual = ExposeWithScores("b", "control", {0});
  Report(usual, 8);
  Report(usual, 2, "items");
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].mean, 8);
  EXPECT_EQ(judgement.result.metrics[1].variants[0].mean, 4);
  EXPECT_THAT(judgement.notes, Contains(HasSubstr("revenue: 1 values left out")));
  EXPECT_THAT(judgement.notes, Contains(HasSubstr("price: 1 values left out")));
}

TEST_F(JudgeTest, ALossOfAModelWithSeveralOutputsIsTold) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "brier", espalier::v1::Metric::MEAN, "late")->set_loss(espalier::v1::Metric::BRIER);
  const std::vector<float> three = {0.2f, 0.3f, 0.5f};
  Report(Expose("a", "control", [&](Exposure& e) { e.scores = std::as_bytes(std::span(three)); }), 1);
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].n, 0u);
  EXPECT_THAT(judgement.notes,
              ElementsAre(HasSubstr("brier: 1 values left out: a loss needs one score for each row")));
}

TEST_F(JudgeTest, AProportionIsOfZeroAndOne) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "late", espalier::v1::Metric::PROPORTION, "late");
  Report(Expose("a", "control"), 1);
  Report(Expose("b", "control"), 0);
  Report(Expose("c", "control"), 30);
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].mean, 0.5);
  EXPECT_THAT(judgement.notes, ElementsAre("late: 1 values left out: a proportion is of 0 and 1"));
}

// Nobody reports that nothing happened.
TEST_F(JudgeTest, ConvertedAndTotalCountUnitsWithoutOutcomesAsZero) {
  using espalier::v1::Metric;
  espalier::v1::Experiment document = Document();
  AddGoal(document, "bought", Metric::CONVERTED, "revenue");
  AddGoal(document, "revenue", Metric::TOTAL, "revenue")->set_aggregate(Metric::MAX);
  AddGoal(document, "purchases", Metric::COUNT, "revenue");
  const uint64_t first = ExposeWithScores("a", "control", {0, 0});
  Report(first, -6, "revenue", 1);
  Expose("b", "control");
  Expose("a", "control");
  Expose("c", "control");
  const Judgement judgement = JudgeAt(document);
  std::vector<double> means;
  for (const MetricResult& metric : judgement.result.metrics) {
    EXPECT_EQ(metric.variants[0].n, 3u);
    means.push_back(metric.variants[0].mean);
  }
  EXPECT_THAT(means, ElementsAre(testing::DoubleEq(1.0 / 3), -2, testing::DoubleEq(1.0 / 3)));
  EXPECT_TRUE(judgement.notes.empty());
}

TEST_F(JudgeTest, TooEarlyUntilItHasRunAsLongAsItMust) {
  espalier::v1::Experiment document = Document();
  document.mutable_decision()->mutable_min_duration()->set_seconds(7200);
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  Expose("a", "control");
  Expose("b", "weather", [](Exposure& e) { e.time_micros += kHour; });
  const Judgement early = JudgeAt(document);
  EXPECT_TRUE(early.result.too_early);
  EXPECT_THAT(early.result.verdict, testing::StartsWith("too early to act: it has run 1h of at least 2h; "));
  Expose("c", "weather", [](Exposure& e) { e.time_micros += 2 * kHour; });
  EXPECT_FALSE(JudgeAt(document).result.too_early);
}

TEST_F(JudgeTest, MissingOutcomesAreLeftOutAndCounted) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  for (int i = 0; i < 400; ++i) {
    const bool control = i % 2 == 0;
    const uint64_t id = Expose("u" + std::to_string(i), control ? "control" : "weather");
    if (i % 4 < 2 || !control) Report(id, 1);
  }
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.units, 400u);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].n, 100u);
  EXPECT_EQ(judgement.result.metrics[0].variants[0].mean, 1);
  ASSERT_EQ(judgement.notes.size(), 1u);
  EXPECT_THAT(judgement.notes[0], HasSubstr("100 of 400 rows (control 50.0 %, weather 0.0 %)"));
  EXPECT_THAT(judgement.notes[0], HasSubstr("the shares differ"));
}

TEST_F(JudgeTest, DefaultCountsOnceTheWindowIsOver) {
  espalier::v1::Experiment document = Document();
  document.mutable_outcome()->set_missing(espalier::v1::OutcomeRules::DEFAULT);
  document.mutable_outcome()->set_default_(0);
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  Report(Expose("a", "control"), 1);
  Expose("b", "control");
  EXPECT_EQ(JudgeAt(document, kStartMicros + 23 * kHour).result.metrics[0].variants[0].mean, 1);
  EXPECT_EQ(JudgeAt(document, kStartMicros + 25 * kHour).result.metrics[0].variants[0].mean, 0.5);
}

TEST_F(JudgeTest, RowsOfABatchCountEachOrAsTheyAreAggregated) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "each", espalier::v1::Metric::MEAN, "late");
  using espalier::v1::Metric;
  for (const auto& [name, aggregate] : std::map<std::string, Metric::Aggregate>{{"a-sum", Metric::SUM},
                                                                                {"b-first", Metric::FIRST},
                                                                                {"c-max", Metric::MAX},
                                                                                {"d-last", Metric::LAST}}) {
    AddGoal(document, name, Metric::MEAN, "late")->set_aggregate(aggregate);
  }
  const uint64_t id = ExposeWithScores("a", "control", {0, 0, 0, 0});
  const double values[] = {2, 5, 1};
  for (uint32_t row = 0; row < 3; ++row) Report(id, values[row], "late", row);
  Report(id, 99, "other", 1);
  std::vector<double> means;
  for (const MetricResult& metric : JudgeAt(document).result.metrics)
    means.push_back(metric.variants[0].mean);
  EXPECT_THAT(means, ElementsAre(testing::DoubleEq(8.0 / 3), 8, 2, 5, 1));
}

TEST_F(JudgeTest, TheServersOwnMetricsNeedNoOutcome) {
  espalier::v1::Experiment document = Document();
  auto* latency = document.mutable_metrics()->add_guardrails();
  latency->set_name("latency");
  latency->set_type(espalier::v1::Metric::QUANTILE);
  latency->set_q(0.5);
  latency->set_margin(0.002);
  auto* errors = document.mutable_metrics()->add_guardrails();
  errors->set_name("errors");
  errors->set_type(espalier::v1::Metric::PROPORTION);
  errors->set_margin(0.01);
  for (int i = 0; i < 4000; ++i) {
    Expose("u" + std::to_string(i), i % 2 == 0 ? "control" : "weather", [i](Exposure& e) {
      e.latency_micros = static_cast<uint32_t>(1000 + i % 100);
      e.status = i % 2 == 1 && i % 10 == 1 ? 14 : 0;
    });
  }
  const AnalysisResult result = JudgeAt(document).result;
  EXPECT_NEAR(result.metrics[0].variants[0].mean, 0.001049, 2e-6);
  EXPECT_EQ(result.metrics[0].variants[1].verdict, Verdict::kPass);
  EXPECT_DOUBLE_EQ(result.metrics[1].variants[1].mean, 0.2);
  EXPECT_EQ(result.metrics[1].variants[1].verdict, Verdict::kBreach);
  EXPECT_THAT(result.verdict, HasSubstr("weather breaches the guardrail errors"));
}

TEST_F(JudgeTest, ARatioOfTwoOutcomes) {
  espalier::v1::Experiment document = Document();
  auto* goal = AddGoal(document, "price", espalier::v1::Metric::RATIO, "");
  goal->set_numerator("revenue");
  goal->set_denominator("items");
  const uint64_t first = Expose("a", "control");
  Report(first, 30, "revenue");
  Report(first, 3, "items");
  const uint64_t second = Expose("b", "control");
  Report(second, 50, "revenue");
  Report(second, 1, "items");
  Expose("c", "control");
  const VariantResult control = JudgeAt(document).result.metrics[0].variants[0];
  EXPECT_EQ(control.mean, 20);
  EXPECT_EQ(control.n, 2u);
}

TEST_F(JudgeTest, SampleRatioIsOfTheWorstConfigVersion) {
  espalier::v1::Experiment document = Document();
  const auto version = [](uint32_t number) { return [number](Exposure& e) { e.config_version = number; }; };
  for (int i = 0; i < 300; ++i) Expose("c" + std::to_string(i), "control", version(1));
  for (int i = 0; i < 200; ++i) Expose("w" + std::to_string(i), "weather", version(1));
  for (int i = 0; i < 200; ++i) Expose("x" + std::to_string(i), "control", version(2));
  for (int i = 0; i < 300; ++i) Expose("y" + std::to_string(i), "weather", version(2));
  const SampleRatio ratio = JudgeAt(document).result.srm;
  EXPECT_DOUBLE_EQ(ratio.chi2, 20);
  EXPECT_TRUE(ratio.alarm);
}

TEST_F(JudgeTest, SampleRatiosOfConfigVersionsDoNotAddUp) {
  espalier::v1::Experiment document = Document();
  for (int i = 0; i < 2000; ++i) {
    const bool second = i >= 1000;
    const std::string variant = i % 1000 < (second ? 545 : 540) ? "control" : "weather";
    Expose("u" + std::to_string(i), variant, [second](Exposure& e) { e.config_version = second ? 2 : 1; });
  }
  const SampleRatio ratio = JudgeAt(document).result.srm;
  EXPECT_DOUBLE_EQ(ratio.chi2, 8.1);
  EXPECT_EQ(ratio.df, 1);
  EXPECT_FALSE(ratio.alarm);
}

TEST_F(JudgeTest, SampleRatioIsOfTheUnitsThatAreAnalysed) {
  espalier::v1::Experiment document = Document();
  for (int i = 0; i < 30; ++i) {
    const std::string unit = "u" + std::to_string(i);
    Expose(unit, i < 20 ? "control" : "weather");
    if (i < 10) Expose(unit, "weather");
  }
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.units, 20u);
  EXPECT_EQ(judgement.result.exposures, 20u);
  EXPECT_EQ(judgement.result.srm.chi2, 0);
}

TEST_F(JudgeTest, NoEventsAreNoVerdict) {
  espalier::v1::Experiment document = Document();
  AddGoal(document, "late", espalier::v1::Metric::MEAN, "late");
  const Judgement judgement = JudgeAt(document);
  EXPECT_EQ(judgement.result.units, 0u);
  EXPECT_THAT(judgement.result.verdict, HasSubstr("not decided yet"));
}

// Whether more is better of a goal that does not say it, and of one that says `down` or `up`.
TEST(JudgePlanTest, LossesLatencyAndErrorsAreBetterWhenTheyAreLess) {
  using espalier::v1::Metric;
  espalier::v1::Experiment document = Document();
  AddGoal(document, "revenue", Metric::MEAN, "revenue");
  AddGoal(document, "brier", Metric::MEAN, "late")->set_loss(Metric::BRIER);
  AddGoal(document, "latency", Metric::MEAN, "");
  AddGoal(document, "errors", Metric::PROPORTION, "");
  AddGoal(document, "late", Metric::MEAN, "late")->set_better(Metric::DOWN);
  auto* agreement = AddGoal(document, "agreement", Metric::MEAN, "late");
  agreement->set_loss(Metric::ABSOLUTE);
  agreement->set_better(Metric::UP);
  const JudgePlan plan = PlanOf(**CompiledExperiment::Compile(document));
  std::vector<bool> up;
  for (const MetricPlan& metric : plan.analysis.metrics) up.push_back(metric.up_is_better);
  EXPECT_THAT(up, ElementsAre(true, false, false, false, false, true));
}

TEST(JudgePlanTest, WindowIsInMicroseconds) {
  EXPECT_EQ(OutcomeWindowMicros(Document()), 24 * kHour);
  EXPECT_FALSE(OutcomeWindowMicros(espalier::v1::Experiment()).has_value());
}

}  // namespace
}  // namespace espalier
