#include "espalier/forest.hpp"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "tests/models/forest/golden_models.h"

namespace espalier::embedded {
namespace {

using testing::HasSubstr;

class ForestHppTest : public testing::Test {
 protected:
  Rows AllRows() const { return {values_.data(), values_.size() / kGoldenFeatures, kGoldenFeatures}; }

  const GoldenModel model_ = FindGoldenModel("3.2.0", "multi_softprob");
  const GoldenPredictions expected_ = ReadGoldenPredictions(model_);
  const std::vector<float> values_ = GoldenRows();
  const Forest forest_ = *Forest::Load(model_.files[0]);
};

TEST_F(ForestHppTest, GivesXgboostsBits) {
  EXPECT_EQ(*forest_.Predict(AllRows()), expected_.value);
  EXPECT_EQ(*forest_.Predict(AllRows(), {.kind = ESPALIER_MARGIN}), expected_.margin);
  EXPECT_EQ(*forest_.PredictIntegers(AllRows(), {.kind = ESPALIER_LEAF}), expected_.leaf);
}

TEST_F(ForestHppTest, TakesDoublesAndSparseRows) {
  const std::vector<double> doubles(values_.begin(), values_.end());
  EXPECT_EQ(*forest_.Predict(Rows(doubles.data(), doubles.size() / kGoldenFeatures, kGoldenFeatures)),
            expected_.value);
  std::vector<uint64_t> offsets;
  std::vector<uint32_t> columns;
  for (size_t i = 0; i <= values_.size(); ++i) {
    if (i % kGoldenFeatures == 0) offsets.push_back(i);
    columns.push_back(i % kGoldenFeatures);
  }
  const size_t rows = offsets.size() - 1;
  EXPECT_EQ(
      *forest_.Predict(Rows::Csr(offsets.data(), columns.data(), values_.data(), rows, kGoldenFeatures)),
      expected_.value);
  EXPECT_EQ(
      *forest_.Predict(Rows::Csr(offsets.data(), columns.data(), doubles.data(), rows, kGoldenFeatures)),
      expected_.value);
}

TEST_F(ForestHppTest, WritesIntoTheCallersBuffer) {
  std::vector<float> out(expected_.value.size());
  ASSERT_TRUE(forest_.Predict(AllRows(), {}, out.data(), out.size()).ok());
  EXPECT_EQ(out, expected_.value);
  std::vector<int32_t> leaves(expected_.leaf.size());
  ASSERT_TRUE(forest_.Predict(AllRows(), {.kind = ESPALIER_LEAF}, leaves.data(), leaves.size()).ok());
  EXPECT_EQ(leaves, expected_.leaf);
}

TEST_F(ForestHppTest, BaseMarginIsHandedOver) {
  const std::vector<float> base(expected_.margin.size(), 50.0f);
  for (const float value : *forest_.Predict(AllRows(), {.kind = ESPALIER_MARGIN, .base_margin = base})) {
    EXPECT_NEAR(value, 50, 10);
  }
}

TEST_F(ForestHppTest, BackgroundIsHandedOver) {
  const Result<std::vector<float>> without = forest_.Predict(AllRows(), {.kind = ESPALIER_CONTRIBUTIONS});
  const Options options = {.kind = ESPALIER_CONTRIBUTIONS, .background = AllRows()};
  const Result<std::vector<float>> with = forest_.Predict(AllRows(), options);
  ASSERT_TRUE(without.ok() && with.ok());
  EXPECT_EQ(without->size(), with->size());
  EXPECT_NE(*without, *with);
}

TEST_F(ForestHppTest, ACopyOutlivesTheFirst) {
  Result<Forest> first = Forest::Load(model_.files[0]);
  const Forest copy = *first;
  first = Status(ESPALIER_INTERNAL, "gone");
  EXPECT_EQ(*copy.Predict(AllRows()), expected_.value);
}

TEST_F(ForestHppTest, DescribesTheModel) {
  EXPECT_EQ(forest_.num_features(), kGoldenFeatures);
  EXPECT_EQ(forest_.num_outputs(), 3u);
  EXPECT_STREQ(forest_.info().objective, "multi:softprob");
  EXPECT_EQ(*forest_.OutputWidth(), 3u);
  EXPECT_EQ(*forest_.OutputWidth({.kind = ESPALIER_CONTRIBUTIONS}), 3 * (kGoldenFeatures + 1));
  EXPECT_EQ(*forest_.OutputWidth({.kind = ESPALIER_INTERACTIONS}),
            3 * (kGoldenFeatures + 1) * (kGoldenFeatures + 1));
  EXPECT_TRUE(forest_.FeatureNames().empty());
  const std::string bytes = *ReadFile(FindGoldenModel("3.2.0", "feature_names").files[0]);
  EXPECT_EQ(Forest::LoadMemory(bytes.data(), bytes.size())->FeatureNames().size(), kGoldenFeatures);
}

TEST_F(ForestHppTest, ErrorsAreValues) {
  const Result<Forest> none = Forest::Load("/does/not/exist");
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), ESPALIER_NOT_FOUND);
  EXPECT_THAT(none.status().message(), HasSubstr("/does/not/exist"));
  EXPECT_EQ(Forest::LoadMemory(nullptr, 3).status().code(), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(forest_.Predict(AllRows(), {.kind = 99}).status().code(), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(forest_.PredictIntegers(AllRows(), {}).status().code(), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(forest_.Predict(Rows(values_.data(), 1, 7)).status().code(), ESPALIER_INVALID_ARGUMENT);
  float out = 0;
  EXPECT_EQ(forest_.Predict(AllRows(), {}, &out, 1).code(), ESPALIER_OUT_OF_RANGE);
}

}  // namespace
}  // namespace espalier::embedded
