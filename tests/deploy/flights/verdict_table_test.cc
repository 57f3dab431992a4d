#include "deploy/flights/verdict_table.h"

#include <cmath>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

TEST(VerdictTableTest, ReadsTheFirstMetricOfAStatus) {
  const auto row = ParseStatus(R"({"units": 1200, "metrics": [{"name": "brier", "variants": [
      {"key": "control", "n": 10, "mean": 0.18},
      {"key": "weather", "n": 11, "mean": 0.16, "effect": -0.02, "effect_low": -0.03, "effect_high": -0.01,
       "p": 0.001}]}]})");
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->units, 1200);
  EXPECT_EQ(row->control, 0.18);
  EXPECT_EQ(row->effect, -0.02);
  EXPECT_TRUE(row->decided());
}

TEST(VerdictTableTest, WhatIsNotKnownYetIsOpen) {
  const auto row = ParseStatus(
      R"({"units": 1, "metrics": [{"variants": [{"mean": 0.18}, {"mean": null, "effect": null, "p": null}]}]})");
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_TRUE(std::isnan(row->effect_low));
  EXPECT_FALSE(row->decided());
  std::ostringstream out;
  PrintRow(*row, out);
  EXPECT_THAT(out.str(), HasSubstr("open"));
}

TEST(VerdictTableTest, QuotesAStatusThatIsNone) {
  EXPECT_THAT(std::string(ParseStatus("oops").status().message()), HasSubstr("oops"));
  EXPECT_FALSE(ParseStatus("{}").ok());
  EXPECT_FALSE(ParseStatus(R"({"metrics": [{"variants": [{}]}]})").ok());
}

TEST(VerdictTableTest, PrintsDateAndVerdict) {
  std::ostringstream out;
  PrintRow({20000, 1374451200, 2900, 0.2, 0.18, -0.02, -0.03, -0.01}, out);
  EXPECT_EQ(out.str(),
            "   20000  2013-07-22   2900   0.20000  0.18000    -0.02000  [-0.03000, -0.01000]  "
            "weather better\n");
}

TEST(RunCommandTest, ReturnsOutputOrFails) {
  EXPECT_EQ(*RunCommand("printf hello"), "hello");
  EXPECT_THAT(std::string(RunCommand("exit 3").status().message()), HasSubstr("exit 3"));
}

}  // namespace
}  // namespace espalier
