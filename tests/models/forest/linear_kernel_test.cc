#include "models/forest/linear_kernel.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Rows AsRows(const std::vector<float>& values, size_t columns) {
  return {reinterpret_cast<const std::byte*>(values.data()), values.size() / columns,
          columns * sizeof(float)};
}

// Two features, two outputs: weights (1, 10), (2, 20), biases (0.5, 5).
Ensemble LinearEnsemble() {
  Ensemble ensemble;
  ensemble.objective = "reg:squarederror";
  ensemble.num_features = 2;
  ensemble.num_outputs = 2;
  ensemble.base_score = {0.25f};
  ensemble.is_linear = true;
  ensemble.linear_weights = {1, 10, 2, 20, 0.5, 5};
  return ensemble;
}

TEST(LinearKernelTest, AddsBiasAndProductsAndNothingForMissingValues) {
  const LinearKernel kernel({1, 10, 2, 20, 0.5, 5}, 2, 2);
  const std::vector<float> rows = {3, 4, kNaN, 4, kNaN, kNaN};
  std::vector<float> margins(6, 100.0f);
  kernel.AddMargins(AsRows(rows, 2), {}, margins.data());
  EXPECT_THAT(margins, ElementsAre(111.5f, 215.0f, 108.5f, 185.0f, 100.5f, 105.0f));
}

TEST(LinearKernelTest, AddsInTheOrderOfTheFeatures) {
  const LinearKernel kernel({1, 1, 1, 0}, 3, 1);
  const std::vector<float> rows = {1e8f, -1e8f, 1};
  const std::vector<float> turned = {1e8f, 1, -1e8f};
  float margin = 0;
  kernel.AddMargins(AsRows(rows, 3), {}, &margin);
  EXPECT_EQ(margin, 1.0f);
  margin = 0;
  kernel.AddMargins(AsRows(turned, 3), {}, &margin);
  EXPECT_EQ(margin, 0.0f);
}

TEST(LinearForestTest, ContributionsAreProductsAndTheBias) {
  const std::shared_ptr<const Forest> forest = *Forest::Compile(LinearEnsemble());
  EXPECT_TRUE(forest->is_linear());
  EXPECT_EQ(forest->kernel(), "linear");
  const std::vector<float> rows = {3, kNaN};
  std::vector<float> out(6);
  ASSERT_TRUE(
      forest->Predict(AsRows(rows, 2), {.kind = OutputKind::kContributions}, std::span<float>(out)).ok());
  EXPECT_THAT(out, ElementsAre(3.0f, 0.0f, 0.75f, 30.0f, 0.0f, 5.25f));
}

TEST(LinearForestTest, EveryOutputStartsAtTheFirstBaseScore) {
  Ensemble ensemble = LinearEnsemble();
  ensemble.base_score = {1, 2};
  const std::shared_ptr<const Forest> forest = *Forest::Compile(std::move(ensemble));
  const std::vector<float> rows = {kNaN, kNaN};
  std::vector<float> out(2);
  ASSERT_TRUE(forest->Predict(AsRows(rows, 2), {}, std::span<float>(out)).ok());
  EXPECT_THAT(out, ElementsAre(1.5f, 6.0f));
}

TEST(LinearForestTest, LeavesAndIterationsAreRefused) {
  const std::shared_ptr<const Forest> forest = *Forest::Compile(LinearEnsemble());
  const std::vector<float> rows = {1, 2};
  std::vector<int32_t> leaves;
  EXPECT_THAT(
      Message(forest->Predict(AsRows(rows, 2), {.kind = OutputKind::kLeaf}, std::span<int32_t>(leaves))),
      HasSubstr("a linear model (gblinear) has no leaves"));
  std::vector<float> out(2);
  EXPECT_THAT(Message(forest->Predict(AsRows(rows, 2), {.iterations = {0, 1}}, std::span<float>(out))),
              HasSubstr("iterations 0:1: a linear model (gblinear) has no iterations to choose from"));
}

TEST(LinearForestTest, WeightsThatDoNotFitAreRefused) {
  Ensemble ensemble = LinearEnsemble();
  ensemble.linear_weights.pop_back();
  EXPECT_THAT(Message(Forest::Compile(std::move(ensemble)).status()),
              HasSubstr("linear_weights has 5 entries, must be 6"));
}

}  // namespace
}  // namespace espalier
