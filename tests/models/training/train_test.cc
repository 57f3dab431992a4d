#include "models/training/train.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "models/forest/read_ensemble.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A label that depends on `a` and, weakly, on `b`; seed 7.
TrainingData Table(int rows = 400) {
  std::mt19937 random(7);
  TrainingData data;
  data.features = {"a", "b"};
  data.categorical = {false, false};
  for (int i = 0; i < 2 * rows; ++i) {
    LabelledRows& target = i < rows ? data.train : data.valid;
    const float a = static_cast<float>(random() % 1000) / 1000, b = static_cast<float>(random() % 10);
    target.values.insert(target.values.end(), {a, b});
    target.labels.push_back(a + 0.02f * b + static_cast<float>(random() % 100) / 250 > 0.8f ? 1 : 0);
  }
  return data;
}

TrainingSpec Spec() {
  TrainingSpec spec;
  spec.label = "y";
  spec.objective = "binary:logistic";
  spec.rounds = 10;
  spec.threads = 2;
  return spec;
}

TEST(TrainTest, LearnsAndReportsEachRound) {
  std::vector<int> rounds;
  const auto model = Train(Spec(), Table(), [&](const RoundMetrics& round) {
    rounds.push_back(round.round);
    return absl::OkStatus();
  });
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(rounds, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  ASSERT_EQ(model->history.size(), 10u);
  const auto& last = model->history.back().metrics;
  ASSERT_EQ(last.size(), 2u);
  EXPECT_EQ(last[0].name, "train-logloss");
  EXPECT_EQ(last[1].name, "valid-logloss");
  EXPECT_LT(last[1].value, model->history.front().metrics[1].value);
  ASSERT_TRUE(model->evaluation.has_value());
  EXPECT_GT(model->evaluation->auc, 0.9);
  // XGBoost's own metric on the same rows, which it prints with about six digits.
  EXPECT_NEAR(model->evaluation->log_loss, last[1].value, 1e-5);
}

TEST(TrainTest, SameSpecAndDataGiveTheSameBytes) {
  TrainingSpec spec = Spec();
  spec.params = {{"subsample", "0.7"}, {"colsample_bytree", "0.5"}};
  const auto first = Train(spec, Table()), second = Train(spec, Table());
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->bytes, second->bytes);
  spec.seed = 1;
  EXPECT_NE(Train(spec, Table())->bytes, first->bytes);
}

TEST(TrainTest, TheModelCarriesNamesAndTypes) {
  TrainingData data = Table();
  data.categorical = {false, true};
  const auto model = Train(Spec(), data);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto ensemble = ReadEnsemble(model->bytes);
  ASSERT_TRUE(ensemble.ok()) << ensemble.status();
  EXPECT_THAT(ensemble->feature_names, ElementsAre("a", "b"));
  EXPECT_THAT(ensemble->feature_kinds, ElementsAre(FeatureKind::kNumeric, FeatureKind::kCategorical));
}

TEST(TrainTest, EarlyStoppingKeepsTheBestRounds) {
  TrainingSpec spec = Spec();
  spec.rounds = 500;
  spec.valid = *ParseRowRange("a:0:1");
  spec.early_stopping_rounds = 3;
  spec.params = {{"eta", "1"}};
  const auto model = Train(spec, Table());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_LT(model->history.size(), 500u);
  EXPECT_EQ(model->history.size(), static_cast<size_t>(model->rounds) + 3);
  for (const RoundMetrics& round : model->history) {
    EXPECT_GE(round.metrics.back().value, model->history[model->rounds - 1].metrics.back().value);
  }
  const auto ensemble = ReadEnsemble(model->bytes);
  ASSERT_TRUE(ensemble.ok()) << ensemble.status();
  EXPECT_EQ(ensemble->trees.size(), static_cast<size_t>(model->rounds));
  EXPECT_THAT(ensemble->feature_names, ElementsAre("a", "b"));
  EXPECT_NEAR(model->evaluation->log_loss, model->history[model->rounds - 1].metrics.back().value, 1e-5);
}

TEST(TrainTest, EarlyStoppingFollowsMetricsThatGrow) {
  TrainingSpec spec = Spec();
  spec.rounds = 200;
  spec.valid = *ParseRowRange("a:0:1");
  spec.early_stopping_rounds = 5;
  spec.params = {{"eval_metric", "auc"}, {"eta", "0.5"}};
  const auto model = Train(spec, Table());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_LT(model->history.size(), 200u);
  for (const RoundMetrics& round : model->history) {
    EXPECT_LE(round.metrics.back().value, model->history[model->rounds - 1].metrics.back().value);
  }
}

TEST(TrainTest, WeightsCount) {
  TrainingData data = Table();
  const auto plain = Train(Spec(), data);
  data.train.weights.assign(data.train.rows(), 1.0f);
  data.train.weights[0] = 50;
  const auto weighted = Train(Spec(), data);
  ASSERT_TRUE(plain.ok() && weighted.ok());
  EXPECT_NE(plain->bytes, weighted->bytes);
}

TEST(TrainTest, CountsTheClassesItself) {
  TrainingSpec spec = Spec();
  spec.objective = "multi:softprob";
  TrainingData data = Table();
  data.train.labels[0] = 2;
  const auto model = Train(spec, data);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ReadEnsemble(model->bytes)->num_outputs, 3u);
  EXPECT_FALSE(model->evaluation.has_value());
}

TEST(TrainTest, ParametersThatXgboostDoesNotUseAreErrors) {
  TrainingSpec spec = Spec();
  spec.params = {{"etaa", "0.1"}};
  const absl::Status status = Train(spec, Table()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"etaa\""));
}

TEST(TrainTest, XgboostsReasonsArriveOnOneLine) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"max_depth", "deep"}, {"eta", "-1"}, {"tree_method", "magic"}, {"eval_metric", "nosuch"}}) {
    TrainingSpec spec = Spec();
    spec.params = {{name, value}};
    const absl::Status status = Train(spec, Table()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << ": " << status;
    const std::string message(status.message());
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.find("Stack trace"), std::string::npos) << message;
    EXPECT_THAT(message, HasSubstr(value)) << name;
  }
  TrainingSpec spec = Spec();
  spec.objective = "binary:nosuch";
  EXPECT_THAT(std::string(Train(spec, Table()).status().message()), HasSubstr("binary:nosuch"));
}

TEST(TrainTest, AProgressErrorEndsTheTraining) {
  const auto model = Train(Spec(), Table(), [](const RoundMetrics& round) {
    return round.round == 3 ? absl::CancelledError("enough") : absl::OkStatus();
  });
  EXPECT_EQ(model.status(), absl::CancelledError("enough"));
}

}  // namespace
}  // namespace espalier
