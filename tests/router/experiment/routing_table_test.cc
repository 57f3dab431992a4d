#include "router/experiment/routing_table.h"

#include <map>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/unit_hash.h"
#include "tests/router/experiment/documents.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kNow = 1'700'000'000'000'000;

std::shared_ptr<const RoutingTable> MakeTable(const std::vector<v1::Experiment>& documents) {
  auto table = RoutingTable::Create(documents);
  EXPECT_TRUE(table.ok()) << table.status();
  return table.ok() ? *table : std::make_shared<const RoutingTable>();
}

// What a decision says, without views.
struct Decision {
  std::string experiment;
  std::string variant;
  std::string explanation;
  AssignmentReason reason;
  uint32_t bucket;
  int32_t layer_slot;
  std::string unit;
};

Decision Decide(const RoutingTable& table, const AttributeSource& attributes,
                std::string_view request_id = {}, uint64_t event_id = 7, int64_t now = kNow,
                std::string_view model = "m") {
  Assignment out;
  table.Find(model)->Assign(attributes, request_id, event_id, now, out);
  return {out.experiment == nullptr ? "" : out.experiment->key(),
          out.variant->key,
          std::string(out.explanation),
          out.reason,
          out.bucket,
          out.layer_slot,
          std::string(out.unit)};
}

Decision DecideFor(const RoutingTable& table, std::string_view unit) {
  return Decide(table, MapAttributes{{"user_id", unit}});
}

TEST(RoutingTableTest, AssignsByTheHashOfSeedAndUnit) {
  auto document = MakeExperiment("e", "m");
  document.set_seed("seed");
  const auto table = MakeTable({document});
  // Published: hash("seed", "a", 2) = 0.0505, hash("seed", "b", 2) = 0.2696.
  EXPECT_EQ(DecideFor(*table, "a").bucket, 505u);
  const Decision decision = DecideFor(*table, "b");
  EXPECT_EQ(decision.bucket, 2696u);
  EXPECT_EQ(decision.experiment, "e");
  EXPECT_EQ(decision.variant, "control");
  EXPECT_EQ(decision.explanation, "hash");
  EXPECT_EQ(decision.layer_slot, -1);
}

TEST(RoutingTableTest, TheSeedIsTheKeyByDefault) {
  const auto table = MakeTable({MakeExperiment("seed", "m")});
  EXPECT_EQ(DecideFor(*table, "a").bucket, 505u);
}

TEST(RoutingTableTest, ModelsWithoutExperimentHaveNoRoute) {
  auto draft = MakeExperiment("d", "drafted");
  draft.set_state(v1::Experiment::DRAFT);
  auto concluded = MakeExperiment("c", "done");
  concluded.set_state(v1::Experiment::CONCLUDED);
  const auto table = MakeTable({MakeExperiment("e", "m"), draft, concluded});
  EXPECT_NE(table->Find("m"), nullptr);
  EXPECT_EQ(table->Find("other"), nullptr);
  EXPECT_EQ(table->Find("drafted"), nullptr);
  EXPECT_EQ(table->Find("done"), nullptr);
  EXPECT_EQ(table->experiments().size(), 3u);
  EXPECT_EQ(RoutingTable().Find("m"), nullptr);
}

TEST(RoutingTableTest, OfHeldAndRolledBackExperimentsTheControlAnswers) {
  for (const auto state : {v1::Experiment::HELD, v1::Experiment::ROLLED_BACK}) {
    auto document = MakeExperiment("e", "m", {0, 1});
    document.set_state(state);
    (*document.mutable_overrides())["u"] = "t1";
    const Decision decision = DecideFor(*MakeTable({document}), "u");
    EXPECT_EQ(decision.experiment, "");
    EXPECT_EQ(decision.variant, "control");
    EXPECT_EQ(decision.explanation,
              state == v1::Experiment::HELD ? "not enrolled: held" : "not enrolled: rolled back");
  }
}

TEST(RoutingTableTest, StartIsInclusiveAndEndExclusive) {
  auto document = MakeExperiment("e", "m");
  document.mutable_start()->set_seconds(kNow / 1'000'000);
  document.mutable_end()->set_seconds(kNow / 1'000'000 + 10);
  const auto table = MakeTable({document});
  const MapAttributes unit{{"user_id", std::string_view("u")}};
  EXPECT_EQ(Decide(*table, unit, "", 0, kNow - 1).explanation, "not enrolled: not started");
  EXPECT_EQ(Decide(*table, unit, "", 0, kNow).explanation, "hash");
  EXPECT_EQ(Decide(*table, unit, "", 0, kNow + 9'999'999).explanation, "hash");
  EXPECT_EQ(Decide(*table, unit, "", 0, kNow + 10'000'000).explanation, "not enrolled: ended");
}

TEST(RoutingTableTest, WithoutUnitAndFallbackNobodyIsEnrolled) {
  const auto table = MakeTable({MakeExperiment("e", "m", {0, 1})});
  for (const AttributeValue& value : {AttributeValue(), AttributeValue(std::string_view())}) {
    const Decision decision = Decide(*table, MapAttributes{{"user_id", value}}, "request");
    EXPECT_EQ(decision.experiment, "");
    EXPECT_EQ(decision.variant, "control");
    EXPECT_EQ(decision.explanation, "not enrolled: no unit");
  }
}

TEST(RoutingTableTest, UnitlessRequestsAreAssignedByRequestIdThenEventId) {
  auto document = MakeExperiment("e", "m");
  document.mutable_unit()->set_fallback("request_id");
  (*document.mutable_overrides())["r1"] = "t1";
  const auto table = MakeTable({document});
  const Decision by_request = Decide(*table, MapAttributes{}, "r1");
  EXPECT_EQ(by_request.reason, AssignmentReason::kUnitless);
  EXPECT_EQ(by_request.explanation, "unitless");
  EXPECT_EQ(by_request.unit, "r1");
  EXPECT_EQ(by_request.bucket, UnitSlot(Fnv1a32("e"), "r1"));
  const Decision by_event = Decide(*table, MapAttributes{}, "", 9'223'372'036'854'775'807u);
  EXPECT_EQ(by_event.unit, "9223372036854775807");
  EXPECT_EQ(by_event.bucket, UnitSlot(Fnv1a32("e"), "9223372036854775807"));
  EXPECT_EQ(Decide(*table, MapAttributes{{"user_id", std::string_view("u")}}, "r1").unit, "u");
}

TEST(RoutingTableTest, NumbersAndBoolsAreHashedAsTheirText) {
  const auto table = MakeTable({MakeExperiment("e", "m")});
  const auto unit_of = [&](AttributeValue value) {
    return Decide(*table, MapAttributes{{"user_id", value}}).unit;
  };
  EXPECT_EQ(unit_of(int64_t{-42}), "-42");
  EXPECT_EQ(unit_of(42.0), "42");
  EXPECT_EQ(unit_of(0.1), "0.1");
  EXPECT_EQ(unit_of(true), "true");
  EXPECT_EQ(unit_of(false), "false");
}

TEST(RoutingTableTest, OverridesComeBeforeLayerTargetingHoldoutAndCoverage) {
  auto document = MakeExperiment("e", "m");
  document.set_coverage(0);
  SetLayer(document, "l", 0, 0.001);
  document.mutable_holdout()->set_name("h");
  document.mutable_holdout()->set_share(1);
  (*document.mutable_targeting()->mutable_fields())["country"].set_string_value("NL");
  (*document.mutable_overrides())["vip"] = "t1";
  const auto table = MakeTable({document});
  const Decision decision = DecideFor(*table, "vip");
  EXPECT_EQ(decision.experiment, "e");
  EXPECT_EQ(decision.variant, "t1");
  EXPECT_EQ(decision.reason, AssignmentReason::kOverride);
  EXPECT_EQ(decision.explanation, "override");
  EXPECT_EQ(DecideFor(*table, "vip2").experiment, "");
}

TEST(RoutingTableTest, AnOverrideWinsOverTheExperimentThatOwnsTheLayerSlot) {
  auto first = MakeExperiment("a", "m");
  SetLayer(first, "l", 0, 1);
  auto second = MakeExperiment("b", "m");
  second.mutable_unit()->set_attribute("account");
  // An empty part of the layer.
  first.mutable_layer()->mutable_ranges(0)->set_start(0.001);
  SetLayer(second, "l", 0, 0.001);
  (*second.mutable_overrides())["acme"] = "t1";
  const auto table = MakeTable({first, second});
  const MapAttributes both{{"user_id", std::string_view("u")}, {"account", std::string_view("acme")}};
  EXPECT_EQ(Decide(*table, both).experiment, "b");
  EXPECT_EQ(Decide(*table, both).unit, "acme");
}

TEST(RoutingTableTest, ExplanationsFollowTheOrderOfDecisions) {
  auto document = MakeExperiment("e", "m");
  document.set_coverage(0);
  const auto explain = [&] { return DecideFor(*MakeTable({document}), "u").explanation; };
  EXPECT_EQ(explain(), "not enrolled: coverage");
  document.mutable_holdout()->set_name("h");
  document.mutable_holdout()->set_share(1);
  EXPECT_EQ(explain(), "not enrolled: holdout");
  (*document.mutable_targeting()->mutable_fields())["country"].set_string_value("NL");
  EXPECT_EQ(explain(), "not enrolled: targeting");
  const double slot = LayerSlot("u", "__l") / 1000.0;
  SetLayer(document, "l", slot + 0.0005, 1);
  EXPECT_EQ(explain(), "not enrolled: layer");
}

// Of several experiments: of the one whose control answers.
TEST(RoutingTableTest, WhoIsNotEnrolledHasAUnitAndABucketAllTheSame) {
  auto first = MakeExperiment("a", "m");
  SetLayer(first, "l", 0.9990, 0.9995);
  auto second = MakeExperiment("b", "m");
  second.mutable_unit()->set_attribute("session");
  SetLayer(second, "l", 0.9995, 1);
  const auto table = MakeTable({first, second});
  const Decision decision = Decide(*table, MapAttributes{{"user_id", "u"}, {"session", "s"}});
  EXPECT_EQ(decision.experiment, "");
  EXPECT_EQ(decision.explanation, "not enrolled: layer");
  EXPECT_EQ(decision.unit, "u");
  EXPECT_EQ(decision.bucket, UnitSlot(Fnv1a32("a"), "u"));
  EXPECT_EQ(decision.layer_slot, static_cast<int32_t>(LayerSlot("u", "__l")) * 10);
}

TEST(RoutingTableTest, AUnitBelongsToTheExperimentThatOwnsItsLayerSlot) {
  auto first = MakeExperiment("a", "m");
  SetLayer(first, "l", 0, 0.3);
  auto second = MakeExperiment("b", "m");
  SetLayer(second, "l", 0.5, 1);
  const auto table = MakeTable({second, first});
  std::map<std::string, int> counts;
  for (int i = 0; i < 2000; ++i) {
    const std::string unit = StrCat("user-", i);
    const uint32_t slot = LayerSlot(unit, "__l");
    const Decision decision = DecideFor(*table, unit);
    EXPECT_EQ(decision.experiment, slot < 300 ? "a" : slot >= 500 ? "b" : "") << unit;
    EXPECT_EQ(decision.layer_slot, static_cast<int32_t>(slot) * 10);
    ++counts[decision.experiment];
  }
  EXPECT_EQ(counts.size(), 3u);
}

TEST(RoutingTableTest, TheControlOfTheFirstByKeyAnswersWhomNobodyOwns) {
  auto first = MakeExperiment("a", "m");
  first.mutable_variants(0)->set_key("first-control");
  SetLayer(first, "l", 0, 0.001);
  auto second = MakeExperiment("b", "m");
  SetLayer(second, "l", 0.001, 0.002);
  const auto table = MakeTable({second, first});
  const Decision decision = DecideFor(*table, "user-1");
  EXPECT_EQ(decision.experiment, "");
  EXPECT_EQ(decision.variant, "first-control");
}

TEST(RoutingTableTest, DuplicateKeysAreRefused) {
  const auto table = RoutingTable::Create({MakeExperiment("e", "m"), MakeExperiment("e", "n")});
  EXPECT_EQ(Message(table.status()), "experiment \"e\": the key stands twice");
}

TEST(RoutingTableTest, TwoExperimentsOnOneModelNeedOneLayer) {
  auto first = MakeExperiment("a", "m");
  auto second = MakeExperiment("b", "m");
  const auto message = [&] { return std::string(Message(RoutingTable::Create({first, second}).status())); };
  EXPECT_THAT(message(),
              HasSubstr("experiment \"b\": layer: is missing; experiment \"a\" already runs on model"));
  SetLayer(second, "l", 0, 0.5);
  EXPECT_THAT(message(), HasSubstr("is missing in the other experiment"));
  SetLayer(first, "k", 0.5, 1);
  EXPECT_THAT(message(), HasSubstr("layer: \"l\" is not \"k\""));
  first.mutable_layer()->set_name("l");
  EXPECT_EQ(message(), "");
  second.clear_layer();
  second.set_state(v1::Experiment::DRAFT);
  EXPECT_EQ(message(), "");
}

TEST(RoutingTableTest, OverlappingClaimsOfALayerAreRefusedAndNameBoth) {
  auto first = MakeExperiment("a", "m");
  SetLayer(first, "l", 0, 0.5);
  auto second = MakeExperiment("b", "other-model");
  SetLayer(second, "l", 0.25, 0.75);
  EXPECT_EQ(
      Message(RoutingTable::Create({first, second}).status()),
      "experiment \"b\": layer.ranges: [0.25, 0.75] of layer \"l\" overlaps [0, 0.5] of experiment \"a\"");
  second.mutable_layer()->mutable_ranges(0)->set_start(0.5);
  EXPECT_TRUE(RoutingTable::Create({first, second}).ok());
}

TEST(RoutingTableTest, AConcludedExperimentGivesItsLayerFree) {
  auto first = MakeExperiment("a", "m");
  SetLayer(first, "l", 0, 1);
  first.set_state(v1::Experiment::CONCLUDED);
  auto second = MakeExperiment("b", "m");
  SetLayer(second, "l", 0, 1);
  EXPECT_TRUE(RoutingTable::Create({first, second}).ok());
}

}  // namespace
}  // namespace espalier
