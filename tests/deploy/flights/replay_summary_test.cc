#include "deploy/flights/replay_summary.h"

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(ReplaySummaryTest, SplitsByVariantAndLeavesUnitlessFlightsOutOfTheUnits) {
  FlightTable table;
  table.flights = {
      {"a", "N1", {}, 0}, {"b", "N2", {}, 1}, {"c", "", {}, 1}, {"d", "N1", {}, 1}, {"e", "N2", {}, 0}};
  const std::vector<Answer> answers = {
      {"1", "control", "1", 0.5f}, {"2", "weather", "2", 0.75f}, {"3", "control", "1", 1.0f},
      {"4", "control", "1", 0.5f}, {"5", "weather", "2", 0.25f},
  };
  const auto summary = SummariseReplay(table, answers);
  ASSERT_TRUE(summary.ok()) << summary.status();
  ASSERT_EQ(summary->size(), 2u);
  const VariantSummary& control = summary->at(0);
  EXPECT_EQ(control.variant, "control");
  EXPECT_EQ(control.flights, 3u);
  EXPECT_EQ(control.unit_flights, 2u);
  EXPECT_DOUBLE_EQ(control.unit_brier, 0.25);
  EXPECT_DOUBLE_EQ(control.evaluation.brier, 0.5 / 3);
  const VariantSummary& weather = summary->at(1);
  EXPECT_EQ(weather.version, "2");
  EXPECT_DOUBLE_EQ(weather.unit_brier, 0.0625);
  EXPECT_DOUBLE_EQ(weather.evaluation.auc, 1);
}

TEST(ReplaySummaryTest, NamesTheVariantThatCannotBeJudged) {
  FlightTable table;
  table.flights = {{"a", "N1", {}, 0}};
  EXPECT_EQ(SummariseReplay(table, {{"1", "control", "1", 0.5f}}).status().message(),
            "variant control: labels of both classes are needed");
}

}  // namespace
}  // namespace espalier
