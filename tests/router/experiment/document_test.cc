// What may stand in a document, and how a bad one is refused: file, field, value and what is allowed.
#include "router/experiment/document.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "router/experiment/document_node.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;
using v1::Experiment;

// The document of the design, less the keys of later pieces.
constexpr std::string_view kWhole = R"(
experiment: delay-model-v2        # immutable key
model: flight-delay
owner: ops
hypothesis: weather features cut missed delays
unit: {attribute: tail_number, fallback: request_id}
seed: delay-model-v2
state: running
config_version: 3
start: 2026-03-01T09:00:00Z
end: 2026-04-01T09:00:00+02:00
layer: {name: delay, ranges: [[0, 0.25], [0.5, 1]]}
holdout: {name: all-year, share: 0.05}
saved_groups: {big: [JFK, LGA, 1, true, null]}
targeting: {origin: {$in: [JFK, LGA]}, carrier: {$inGroup: big}, zip: 01234}
overrides: {N12345: weather, 007: control}
layout: canary
coverage: 0.2
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: weather, version: 2, weight: 0.5}
on_variant_error: {serve: control}
outcome: {window: 24h, missing: default, default: 0}
metrics:
  goals:      [{name: brier, type: mean, outcome: late, loss: brier, better: down}]
  guardrails: [{name: latency, type: quantile, q: 0.99, margin: 2ms, worse: up},
               {name: errors, type: proportion, margin: 0.001, worse: up}]
analysis: {engine: sequential, alpha: 0.05, n_star: 3000, correction: holm, srm_alpha: 0.001}
decision: {min_duration: 1h30m, auto_promote: false}
)";

constexpr std::string_view kSmall = R"(experiment: e
model: m
unit: {attribute: user_id}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t, version: 2, weight: 0.5}
)";

std::string Replace(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  const size_t at = result.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return result.replace(at, from.size(), to);
}

std::string Refusal(std::string_view text, std::string_view filename = "f.yaml") {
  const auto experiments = ParseExperiments(text, filename);
  EXPECT_FALSE(experiments.ok()) << text;
  return std::string(Message(experiments.status()));
}

// How the small document is refused with one more line, or with one part replaced.
std::string With(std::string_view line) { return Refusal(StrCat(kSmall, line, "\n")); }
std::string Replaced(std::string_view from, std::string_view to) {
  return Refusal(Replace(kSmall, from, to));
}

Experiment Only(std::string_view text, std::string_view filename = "f.yaml") {
  const auto experiments = ParseExperiments(text, filename);
  EXPECT_TRUE(experiments.ok()) << experiments.status();
  return experiments.ok() && experiments->size() == 1 ? experiments->front() : Experiment();
}

TEST(DocumentTest, EveryKeyIsRead) {
  const Experiment document = Only(kWhole);
  EXPECT_EQ(document.experiment(), "delay-model-v2");
  EXPECT_EQ(document.unit().fallback(), "request_id");
  EXPECT_EQ(document.state(), Experiment::RUNNING);
  EXPECT_EQ(document.config_version(), 3u);
  EXPECT_EQ(document.start().seconds(), 1772355600);
  EXPECT_EQ(document.end().seconds(), 1775026800);
  EXPECT_EQ(document.layer().ranges(1).start(), 0.5);
  EXPECT_EQ(document.holdout().share(), 0.05);
  EXPECT_EQ(document.saved_groups().fields().at("big").list_value().values_size(), 5);
  EXPECT_EQ(document.targeting().fields().at("zip").string_value(), "01234");
  EXPECT_EQ(document.overrides().at("007"), "control");
  EXPECT_EQ(document.layout(), Experiment::CANARY);
  EXPECT_EQ(document.coverage(), 0.2);
  EXPECT_TRUE(document.variants(0).control());
  EXPECT_EQ(document.variants(1).version(), 2);
  EXPECT_EQ(document.on_variant_error().serve(), v1::OnVariantError::CONTROL);
  EXPECT_EQ(document.outcome().window().seconds(), 86400);
  EXPECT_EQ(document.metrics().goals(0).loss(), v1::Metric::BRIER);
  EXPECT_EQ(document.metrics().guardrails(0).margin(), 0.002);
  EXPECT_EQ(document.metrics().guardrails(1).margin(), 0.001);
  EXPECT_EQ(document.analysis().n_star(), 3000);
  EXPECT_EQ(document.decision().min_duration().seconds(), 5400);
}

TEST(DocumentTest, JsonIsTheSameDocument) {
  const Experiment yaml = Only(kSmall);
  const Experiment json =
      Only(R"({"experiment": "e", "model": "m", "unit": {"attribute": "user_id"}, "variants": [
      {"key": "control", "version": 1, "weight": 0.5, "control": true}, {"key": "t", "version": 2, "weight": 5e-1}]})",
           "f.json");
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(yaml, json));
}

TEST(DocumentTest, AFileMayHoldSeveralDocuments) {
  const auto experiments = ParseExperiments(
      StrCat(kSmall, "---\n", Replace(kSmall, "experiment: e", "experiment: f"), "---\n"), "f.yaml");
  ASSERT_TRUE(experiments.ok()) << experiments.status();
  ASSERT_EQ(experiments->size(), 2u);
  EXPECT_EQ((*experiments)[1].experiment(), "f");
  EXPECT_THAT(Refusal(StrCat(kSmall, "---\n", kSmall, "colour: red\n")),
              HasSubstr("f.yaml: document 2: colour: is no key"));
}

TEST(DocumentTest, AnchorsAndAliasesAreExpanded) {
  const Experiment document = Only(
      StrCat(kSmall, "layer: {name: &name shared, ranges: [[0, 1]]}\nholdout: {name: *name, share: 0.1}\n"));
  EXPECT_EQ(document.holdout().name(), "shared");
}

TEST(DocumentTest, FilesThatAreNoDocuments) {
  EXPECT_EQ(Refusal(""), "f.yaml: holds no experiment");
  EXPECT_EQ(Refusal("# only a comment\n---\n"), "f.yaml: holds no experiment");
  EXPECT_EQ(Refusal("- a\n- b\n"), "f.yaml: the document: a list must be a map of keys");
  EXPECT_EQ(Refusal("hello"), "f.yaml: the document: \"hello\" must be a map of keys");
  EXPECT_THAT(Refusal("experiment: ["), HasSubstr("f.yaml: line 1: is no YAML: "));
  EXPECT_THAT(Refusal("{\"experiment\": ", "f.json"),
              HasSubstr("f.json: is no JSON at byte 16: parse error at line 1"));
  EXPECT_THAT(Refusal("{} {}", "f.json"), HasSubstr("is no JSON"));
  // yaml-cpp reads documents without end from these.
  EXPECT_THAT(Refusal("{a: 1}\n}"), HasSubstr("f.yaml: line 2: is no YAML: "));
  EXPECT_THAT(Refusal(R"({"eme",:} nt"",:} "srr"24h"}})"), HasSubstr("f.yaml: line 1: "));
  EXPECT_EQ(Refusal("experiment: \xFF"), "f.yaml: the file must be UTF-8");
  EXPECT_EQ(Refusal(std::string("experiment: e\n\x04\nmodel: m\n")),
            "f.yaml: the file has a control character, which YAML does not allow");
  EXPECT_EQ(Refusal("&a [*a]"), "f.yaml: line 1: an alias must not stand inside of its anchor");
  EXPECT_EQ(Refusal("? [a]\n: b\n"), "f.yaml: line 1: a key must be a text");
  EXPECT_EQ(Refusal("experiment: !!binary aGVsbG8=\n"),
            "f.yaml: line 1: tag tag:yaml.org,2002:binary is not allowed; !!str is the only one");
}

TEST(DocumentTest, DuplicateKeysAreRefused) {
  EXPECT_EQ(With("model: n"), "f.yaml: line 1: key \"model\" stands twice in one map");
  EXPECT_EQ(With("targeting: {a: {$gt: 1, $gt: 2}}"), "f.yaml: line 7: key \"$gt\" stands twice in one map");
  EXPECT_EQ(Refusal(R"({"experiment": "e", "experiment": "f"})", "f.json"),
            "f.json: key \"experiment\" stands twice in one map");
}

TEST(DocumentTest, BombsAreRefusedBeforeTheyGoOff) {
  EXPECT_THAT(Refusal(std::string((1 << 20) + 1, '#')), HasSubstr("at most 1048576 are allowed"));
  EXPECT_EQ(Refusal(std::string(40, '[') + std::string(40, ']')),
            "f.yaml: line 1: lists and maps may be nested 32 levels deep");
  EXPECT_THAT(Refusal(std::string(500'000, '[')), HasSubstr("f.yaml: line 1: "));
  EXPECT_THAT(Refusal(std::string(500'000, '['), "f.json"), HasSubstr("32 levels deep"));
  // A billion laughs.
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = StrCat("*a", i - 1);
    laughs += StrCat("a", i, ": &a", i, " [", before);
    for (int j = 0; j < 8; ++j) laughs += StrCat(", ", before);
    laughs += "]\n";
  }
  EXPECT_THAT(Refusal(laughs), HasSubstr("the document is too large; at most 100000 values"));
  // Few values with much text.
  std::string echo = StrCat("a: &a ", std::string(500'000, 'x'), "\nb: [*a");
  for (int i = 0; i < 20; ++i) echo += ", *a";
  EXPECT_THAT(Refusal(echo + "]\n"), HasSubstr("with 4194304 bytes are allowed, aliases expanded"));
}

TEST(DocumentTest, ScalarsFollowYaml12) {
  const auto kind = [](std::string_view text) { return PlainScalar(text).kind; };
  for (const std::string_view text :
       {"yes", "no", "on", "0x10", "007", "1_000", "1e", ".", "-", "+.", "1.2.3", "2024-01-01", "-x"}) {
    EXPECT_EQ(kind(text), DocumentNode::Kind::kText) << text;
  }
  for (const std::string_view text :
       {"0", "-1", "+1.5", ".5", "1e3", "1E-3", ".inf", "-.INF", ".nan", "1e999"}) {
    EXPECT_EQ(kind(text), DocumentNode::Kind::kNumber) << text;
  }
  EXPECT_EQ(kind("true"), DocumentNode::Kind::kBool);
  EXPECT_EQ(kind("~"), DocumentNode::Kind::kNull);
}

TEST(DocumentTest, UnknownKeysNameTheirPlace) {
  EXPECT_THAT(With("coverge: 0.5"), HasSubstr("f.yaml: coverge: is no key; allowed are experiment, model, "));
  EXPECT_EQ(Replaced("weight: 0.5}", "wieght: 0.5}"),
            "f.yaml: variants[1].wieght: is no key; allowed are key, version, weight, control, ranges, "
            "predictions, external");
}

TEST(DocumentTest, ValuesOfTheWrongTypeNameTheirField) {
  EXPECT_EQ(Replaced("weight: 0.5}", "weight: half}"),
            "f.yaml: variants[1].weight: \"half\" must be a finite number");
  EXPECT_EQ(Replaced("weight: 0.5}", "weight: .nan}"),
            "f.yaml: variants[1].weight: .nan must be a finite number");
  EXPECT_EQ(Replaced("weight: 0.5}", "weight: 1e999}"),
            "f.yaml: variants[1].weight: 1e999 must be a finite number");
  EXPECT_EQ(Replaced("version: 2", "version: 2.5"),
            "f.yaml: variants[1].version: 2.5 must be a whole number from 1 to 9007199254740992");
  EXPECT_EQ(With("metrics: {guardrails: [{name: errors, type: proportion, margin: 2ms}]}"),
            "f.yaml: metrics.guardrails[0].margin: \"2ms\" must be a number; only latency has a duration");
  EXPECT_EQ(With("metrics: {guardrails: [{name: latency, type: mean, outcome: delay, margin: 5m}]}"),
            "f.yaml: metrics.guardrails[0].margin: \"5m\" must be a number; only latency has a duration");
  EXPECT_EQ(Replaced("version: 2", "version: \"2\"").substr(0, 48),
            "f.yaml: variants[1].version: \"2\" must be a whole");
  EXPECT_EQ(Replaced("control: true", "control: yes"),
            "f.yaml: variants[0].control: \"yes\" must be true or false");
  EXPECT_EQ(Replaced("model: m", "model: 7"), "f.yaml: model: 7 must be a text; write it in quotes");
  EXPECT_EQ(Replaced("model: m", "model:"), "f.yaml: model: nothing must be a text");
  EXPECT_EQ(Replaced("{attribute: user_id}", "user_id"), "f.yaml: unit: \"user_id\" must be a map of keys");
  EXPECT_EQ(With("state: paused"),
            "f.yaml: state: \"paused\" must be one of draft, running, held, rolled_back, concluded");
  EXPECT_EQ(With("outcome: {window: 24}"),
            "f.yaml: outcome.window: 24 must be a duration like 24h, 10m, 1.5s or 2ms");
  EXPECT_EQ(With("outcome: {window: -1h}"),
            "f.yaml: outcome.window: \"-1h\" must be a duration like 24h, 10m, 1.5s or 2ms");
  EXPECT_EQ(With("start: tomorrow"), "f.yaml: start: \"tomorrow\" must be a time like 2026-03-01T09:00:00Z");
  EXPECT_EQ(With("layer: {name: l, ranges: [[0, 1, 2]]}"),
            "f.yaml: layer.ranges[0]: a list must be a range [start, end]");
  EXPECT_EQ(With("layer: {name: l, ranges: 1}"), "f.yaml: layer.ranges: 1 must be a list");
  EXPECT_EQ(With("overrides: {u: 1}"), "f.yaml: overrides.u: 1 must be a text; write it in quotes");
  EXPECT_EQ(With("overrides: [u]"), "f.yaml: overrides: a list must be a map");
  EXPECT_EQ(With("targeting: origin"), "f.yaml: targeting: \"origin\" must be a map");
  EXPECT_EQ(With("targeting: {id: 9007199254740993}"),
            "f.yaml: targeting.id: 9007199254740993 is too large to be exact; write it in quotes");
  EXPECT_EQ(With("config_version: 4294967296"),
            "f.yaml: config_version: 4294967296 must be a whole number from 0 to 4294967295");
}

TEST(DocumentTest, KeysOfLaterPiecesAreRefusedByName) {
  const auto refused = [](std::string_view field) {
    return StrCat("f.yaml: experiment \"e\": ", field, ": is not acted on by this build; remove it");
  };
  EXPECT_EQ(With("ramp: {steps: [{enroll: 0.01, hold: 10m}]}"),
            "f.yaml: ramp: is not acted on by this build; remove it");
  EXPECT_EQ(With("shadow: [{key: deep, version: 3, percent: 10}]"),
            "f.yaml: shadow: is not acted on by this build; remove it");
  EXPECT_EQ(With("bandit: {anything: 1}"), "f.yaml: bandit: is not acted on by this build; remove it");
  EXPECT_EQ(With("decision: {auto_promote: true}"), refused("decision.auto_promote: true"));
  EXPECT_EQ(With("metrics: {goals: [{name: a, type: mean, outcome: o, covariate: control_score}]}"),
            refused("metrics.goals[0].covariate"));
  EXPECT_EQ(Replaced("version: 2", "predictions: stored"), refused("variants[1].predictions"));
  EXPECT_EQ(Replaced("version: 2", "external: {endpoint: 'localhost:1'}"), refused("variants[1].external"));
}

TEST(DocumentTest, ConditionsNameTheirPlace) {
  EXPECT_THAT(With("targeting: {origin: {$inn: [JFK]}}"),
              HasSubstr("f.yaml: experiment \"e\": targeting.origin.$inn: is no operator"));
  EXPECT_THAT(With("targeting: {origin: {$regex: '('}}"),
              HasSubstr("targeting.origin.$regex: is no regular expression"));
  EXPECT_THAT(With("targeting: {id: {$inGroup: big}}"),
              HasSubstr("targeting.id.$inGroup: names the group \"big\""));
  EXPECT_THAT(With("saved_groups: {big: 1}"), HasSubstr("saved_groups.big: must be a list of values"));
}

}  // namespace
}  // namespace espalier
