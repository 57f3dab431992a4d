#include "models/training/training_data.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TrainingSpec Spec() {
  TrainingSpec spec;
  spec.label = "y";
  spec.objective = "binary:logistic";
  return spec;
}

std::string ErrorOf(const TrainingSpec& spec, std::string_view csv) {
  return std::string(ParseTrainingData(spec, csv, "t.csv").status().message());
}

TEST(TrainingDataTest, ReadsValuesLabelsAndMissing) {
  const auto data = ParseTrainingData(Spec(), "a,y,b\n1,0,2.5\nNA,1,\n", "t.csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->features, ElementsAre("a", "b"));
  EXPECT_THAT(data->train.labels, ElementsAre(0, 1));
  ASSERT_EQ(data->train.values.size(), 4u);
  EXPECT_EQ(data->train.values[0], 1);
  EXPECT_EQ(data->train.values[1], 2.5f);
  EXPECT_TRUE(std::isnan(data->train.values[2]) && std::isnan(data->train.values[3]));
  EXPECT_EQ(data->sha256.size(), 64u);
}

TEST(TrainingDataTest, FeaturesStandInTheOrderAskedFor) {
  TrainingSpec spec = Spec();
  spec.features = {"b", "a"};
  const auto data = ParseTrainingData(spec, "a,y,b,text\n1,0,2,x\n3,1,4,y\n", "t.csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.values, ElementsAre(2, 1, 4, 3));
}

TEST(TrainingDataTest, RangesChooseRowsByNumberAndByDate) {
  TrainingSpec spec = Spec();
  spec.features = {"a"};
  spec.where = {*ParseRowRange("a:2:10")};
  spec.valid = *ParseRowRange("day:2013-03-01:");
  const auto data =
      ParseTrainingData(spec,
                        "a,y,day\n1,0,2013-01-01\n2,0,2013-01-02\n3,1,2013-02-28\n10,1,2013-03-01\n"
                        "11,0,2013-03-02\nNA,0,2013-03-02\n9,0,2014-01-01\n",
                        "t.csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.values, ElementsAre(2, 3));
  EXPECT_THAT(data->valid.values, ElementsAre(10, 9));
}

TEST(TrainingDataTest, RowsOutsideTheRangesAreNotChecked) {
  TrainingSpec spec = Spec();
  spec.where = {*ParseRowRange("a:1:2")};
  EXPECT_TRUE(ParseTrainingData(spec, "a,y\n1,0\n2,1\n3,\n4,x\n", "t.csv").ok());
}

TEST(TrainingDataTest, NamesMissingColumns) {
  EXPECT_EQ(ErrorOf(Spec(), "a,b\n1,2\n"), "t.csv has no column y (label); it has a, b");
  TrainingSpec spec = Spec();
  spec.features = {"z"};
  EXPECT_EQ(ErrorOf(spec, "a,y\n1,0\n"), "t.csv has no column z (feature); it has a, y");
  spec = Spec();
  spec.drop = {"z"};
  EXPECT_EQ(ErrorOf(spec, "a,y\n1,0\n"), "t.csv has no column z (drop); it has a, y");
}

TEST(TrainingDataTest, NamesTheLineOfABadCell) {
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n1,0\nx,1\n"),
            "t.csv line 3 column a: x is not a number (or leave the column out with drop)");
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n1\n"), "t.csv line 2 has 1 fields; the header has 2");
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n\"1,0\n"), "t.csv: line 2: a quote is never closed");
}

TEST(TrainingDataTest, RefusesLabelsThatCannotBeLearned) {
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n1,\n"),
            "t.csv line 2: label y is missing; for binary:logistic a label must be a finite number");
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n1,2\n"),
            "t.csv line 2: label y is 2; for binary:logistic labels must be from 0 to 1");
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n1,1\n2,1\n"),
            "t.csv: all 2 training rows have the label 1; binary:logistic needs at least two classes");
  TrainingSpec classes = Spec();
  classes.objective = "multi:softprob";
  EXPECT_THAT(ErrorOf(classes, "a,y\n1,0.5\n"), HasSubstr("labels must be whole numbers"));
}

TEST(TrainingDataTest, RefusesTablesWithoutRows) {
  EXPECT_EQ(ErrorOf(Spec(), ""), "t.csv is empty; a header row is needed");
  EXPECT_EQ(ErrorOf(Spec(), "a,y\n"), "t.csv has no rows to train on");
  TrainingSpec spec = Spec();
  spec.where = {*ParseRowRange("a:5:6")};
  EXPECT_EQ(ErrorOf(spec, "a,y\n1,0\n2,1\n"), "t.csv has no rows to train on: where and valid leave none");
  spec.where.clear();
  spec.valid = *ParseRowRange("a:5:6");
  EXPECT_EQ(ErrorOf(spec, "a,y\n1,0\n2,1\n"), "t.csv has no validation rows with a from 5 to 6");
  EXPECT_EQ(ErrorOf(Spec(), "y\n1\n0\n"), "t.csv leaves no column to learn from");
}

TEST(TrainingDataTest, ChecksWeightsAndCategories) {
  TrainingSpec spec = Spec();
  spec.weight = "w";
  EXPECT_EQ(ErrorOf(spec, "a,w,y\n1,-1,0\n"), "t.csv line 2 column w: -1 is not a weight of at least 0");
  EXPECT_EQ(ErrorOf(spec, "a,w,y\n1,0,0\n2,0,1\n"), "t.csv: all training rows have the weight 0");
  spec = Spec();
  spec.categorical = {"a"};
  EXPECT_EQ(ErrorOf(spec, "a,y\n1.5,0\n"), "t.csv line 2 column a: 1.5 is not a whole number from 0");
  spec.categorical = {"z"};
  EXPECT_EQ(ErrorOf(spec, "a,y\n1,0\n"), "categorical: z is not among the features");
}

TEST(TrainingDataTest, NamesAFileThatIsNotThere) {
  TrainingSpec spec = Spec();
  spec.input = "/nowhere/t.csv";
  const absl::Status status = ReadTrainingData(spec).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/t.csv"));
}

}  // namespace
}  // namespace espalier
