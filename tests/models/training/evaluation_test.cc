#include "models/training/evaluation.h"

#include <cmath>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace espalier {
namespace {

// Expected values: scikit-learn 1.7 roc_auc_score, log_loss and brier_score_loss on the same numbers.
TEST(EvaluationTest, AgreesWithScikitLearn) {
  const std::vector<float> p = {0.1f, 0.4f, 0.35f, 0.8f, 0.4f, 0.9f}, y = {0, 0, 1, 1, 1, 0};
  const auto result = EvaluateBinary(p, y);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(result->auc, 0.5, 1e-12);
  EXPECT_NEAR(result->log_loss, 0.8513379, 1e-6);
  EXPECT_NEAR(result->brier, 0.30041667, 1e-7);
}

TEST(EvaluationTest, WeightsCountLikeRepeatedRows) {
  const std::vector<float> p = {0.2f, 0.7f, 0.5f}, y = {0, 1, 0}, w = {1, 2, 3};
  const std::vector<float> pr = {0.2f, 0.7f, 0.7f, 0.5f, 0.5f, 0.5f}, yr = {0, 1, 1, 0, 0, 0};
  const auto weighted = EvaluateBinary(p, y, w), repeated = EvaluateBinary(pr, yr);
  ASSERT_TRUE(weighted.ok() && repeated.ok());
  EXPECT_NEAR(weighted->auc, repeated->auc, 1e-12);
  EXPECT_NEAR(weighted->log_loss, repeated->log_loss, 1e-12);
  EXPECT_NEAR(weighted->brier, repeated->brier, 1e-12);
}

TEST(EvaluationTest, TiesCountHalf) {
  const std::vector<float> p = {0.5f, 0.5f, 0.5f, 0.5f}, y = {0, 1, 1, 0};
  EXPECT_EQ(EvaluateBinary(p, y)->auc, 0.5);
}

TEST(EvaluationTest, CertaintyThatIsWrongCostsAFiniteLoss) {
  const std::vector<float> p = {1, 0}, y = {0, 1};
  const auto result = EvaluateBinary(p, y);
  EXPECT_EQ(result->auc, 0);
  EXPECT_EQ(result->brier, 1);
  EXPECT_NEAR(result->log_loss, -std::log(1e-16), 1e-9);
}

TEST(EvaluationTest, RefusesWhatHasNoAnswer) {
  const std::vector<float> p = {0.5f, 0.5f}, one_class = {1, 1}, three = {0, 1, 0}, y = {0, 1};
  EXPECT_EQ(EvaluateBinary(p, one_class).status().message(), "labels of both classes are needed");
  EXPECT_FALSE(EvaluateBinary(p, three).ok());
  EXPECT_FALSE(EvaluateBinary({}, {}).ok());
  const std::vector<float> nan = {std::numeric_limits<float>::quiet_NaN(), 0.5f}, above = {1.5f, 0.5f};
  EXPECT_FALSE(EvaluateBinary(nan, y).ok());
  EXPECT_FALSE(EvaluateBinary(above, y).ok());
}

}  // namespace
}  // namespace espalier
