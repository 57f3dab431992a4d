#include "router/experiment/validate.h"

#include <functional>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "tests/router/experiment/documents.h"

namespace espalier {
namespace {

using v1::Experiment;
using v1::Metric;

// The refusal of a document after `change`, without the experiment's name; empty when it is accepted.
std::string Refusal(const std::function<void(Experiment&)>& change,
                    const std::vector<double>& weights = {0.5, 0.5}) {
  Experiment document = MakeExperiment("e", "m", weights);
  change(document);
  const absl::Status status = ValidateExperiment(document);
  if (status.ok()) return {};
  const std::string message(Message(status));
  const std::string prefix = StrCat("experiment \"", document.experiment(), "\": ");
  EXPECT_EQ(message.substr(0, prefix.size()), prefix);
  return message.substr(prefix.size());
}

std::string RefusedWeights(const std::vector<double>& weights,
                           Experiment::Layout layout = Experiment::CUMULATIVE) {
  return Refusal([layout](Experiment& e) { e.set_layout(layout); }, weights);
}

void AddRange(v1::Variant& variant, double start, double end) {
  auto* range = variant.add_ranges();
  range->set_start(start);
  range->set_end(end);
}

TEST(ValidateTest, KeysAndNames) {
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_experiment(""); }),
            "experiment: \"\" must match [a-z0-9_-]{1,64}");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_experiment("Split Test"); }),
            "experiment: \"Split Test\" must match [a-z0-9_-]{1,64}");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_experiment(std::string(64, 'x')); }), "");
  EXPECT_NE(Refusal([](Experiment& e) { e.set_experiment(std::string(65, 'x')); }), "");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_model("../m"); }),
            "model: \"../m\" must match [A-Za-z0-9._-]{1,64} without a leading dot");
  EXPECT_NE(Refusal([](Experiment& e) { e.set_model(".m"); }), "");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_variants(1)->set_key("T"); }),
            "variants[1].key: \"T\" must match [a-z0-9_-]{1,64}");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_variants(1)->set_key("control"); }),
            "variants[1].key: \"control\" stands twice");
}

TEST(ValidateTest, TextsAreShortUtf8) {
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_owner(std::string(257, 'x')); }),
            "owner: has 257 bytes, and at most 256 are allowed");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_seed("\xFF"); }), "seed: must be valid UTF-8");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_seed(""); }),
            "seed: \"\" must not be empty; leave it out to use the key");
  EXPECT_EQ(Refusal([](Experiment& e) { (*e.mutable_overrides())[std::string(300, 'u')] = "t1"; }),
            "overrides: has 300 bytes, and at most 256 are allowed");
}

TEST(ValidateTest, Unit) {
  EXPECT_EQ(Refusal([](Experiment& e) { e.clear_unit(); }),
            "unit.attribute: is missing; name the request parameter that holds the unit");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_unit()->set_fallback("session"); }),
            "unit.fallback: \"session\" must be request_id, or left out");
}

TEST(ValidateTest, Variants) {
  EXPECT_EQ(RefusedWeights({1}), "variants: 1 given; 2 to 100 are allowed");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_variants(0)->set_control(false); }),
            "variants: 0 of them have control: true, and exactly one must");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_variants(1)->set_control(true); }),
            "variants: 2 of them have control: true, and exactly one must");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_variants(1)->set_version(0); }),
            "variants[1].version: 0 must be a version of the model, from 1");
  EXPECT_EQ(Refusal([](Experiment& e) { (*e.mutable_overrides())["u"] = "nobody"; }),
            "overrides.u: \"nobody\" is none of the variants");
  EXPECT_EQ(Refusal([](Experiment& e) { (*e.mutable_overrides())[""] = "t1"; }),
            "overrides: a unit must not be empty");
}

TEST(ValidateTest, Weights) {
  EXPECT_EQ(RefusedWeights({0.5, 0.6}), "variants: the weights add up to 1.1, and must add up to 1");
  EXPECT_EQ(RefusedWeights({0.5, 0.500002}),
            "variants: the weights add up to 1.0000019999999998, and must add up to 1");
  EXPECT_EQ(RefusedWeights({0.5, 0.5000005}), "");
  EXPECT_EQ(RefusedWeights({1.5, -0.5}), "variants[1].weight: -0.5 must be a finite number >= 0");
  EXPECT_EQ(RefusedWeights({0.5, std::numeric_limits<double>::quiet_NaN()}),
            "variants[1].weight: NaN must be a finite number >= 0");
  EXPECT_EQ(RefusedWeights({0.5, std::numeric_limits<double>::infinity()}),
            "variants[1].weight: Infinity must be a finite number >= 0");
  EXPECT_EQ(RefusedWeights({1, 0}), "");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_variants(1)->clear_weight(); }),
            "variants[1].weight: is missing; the weights add up to 1");
}

TEST(ValidateTest, CanaryOverrunSaysWhatToDo) {
  EXPECT_EQ(RefusedWeights({0.3, 0.6, 0.1}, Experiment::CANARY),
            "variants[1].weight: 0.6 is more than 1/2, the room that the canary layout gives each of 2 "
            "treatments; lower it, "
            "or set layout: cumulative (which moves more units)");
  EXPECT_EQ(RefusedWeights({0, 0.5, 0.5}, Experiment::CANARY), "");
  EXPECT_EQ(RefusedWeights({0.1, 0.9}, Experiment::CANARY), "");
}

TEST(ValidateTest, ExplicitRanges) {
  const auto with = [](double a, double b, double c, double d) {
    return Refusal([=](Experiment& e) {
      AddRange(*e.mutable_variants(0), a, b);
      AddRange(*e.mutable_variants(1), c, d);
    });
  };
  EXPECT_EQ(with(0, 0.3, 0.3, 0.6), "");
  EXPECT_EQ(with(0, 0, 0.3, 0.6), "");
  EXPECT_EQ(with(0, 0, 0.3, 0.3), "variants: all of their ranges are empty, and nobody would take part");
  EXPECT_EQ(with(0, 0.4, 0.3, 0.6),
            "variants[1].ranges: [0.3, 0.6] overlaps [0, 0.4] of variant \"control\"");
  EXPECT_EQ(with(-0.1, 0.4, 0.5, 0.6),
            "variants[0].ranges[0]: [-0.1, 0.4] must be [start, end] with 0 <= start < end <= 1");
  EXPECT_EQ(with(0, 0.4, 0.5, 1.5),
            "variants[1].ranges[0]: [0.5, 1.5] must be [start, end] with 0 <= start < end <= 1");
  EXPECT_EQ(with(0.4, 0, 0.5, 0.6),
            "variants[0].ranges[0]: [0.4, 0] must be [start, end] with 0 <= start < end <= 1");
  EXPECT_EQ(
      Refusal([](Experiment& e) { AddRange(*e.mutable_variants(0), 0, 0.5); }),
      "variants[1].ranges: is missing; ranges are given for every variant or for none ([[0, 0]] is empty)");
  EXPECT_EQ(Refusal([](Experiment& e) {
              AddRange(*e.mutable_variants(0), 0, 0.5);
              e.set_layout(Experiment::CANARY);
            }),
            "layout: must be left out where variants have ranges, which say it all");
}

TEST(ValidateTest, CoverageLayerAndHoldout) {
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_coverage(1.5); }), "coverage: 1.5 must be within [0, 1]");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_coverage(std::numeric_limits<double>::quiet_NaN()); }),
            "coverage: NaN must be within [0, 1]");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_layer(); }), "layer.name: is missing");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_layer()->set_name("l"); }),
            "layer.ranges: is missing; [[0, 1]] claims the whole layer");
  EXPECT_EQ(Refusal([](Experiment& e) { SetLayer(e, "l", 0.5, 0.5); }),
            "layer.ranges[0]: [0.5, 0.5] must be [start, end] with 0 <= start < end <= 1");
  EXPECT_EQ(Refusal([](Experiment& e) {
              SetLayer(e, "l", 0, 0.5);
              SetLayer(e, "l", 0.4, 0.6);
            }),
            "layer.ranges[1]: [0.4, 0.6] overlaps [0, 0.5]");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_holdout()->set_share(0.1); }), "holdout.name: is missing");
  EXPECT_EQ(Refusal([](Experiment& e) {
              e.mutable_holdout()->set_name("h");
              e.mutable_holdout()->set_share(2);
            }),
            "holdout.share: 2 must be within [0, 1]");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_holdout()->set_name("h"); }),
            "holdout.share: is missing; it is within [0, 1]");
  EXPECT_EQ(Refusal([](Experiment& e) {
              e.mutable_holdout()->set_name("h");
              e.mutable_holdout()->set_share(0);
            }),
            "");
}

TEST(ValidateTest, Times) {
  EXPECT_EQ(Refusal([](Experiment& e) {
              e.mutable_start()->set_seconds(10);
              e.mutable_end()->set_seconds(10);
            }),
            "end: must be after start");
  EXPECT_EQ(Refusal([](Experiment& e) { e.set_config_version(0); }), "config_version: 0 must be at least 1");
}

std::string RefusedGoal(const std::function<void(Metric&)>& change) {
  return Refusal([&](Experiment& e) {
    Metric& metric = *e.mutable_metrics()->add_goals();
    metric.set_name("late");
    metric.set_type(Metric::MEAN);
    metric.set_outcome("late");
    change(metric);
  });
}

std::string RefusedGuardrail(const std::function<void(Metric&)>& change) {
  return Refusal([&](Experiment& e) {
    Metric& metric = *e.mutable_metrics()->add_guardrails();
    metric.set_name("latency");
    metric.set_type(Metric::MEAN);
    change(metric);
  });
}

TEST(ValidateTest, Metrics) {
  EXPECT_EQ(RefusedGoal([](Metric&) {}), "");
  EXPECT_EQ(RefusedGuardrail([](Metric&) {}), "");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_name("a b"); }),
            "metrics.goals[0].name: \"a b\" must match [a-z0-9_-]{1,64}");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.clear_type(); }),
            "metrics.goals[0].type: is missing; allowed are mean, proportion, total, converted, ratio, "
            "quantile, count");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.clear_outcome(); }),
            "metrics.goals[0].outcome: is missing; only the metrics latency and errors have none");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_type(Metric::QUANTILE); }),
            "metrics.goals[0].q: 0 must be within (0, 1) for type: quantile");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_q(0.5); }), "metrics.goals[0].q: is for type: quantile only");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_type(Metric::RATIO); }),
            "metrics.goals[0].numerator: a ratio needs the outcomes numerator and denominator");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_numerator("x"); }),
            "metrics.goals[0].numerator: numerator and denominator are for type: ratio only");
  EXPECT_EQ(RefusedGoal([](Metric& m) {
              m.set_type(Metric::TOTAL);
              m.set_loss(Metric::BRIER);
            }),
            "metrics.goals[0].loss: is for type: mean only");
  EXPECT_EQ(RefusedGuardrail([](Metric& m) { m.set_loss(Metric::BRIER); }),
            "metrics.guardrails[0].loss: is for metrics with an outcome only");
  EXPECT_EQ(RefusedGuardrail([](Metric& m) { m.set_aggregate(Metric::MAX); }),
            "metrics.guardrails[0].aggregate: is for metrics with an outcome only");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_aggregate(Metric::MAX); }), "");
  EXPECT_EQ(RefusedGoal([](Metric& m) {
              m.set_type(Metric::COUNT);
              m.clear_outcome();
              m.set_aggregate(Metric::SUM);
            }),
            "metrics.goals[0].aggregate: is for metrics with an outcome only");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_outcome("Bad Name"); }),
            "metrics.goals[0].outcome: \"Bad Name\" must match [a-z0-9_-]{1,64}, as outcomes are reported");
  const auto refused_ratio = [](const std::string& numerator, const std::string& denominator,
                                Metric::Aggregate aggregate = Metric::AGGREGATE_UNSPECIFIED) {
    return RefusedGoal([&](Metric& m) {
      m.set_type(Metric::RATIO);
      m.clear_outcome();
      m.set_numerator(numerator);
      m.set_denominator(denominator);
      m.set_aggregate(aggregate);
    });
  };
  EXPECT_EQ(refused_ratio("clicks", "views"), "");
  EXPECT_EQ(refused_ratio("clicks", "views", Metric::MAX),
            "metrics.goals[0].aggregate: is for metrics with an outcome only");
  EXPECT_EQ(refused_ratio("Clicks", "views"),
            "metrics.goals[0].numerator: \"Clicks\" must match [a-z0-9_-]{1,64}, as outcomes are reported");
  EXPECT_EQ(refused_ratio("clicks", std::string(65, 'v')),
            "metrics.goals[0].denominator: \"" + std::string(65, 'v') +
                "\" must match [a-z0-9_-]{1,64}, as outcomes are reported");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_worse(Metric::UP); }),
            "metrics.goals[0].worse: is for guardrails; a goal says better: up or better: down");
  EXPECT_EQ(RefusedGoal([](Metric& m) { m.set_margin(1); }),
            "metrics.goals[0].margin: is for guardrails only");
  EXPECT_EQ(RefusedGuardrail([](Metric& m) { m.set_better(Metric::UP); }),
            "metrics.guardrails[0].better: is for goals; a guardrail says worse: up or worse: down");
  EXPECT_EQ(RefusedGuardrail([](Metric& m) { m.set_margin(-1); }),
            "metrics.guardrails[0].margin: -1 must be a finite number >= 0, or a duration");
  EXPECT_EQ(Refusal([](Experiment& e) {
              for (auto* metric : {e.mutable_metrics()->add_goals(), e.mutable_metrics()->add_guardrails()}) {
                metric->set_name("errors");
                metric->set_type(Metric::PROPORTION);
              }
            }),
            "metrics.guardrails[0].name: \"errors\" stands twice");
}

TEST(ValidateTest, OutcomeAndAnalysis) {
  using v1::OutcomeRules;
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_outcome()->mutable_window(); }),
            "outcome.window: 0 must be longer than nothing");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_outcome()->set_default_(0); }),
            "outcome.default: is for missing: default only");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_outcome()->set_missing(OutcomeRules::DEFAULT); }),
            "outcome.default: is missing; missing: default needs the value that counts");
  EXPECT_EQ(Refusal([](Experiment& e) {
              e.mutable_outcome()->set_missing(OutcomeRules::DEFAULT);
              e.mutable_outcome()->set_default_(0);
            }),
            "outcome.window: is missing; missing: default counts once the window is over");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_analysis()->set_alpha(1); }),
            "analysis.alpha: 1 must be within (0, 1)");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_analysis()->set_srm_alpha(0); }),
            "analysis.srm_alpha: 0 must be within (0, 1)");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_analysis()->set_n_star(0.5); }),
            "analysis.n_star: 0.5 must be a number of units, from 1");
}

// Through the API, without a document in between.
TEST(ValidateTest, LaterPiecesAreRefusedInTheMessageToo) {
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_ramp(); }),
            "ramp: is not acted on by this build; remove it");
  EXPECT_EQ(Refusal([](Experiment& e) { e.add_shadow(); }),
            "shadow: is not acted on by this build; remove it");
  EXPECT_EQ(Refusal([](Experiment& e) { e.mutable_bandit(); }),
            "bandit: is not acted on by this build; remove it");
}

}  // namespace
}  // namespace espalier
