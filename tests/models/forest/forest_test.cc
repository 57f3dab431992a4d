#include "models/forest/forest.h"

#include <cmath>
#include <cstring>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Asks one feature: below `threshold` the leaf is -weight, else weight.
Tree Stump(uint32_t feature, float threshold, bool default_left, float weight) {
  Tree tree;
  tree.nodes.resize(3);
  tree.nodes[0].left = 1;
  tree.nodes[0].right = 2;
  tree.nodes[0].feature = feature;
  tree.nodes[0].value = threshold;
  tree.nodes[0].default_left = default_left;
  tree.nodes[1].value = -weight;
  tree.nodes[2].value = weight;
  return tree;
}

Ensemble Stumps(uint32_t count) {
  Ensemble ensemble;
  ensemble.objective = "reg:squarederror";
  ensemble.num_features = 3;
  ensemble.num_iterations = count;
  ensemble.base_score = {0.5f};
  for (uint32_t i = 0; i < count; ++i) {
    ensemble.trees.push_back(
        Stump(i % 3, 0.25f * static_cast<float>(i), i % 2 == 0, std::ldexp(1.0f, -static_cast<int>(i))));
    ensemble.trees.back().iteration = i;
  }
  return ensemble;
}

std::shared_ptr<const Forest> Compile(Ensemble ensemble) {
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(std::move(ensemble));
  EXPECT_TRUE(forest.ok()) << forest.status().message();
  return *forest;
}

Rows AsRows(const std::vector<float>& values, size_t columns) {
  return {reinterpret_cast<const std::byte*>(values.data()), values.size() / columns,
          columns * sizeof(float)};
}

float PredictOne(const Forest& forest, const std::vector<float>& row) {
  float out = 0;
  EXPECT_TRUE(forest.Predict(AsRows(row, row.size()), {}, std::span<float>(&out, 1)).ok());
  return out;
}

TEST(ForestTest, MissingValueFollowsDefaultChild) {
  Ensemble ensemble = Stumps(2);
  const std::shared_ptr<const Forest> forest = Compile(ensemble);
  EXPECT_EQ(PredictOne(*forest, {kNaN, kNaN, 0}), 0.5f - 1 + 0.5f);
}

TEST(ForestTest, AThresholdItselfGoesRight) {
  Ensemble ensemble = Stumps(1);
  ensemble.trees[0].nodes[0].value = 0.0f;
  const std::shared_ptr<const Forest> forest = Compile(ensemble);
  EXPECT_EQ(PredictOne(*forest, {0.0f, 0, 0}), 1.5f);
  EXPECT_EQ(PredictOne(*forest, {-0.0f, 0, 0}), 1.5f);
  EXPECT_EQ(PredictOne(*forest, {-1e-45f, 0, 0}), -0.5f);
}

TEST(ForestTest, InfiniteThresholdsCompareAsNumbers) {
  Ensemble ensemble = Stumps(1);
  ensemble.trees[0].nodes[0].default_left = false;
  ensemble.trees[0].nodes[0].value = HUGE_VALF;
  EXPECT_EQ(PredictOne(*Compile(ensemble), {HUGE_VALF, 0, 0}), 1.5f);
  EXPECT_EQ(PredictOne(*Compile(ensemble), {3e38f, 0, 0}), -0.5f);
  EXPECT_EQ(PredictOne(*Compile(ensemble), {kNaN, 0, 0}), 1.5f);
  ensemble.trees[0].nodes[0].value = -HUGE_VALF;
  ensemble.trees[0].nodes[0].default_left = true;
  EXPECT_EQ(PredictOne(*Compile(ensemble), {-HUGE_VALF, 0, 0}), 1.5f);
  EXPECT_EQ(PredictOne(*Compile(ensemble), {kNaN, 0, 0}), -0.5f);
}

TEST(ForestTest, AForestWithoutTreesPredictsItsBaseScore) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(0));
  EXPECT_EQ(PredictOne(*forest, {1, 2, 3}), 0.5f);
  EXPECT_EQ(forest->num_iterations(), 0u);
  EXPECT_EQ(forest->max_depth(), 0u);
}

TEST(ForestTest, RowsNeedNoAlignmentAndMayHaveGaps) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(9));
  const std::vector<float> values = {0.1f, 2, kNaN, -1, 0.25f, 7, 1, 1, 1};
  std::vector<float> aligned(3);
  ASSERT_TRUE(forest->Predict(AsRows(values, 3), {}, std::span<float>(aligned)).ok());
  for (size_t shift = 1; shift < 4; ++shift) {
    constexpr size_t kStride = 17;
    std::vector<std::byte> bytes(3 * kStride + shift);
    for (size_t i = 0; i < 3; ++i) std::memcpy(&bytes[i * kStride + shift], &values[i * 3], 12);
    std::vector<float> out(3);
    ASSERT_TRUE(forest->Predict({bytes.data() + shift, 3, kStride}, {}, std::span<float>(out)).ok());
    EXPECT_EQ(out, aligned);
  }
}

TEST(ForestTest, BatchesOfAnySizePredictWhatSingleRowsDo) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(13));
  std::vector<float> values;
  for (int i = 0; i < 3 * 700; ++i) values.push_back(i % 7 == 0 ? kNaN : static_cast<float>(i % 11) * 0.25f);
  std::vector<float> all(700);
  ASSERT_TRUE(forest->Predict(AsRows(values, 3), {}, std::span<float>(all)).ok());
  for (size_t i = 0; i < 700; ++i) {
    EXPECT_EQ(all[i], PredictOne(*forest, {values[3 * i], values[3 * i + 1], values[3 * i + 2]}));
  }
}

TEST(ForestTest, NoRowsAreFine) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(2));
  for (const OutputKind kind :
       {OutputKind::kValue, OutputKind::kMargin, OutputKind::kContributions, OutputKind::kInteractions}) {
    EXPECT_TRUE(forest->Predict({}, {.kind = kind}, std::span<float>()).ok());
  }
  EXPECT_TRUE(forest->Predict({}, {.kind = OutputKind::kLeaf}, std::span<int32_t>()).ok());
}

TEST(ForestTest, IterationsAreHalfOpenAndChecked) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(4));
  const std::vector<float> row = {9, 9, 9};
  float out = 0;
  const auto predict = [&](uint32_t begin, uint32_t end) {
    return forest->Predict(AsRows(row, 3), {.iterations = {begin, end}}, std::span<float>(&out, 1));
  };
  ASSERT_TRUE(predict(1, 3).ok());
  EXPECT_EQ(out, 0.5f + 0.5f + 0.25f);
  ASSERT_TRUE(predict(2, 0).ok());
  EXPECT_EQ(out, 0.5f + 0.25f + 0.125f);
  EXPECT_EQ(forest->OutputWidth(OutputKind::kLeaf, {1, 3}), 2u);
  for (const auto& [begin, end] : {std::pair(0u, 5u), {3u, 2u}, {2u, 2u}, {4u, 0u}, {9u, 0u}}) {
    const absl::Status status = predict(begin, end);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << begin << " " << end;
    EXPECT_THAT(std::string(Message(status)), HasSubstr("is not a range of the model's 4"));
  }
}

TEST(ForestTest, SizesThatDoNotFitAreInvalid) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(2));
  const std::vector<float> row = {1, 2, 3};
  std::vector<float> out(2);
  const auto error = [&](const Rows& rows, const PredictOptions& options, size_t size) {
    const absl::Status status = forest->Predict(rows, options, std::span<float>(out.data(), size));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(Message(status));
  };
  Rows rows = AsRows(row, 3);
  EXPECT_THAT(error(rows, {}, 2), HasSubstr("the output has 2 elements, must be 1 rows of 1"));
  EXPECT_THAT(error({rows.data, 1, 8}, {}, 1), HasSubstr("stride is 8 bytes, must be at least 12"));
  EXPECT_THAT(error({nullptr, 1, 12}, {}, 1), HasSubstr("no data"));
  EXPECT_THAT(error(rows, {.base_margin = out}, 1), HasSubstr("base_margin has 2 elements"));
  EXPECT_THAT(error(rows, {.kind = OutputKind::kLeaf}, 1), HasSubstr("int32"));
  EXPECT_THAT(error({rows.data, SIZE_MAX, 12}, {.kind = OutputKind::kContributions}, 1),
              HasSubstr("must be"));
}

TEST(ForestTest, BackgroundsThatDoNotFitAreRefused) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(2));
  const std::vector<float> row = {1, 2, 3};
  const auto refusal = [&](OutputKind kind, const Rows& background) {
    std::vector<float> out(forest->OutputWidth(kind));
    const PredictOptions options = {.kind = kind, .background = background};
    return std::string(Message(forest->Predict(AsRows(row, 3), options, std::span<float>(out))));
  };
  const Rows background = AsRows(row, 3);
  EXPECT_EQ(refusal(OutputKind::kContributions, background), "");
  EXPECT_THAT(refusal(OutputKind::kContributions, {}), HasSubstr("the background has no rows"));
  EXPECT_THAT(refusal(OutputKind::kContributions, {background.data, 1, 8}),
              HasSubstr("background: stride is 8 bytes, must be at least 12"));
  EXPECT_THAT(refusal(OutputKind::kContributions, {background.data, size_t{1} << 40, 12}),
              HasSubstr("the background has 1099511627776 rows, at most"));
  EXPECT_THAT(refusal(OutputKind::kInteractions, background), HasSubstr("interactions against a background"));
  EXPECT_THAT(refusal(OutputKind::kMargin, background), HasSubstr("for contributions alone"));
}

TEST(ForestTest, WhatLinearModelsDoNotHaveIsRefusedByName) {
  Ensemble ensemble;
  ensemble.objective = "reg:squarederror";
  ensemble.num_features = 1;
  ensemble.base_score = {0.5f};
  ensemble.is_linear = true;
  ensemble.linear_weights = {2, 1};
  const std::shared_ptr<const Forest> forest = Compile(ensemble);
  const std::vector<float> row = {3};
  std::vector<float> out(4);
  absl::Status status = forest->Predict(AsRows(row, 1), {.kind = OutputKind::kInteractions}, std::span(out));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("a linear model (gblinear) has no interactions"));
  const PredictOptions options = {.kind = OutputKind::kContributions, .background = AsRows(row, 1)};
  status = forest->Predict(AsRows(row, 1), options, std::span(out).first(2));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("gblinear"));
}

TEST(ForestTest, TablesOfContributionsAreMadeWhenTheyAreAskedForAndCounted) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(13));
  const size_t before = forest->MemoryBytes();
  const std::vector<float> row = {1, 2, 3};
  std::vector<float> out(4);
  ASSERT_TRUE(forest->Predict(AsRows(row, 3), {}, std::span(out).first(1)).ok());
  EXPECT_EQ(forest->MemoryBytes(), before);
  ASSERT_TRUE(forest->Predict(AsRows(row, 3), {.kind = OutputKind::kContributions}, std::span(out)).ok());
  EXPECT_GT(forest->MemoryBytes(), before);
}

TEST(ForestTest, ClassesNeedAnObjectiveThatHasThem) {
  const std::vector<float> row = {9, 9, 9};
  int32_t out = 7;
  absl::Status status =
      Compile(Stumps(2))->Predict(AsRows(row, 3), {.kind = OutputKind::kClass}, std::span<int32_t>(&out, 1));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("objective reg:squarederror has no classes"));

  Ensemble ensemble = Stumps(2);
  ensemble.objective = "binary:logistic";
  status =
      Compile(ensemble)->Predict(AsRows(row, 3), {.kind = OutputKind::kClass}, std::span<int32_t>(&out, 1));
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(out, 1);
}

TEST(ForestTest, MultiClassGivesOneClassARow) {
  Ensemble ensemble = Stumps(6);
  ensemble.objective = "multi:softprob";
  ensemble.num_outputs = 3;
  for (uint32_t i = 0; i < 6; ++i) {
    ensemble.trees[i].output = i % 3;
    ensemble.trees[i].iteration = i / 3;
  }
  ensemble.num_iterations = 2;
  const std::shared_ptr<const Forest> forest = Compile(ensemble);
  std::vector<int32_t> classes(2);
  const std::vector<float> rows = {9, 9, 9, -9, -9, 9};
  ASSERT_TRUE(
      forest->Predict(AsRows(rows, 3), {.kind = OutputKind::kClass}, std::span<int32_t>(classes)).ok());
  EXPECT_THAT(classes, ElementsAre(0, 2));
  EXPECT_EQ(forest->OutputWidth(OutputKind::kValue), 3u);
  EXPECT_EQ(forest->OutputWidth(OutputKind::kContributions), 12u);
  EXPECT_EQ(forest->OutputWidth(OutputKind::kInteractions), 48u);
}

TEST(ForestTest, EnsemblesThatContradictThemselvesAreRefused) {
  const auto error = [](const Ensemble& ensemble) {
    return std::string(Message(Forest::Compile(ensemble).status()));
  };
  Ensemble ensemble = Stumps(2);
  ensemble.base_score.clear();
  EXPECT_THAT(error(ensemble), HasSubstr("base_score has 0 values"));
  ensemble = Stumps(2);
  ensemble.feature_names = {"a"};
  EXPECT_THAT(error(ensemble), HasSubstr("feature_names has 1 entries, the model has 3 features"));
  ensemble = Stumps(2);
  ensemble.trees[1].iteration = 2;
  EXPECT_THAT(error(ensemble), HasSubstr("tree 1 is of iteration 2"));
  ensemble = Stumps(2);
  std::swap(ensemble.trees[0], ensemble.trees[1]);
  EXPECT_THAT(error(ensemble), HasSubstr("tree 1 is of iteration 0"));
  ensemble = Stumps(2);
  ensemble.num_outputs = 0;
  EXPECT_THAT(error(ensemble), HasSubstr("num_outputs is 0"));
}

// Under TSan: predictions of one forest from several threads, which share nothing but the forest.
TEST(ForestTest, ThreadsPredictTheSame) {
  const std::shared_ptr<const Forest> forest = Compile(Stumps(21));
  std::vector<float> values;
  for (int i = 0; i < 3 * 200; ++i) values.push_back(static_cast<float>(i % 23) * 0.3f);
  std::vector<float> expected(200);
  ASSERT_TRUE(forest->Predict(AsRows(values, 3), {}, std::span<float>(expected)).ok());
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (size_t t = 0; t < same.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int repeat = 0; repeat < 20; ++repeat) {
        std::vector<float> out(200);
        std::vector<float> contributions(200 * 4);
        std::vector<int32_t> leaves(200 * 21);
        const Rows rows = AsRows(values, 3);
        const bool ok =
            forest->Predict(rows, {}, std::span<float>(out)).ok() &&
            forest->Predict(rows, {.kind = OutputKind::kContributions}, std::span<float>(contributions))
                .ok() &&
            forest->Predict(rows, {.kind = OutputKind::kLeaf}, std::span<int32_t>(leaves)).ok();
        same[t] += ok && out == expected;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(same, testing::Each(20));
}

}  // namespace
}  // namespace espalier
