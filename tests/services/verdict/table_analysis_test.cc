#include "services/verdict/table_analysis.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using testing::HasSubstr;

TableSpec Spec(const std::vector<std::string>& metrics) {
  TableSpec spec;
  spec.name = "table";
  spec.variant = "arm";
  spec.control = "a";
  for (const std::string& text : metrics) {
    const absl::StatusOr<TableMetric> metric = ParseTableMetric(text);
    EXPECT_TRUE(metric.ok()) << metric.status();
    spec.metrics.push_back(*metric);
  }
  return spec;
}

std::string ErrorOf(const std::string& csv, const TableSpec& spec) {
  const absl::StatusOr<Judgement> judgement = AnalyzeTable(csv, spec);
  EXPECT_EQ(judgement.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(Message(judgement.status()));
}

TEST(TableAnalysisTest, ReadsMetricSpecifications) {
  const TableMetric ratio = *ParseTableMetric("clicks/views:ratio:down");
  EXPECT_EQ(ratio.column, "clicks");
  EXPECT_EQ(ratio.denominator, "views");
  EXPECT_EQ(ratio.type, MetricType::kRatio);
  EXPECT_FALSE(ratio.up_is_better);
  EXPECT_EQ(ParseTableMetric("a:b:total")->column, "a:b");
  EXPECT_EQ(ParseTableMetric("y:mean:mean")->column, "y:mean");
  EXPECT_EQ(ParseTableMetric("y:mean:mean:up")->column, "y:mean");
  for (const char* bad : {"", "visit", ":mean", "visit:", "visit:median", "clicks:ratio", "/views:ratio"}) {
    EXPECT_FALSE(ParseTableMetric(bad).ok()) << bad;
  }
}

TEST(TableAnalysisTest, EachRowIsAUnitUnlessToldOtherwise) {
  const std::string csv = "id,arm,\"va\"\"lue\"\n1,a,1\n1,a,2\n2,\"b\",3\r\n3,b,5\n";
  TableSpec spec = Spec({"va\"lue:mean", "va\"lue:total"});
  const Judgement rows = *AnalyzeTable(csv, spec);
  EXPECT_EQ(rows.result.units, 4u);
  EXPECT_EQ(rows.result.exposures, 4u);
  EXPECT_DOUBLE_EQ(rows.result.metrics[0].variants[0].mean, 1.5);
  EXPECT_DOUBLE_EQ(rows.result.metrics[0].variants[1].effect, 2.5);
  spec.unit = "id";
  const Judgement units = *AnalyzeTable(csv, spec);
  EXPECT_EQ(units.result.units, 3u);
  EXPECT_EQ(units.result.metrics[0].variants[0].n, 1u);
  EXPECT_DOUBLE_EQ(units.result.metrics[0].variants[0].mean, 1.5);
  EXPECT_DOUBLE_EQ(units.result.metrics[1].variants[0].mean, 3);
}

TEST(TableAnalysisTest, MissingCellsAreLeftOutAndTold) {
  const Judgement judgement = *AnalyzeTable("arm,x\na,1\na,\nb,NA\nb,2\n", Spec({"x:mean"}));
  EXPECT_EQ(judgement.result.metrics[0].variants[0].n, 1u);
  ASSERT_EQ(judgement.notes.size(), 1u);
  EXPECT_THAT(judgement.notes[0], HasSubstr("missing in 2 of 4 rows"));
}

TEST(TableAnalysisTest, UnitsInTwoVariantsAreLeftOut) {
  TableSpec spec = Spec({"x:mean"});
  spec.unit = "id";
  const Judgement judgement = *AnalyzeTable("id,arm,x\n1,a,1\n2,a,9\n2,b,9\n3,b,2\n", spec);
  EXPECT_EQ(judgement.result.units, 2u);
  EXPECT_DOUBLE_EQ(judgement.result.metrics[0].variants[1].effect, 1);
  EXPECT_THAT(judgement.notes.at(0), HasSubstr("1 units left out"));
}

TEST(TableAnalysisTest, RowsWithoutAUnitAreLeftOut) {
  TableSpec spec = Spec({"x:mean"});
  spec.unit = "id";
  const Judgement judgement = *AnalyzeTable("id,arm,x\n1,a,1\n,a,9\n,b,9\n2,b,\n3,b,2\n", spec);
  EXPECT_EQ(judgement.result.units, 3u);
  EXPECT_EQ(judgement.result.exposures, 3u);
  EXPECT_DOUBLE_EQ(judgement.result.metrics[0].variants[1].effect, 1);
  ASSERT_EQ(judgement.notes.size(), 2u);
  EXPECT_EQ(judgement.notes[0], "2 rows left out: their unit is empty");
  EXPECT_THAT(judgement.notes[1], HasSubstr("missing in 1 of 3 rows"));
}

TEST(TableAnalysisTest, SharesAreTheConfiguredOnes) {
  std::string csv = "arm,x\n";
  for (int i = 0; i < 900; ++i) csv += "a,1\n";
  for (int i = 0; i < 100; ++i) csv += "b,2\n";
  TableSpec spec = Spec({"x:mean"});
  EXPECT_TRUE(AnalyzeTable(csv, spec)->result.srm.alarm);
  spec.shares = {{"a", 9}, {"b", 1}};
  EXPECT_EQ(AnalyzeTable(csv, spec)->result.srm.p, 1);
  spec.shares = {{"a", 9}};
  EXPECT_THAT(ErrorOf(csv, spec), HasSubstr("\"b\" has none"));
  spec.shares = {{"a", 9}, {"b", 1}, {"c", 1}};
  EXPECT_THAT(ErrorOf(csv, spec), HasSubstr("\"c\""));
  spec.shares = {{"a", 9}, {"b", 1}, {"a", 1}};
  EXPECT_EQ(ErrorOf(csv, spec), "shares: \"a\" stands twice");
  spec.shares = {{"a", 0}, {"b", 0}};
  EXPECT_EQ(ErrorOf(csv, spec), "shares: all are 0; one at least must be more");
  spec.shares = {{"a", 0}, {"b", 1}};
  EXPECT_TRUE(AnalyzeTable(csv, spec)->result.srm.alarm);
}

TEST(TableAnalysisTest, ErrorsNameLineAndColumn) {
  const TableSpec spec = Spec({"x:proportion"});
  EXPECT_THAT(ErrorOf("arm,x\na,1\nb,1\nb,yes\n", spec), HasSubstr("line 4, column x: \"yes\""));
  EXPECT_THAT(ErrorOf("arm,x\na,1\nb,inf\n", spec), HasSubstr("line 3"));
  EXPECT_THAT(ErrorOf("arm,x\na,1\nb,2\n", spec), HasSubstr("line 3, column x: a proportion is of 0 and 1"));
  EXPECT_THAT(ErrorOf("arm,x\na,1\nb\n", spec), HasSubstr("line 3: 1 fields"));
  EXPECT_THAT(ErrorOf("arm,x\na,1\nb,\"1\n", spec), HasSubstr("line 3"));
  EXPECT_THAT(ErrorOf("arm,y\na,1\nb,1\n", spec),
              HasSubstr("column \"x\" is not in the table; it has arm, y"));
  EXPECT_THAT(ErrorOf("x\n1\n", spec), HasSubstr("column \"arm\""));
  EXPECT_THAT(ErrorOf("arm,x\nb,1\n", spec), HasSubstr("control \"a\" does not stand"));
  EXPECT_THAT(ErrorOf("arm,x\na,1\n", spec), HasSubstr("nothing but the control"));
  EXPECT_THAT(ErrorOf("arm,x\n", spec), HasSubstr("no rows"));
  EXPECT_THAT(ErrorOf("", spec), HasSubstr("empty"));
  EXPECT_EQ(ErrorOf("arm,x,x\na,1,1\nb,1,1\n", spec), "column \"x\" stands twice in the header");
  EXPECT_EQ(ErrorOf("arm,arm,x\na,a,1\nb,b,1\n", spec), "column \"arm\" stands twice in the header");
  EXPECT_TRUE(AnalyzeTable("arm,y,x,y\na,1,1,1\nb,1,1,1\n", spec).ok());
  EXPECT_EQ(ErrorOf("arm,x\na,1\nb\xFF,1\n", spec), "line 3: is not valid UTF-8");
  EXPECT_EQ(ErrorOf("arm,\xE9,x\na,1,1\n", spec), "line 1: is not valid UTF-8");
}

TEST(TableAnalysisTest, AColumnOfNumbersIsNoVariant) {
  std::string csv = "arm,x\n";
  for (int i = 0; i < 200; ++i) csv += std::to_string(i) + ",1\n";
  EXPECT_THAT(ErrorOf(csv, Spec({"x:mean"})), HasSubstr("is it the variant?"));
}

TEST(TableAnalysisTest, CovariateNarrowsTheInterval) {
  std::string csv = "arm,x,before\n";
  for (int i = 0; i < 400; ++i) {
    const double before = (i / 2) % 20;
    csv += StrCat(i % 2 == 0 ? "a," : "b,", before + i % 3, ",", before, "\n");
  }
  TableSpec spec = Spec({"x:mean"});
  const Bounds wide = *AnalyzeTable(csv, spec)->result.metrics[0].variants[1].effect_bounds;
  spec.covariate = "before";
  const Bounds narrow = *AnalyzeTable(csv, spec)->result.metrics[0].variants[1].effect_bounds;
  EXPECT_LT(narrow.high - narrow.low, 0.2 * (wide.high - wide.low));
}

}  // namespace
}  // namespace espalier
