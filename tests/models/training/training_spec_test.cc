#include "models/training/training_spec.h"

#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(RowRangeTest, ReadsColumnAndBounds) {
  const auto range = ParseRowRange("month:1:6");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->column, "month");
  EXPECT_EQ(range->low, "1");
  EXPECT_EQ(range->high, "6");
  EXPECT_TRUE(ParseRowRange("day:2013-01-01:").ok());
  EXPECT_TRUE(ParseRowRange("day::2013-01-01").ok());
}

TEST(RowRangeTest, RefusesOtherForms) {
  for (const char* text : {"", "month", "month:1", ":1:2", "month::", "a:b:c:d"}) {
    EXPECT_FALSE(ParseRowRange(text).ok()) << text;
  }
}

std::string ErrorWith(const std::function<void(TrainingSpec&)>& change) {
  TrainingSpec spec;
  spec.label = "y";
  change(spec);
  return std::string(ValidateTrainingSpec(spec).message());
}

TEST(TrainingSpecTest, NamesTheFieldThatCannotBe) {
  EXPECT_EQ(ErrorWith([](TrainingSpec&) {}), "");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.label = ""; }), "label: a column is needed");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.features = {"y"}; }), "features: y is the label");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.features = {"a", "a"}; }), "features: a stands there twice");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.rounds = 0; }), "rounds: 0 must be from 1 to 100000");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.objective = "rank:ndcg"; }),
            "objective: rank:ndcg needs query groups, which a table with one label column does not have");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.params["nthread"] = "2"; }),
            "parameter nthread has an option of its own: threads");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.params["booster"] = "gblinear"; }),
            "parameter booster: gblinear must be gbtree or dart");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.params["booster"] = "dart"; }), "");
  EXPECT_EQ(ErrorWith([](TrainingSpec& s) { s.early_stopping_rounds = 5; }),
            "early stopping needs validation rows to watch (valid)");
}

}  // namespace
}  // namespace espalier
