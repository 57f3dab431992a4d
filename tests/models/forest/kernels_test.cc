// Every kernel on every instruction set against the plain walk of the trees as the file has them: same bits.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "models/forest/forest.h"
#include "models/forest/kernel_plan.h"

namespace espalier {
namespace {

using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// What a random forest is made of.
struct Shape {
  const char* name;
  uint32_t trees;
  uint32_t depth;
  uint32_t features;
  uint32_t outputs = 1;
  // Thresholds are drawn from so many values a feature.
  uint32_t thresholds = 40;
  // The chance that a node above the last level has children.
  double fullness = 0.9;
  // The last so many features are categorical, with so many categories.
  uint32_t categorical_features = 0;
  uint32_t categories = 20;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.name; }

class RandomForest {
 public:
  RandomForest(const Shape& shape, uint32_t seed) : shape_(shape), random_(seed) {
    const std::vector<float> special = {0.0f,    -0.0f,    1e-45f,    -1e-45f,
                                        3.4e38f, -3.4e38f, kInfinity, -kInfinity};
    for (uint32_t feature = 0; feature < shape.features; ++feature) {
      std::vector<float> values;
      for (uint32_t i = 0; i < shape.thresholds; ++i) values.push_back(normal_(random_));
      values.insert(values.end(), special.begin(), special.end());
      values_.push_back(std::move(values));
    }
    ensemble_.objective = "reg:squarederror";
    ensemble_.num_features = shape.features;
    ensemble_.num_outputs = shape.outputs;
    ensemble_.num_iterations = (shape.trees + shape.outputs - 1) / shape.outputs;
    ensemble_.base_score = {0.5f};
    for (uint32_t i = 0; i < shape.trees; ++i) {
      Tree tree;
      tree.output = i % shape.outputs;
      tree.iteration = i / shape.outputs;
      tree.nodes.emplace_back();
      Grow(tree, 0, 0);
      ensemble_.trees.push_back(std::move(tree));
    }
  }

  const Ensemble& ensemble() const { return ensemble_; }

  // Values around the thresholds: ties and their neighbours, special values, missing ones. Categories that
  // splits know, and others.
  std::vector<float> Rows(size_t count) {
    std::vector<float> rows;
    for (size_t i = 0; i < count * shape_.features; ++i) {
      if (IsCategorical(i % shape_.features)) {
        rows.push_back(DrawCategory());
        continue;
      }
      const float value = Draw(static_cast<uint32_t>(i % shape_.features));
      switch (random_() % 8) {
        case 0:
          rows.push_back(kNaN);
          break;
        case 1:
          rows.push_back(std::nextafter(value, kInfinity));
          break;
        case 2:
          rows.push_back(std::nextafter(value, -kInfinity));
          break;
        case 3:
          rows.push_back(normal_(random_));
          break;
        default:
          rows.push_back(value);
      }
    }
    return rows;
  }

  // As XGBoost does it: one row, one tree, one node after the other.
  std::vector<float> Margins(const std::vector<float>& rows, IterationRange iterations = {}) const {
    const uint32_t end = iterations.end == 0 ? ensemble_.num_iterations : iterations.end;
    std::vector<float> margins(rows.size() / shape_.features * shape_.outputs, 0.5f);
    for (size_t row = 0; row < rows.size() / shape_.features; ++row) {
      for (const Tree& tree : ensemble_.trees) {
        if (tree.iteration < iterations.begin || tree.iteration >= end) continue;
        margins[row * shape_.outputs + tree.output] += Leaf(tree, rows.data() + row * shape_.features);
      }
    }
    return margins;
  }

 private:
  bool IsCategorical(uint64_t feature) const {
    return feature >= shape_.features - shape_.categorical_features;
  }

  float DrawCategory() {
    const std::vector<float> others = {kNaN,      -1.0f,      -0.0f,  0.5f,
                                       kInfinity, -kInfinity, 1.7e7f, static_cast<float>(shape_.categories)};
    if (random_() % 8 == 0) return others[random_() % others.size()];
    return static_cast<float>(random_() % shape_.categories);
  }

  void AskCategories(Tree& tree, TreeNode& node) {
    node.categorical = true;
    node.category_begin = static_cast<uint32_t>(tree.categories.size());
    const uint32_t one_in = 1 + static_cast<uint32_t>(random_() % shape_.categories);
    for (uint32_t category = 0; category < shape_.categories; ++category) {
      if (random_() % one_in == 0) tree.categories.push_back(category);
    }
    node.category_end = static_cast<uint32_t>(tree.categories.size());
  }

  float Draw(uint32_t feature) { return values_[feature][random_() % values_[feature].size()]; }

  void Grow(Tree& tree, size_t node, uint32_t depth) {
    const double chance = static_cast<double>(random_() % 1000) / 1000;
    if (depth == shape_.depth || (depth > 0 && chance > shape_.fullness)) {
      tree.nodes[node].value = normal_(random_);
      return;
    }
    const auto left = static_cast<int32_t>(tree.nodes.size());
    TreeNode& inner = tree.nodes[node];
    inner.left = left;
    inner.right = left + 1;
    inner.feature = static_cast<uint32_t>(random_() % shape_.features);
    if (IsCategorical(inner.feature)) {
      AskCategories(tree, inner);
    } else {
      inner.value = Draw(inner.feature);
    }
    inner.default_left = random_() % 2 == 0;
    tree.nodes.resize(tree.nodes.size() + 2);
    Grow(tree, static_cast<size_t>(left), depth + 1);
    Grow(tree, static_cast<size_t>(left) + 1, depth + 1);
  }

  static bool Contains(const Tree& tree, const TreeNode& node, float x) {
    const auto begin = tree.categories.begin();
    return std::any_of(begin + node.category_begin, begin + node.category_end, [x](uint32_t category) {
      return x >= 0 && std::floor(x) == static_cast<float>(category);
    });
  }

  static float Leaf(const Tree& tree, const float* row) {
    size_t at = 0;
    while (tree.nodes[at].left >= 0) {
      const TreeNode& node = tree.nodes[at];
      const float x = row[node.feature];
      const bool left = std::isnan(x)      ? node.default_left
                        : node.categorical ? !Contains(tree, node, x)
                                           : x < node.value;
      at = static_cast<size_t>(left ? node.left : node.right);
    }
    return tree.nodes[at].value;
  }

  const Shape shape_;
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> values_;
  Ensemble ensemble_;
};

// Whether our margins are the first of those that are expected.
testing::AssertionResult SameBits(const std::vector<float>& ours, const std::vector<float>& expected) {
  for (size_t i = 0; i < ours.size(); ++i) {
    if (std::memcmp(&ours[i], &expected[i], sizeof(float)) != 0) {
      return testing::AssertionFailure() << "margin " << i << " of " << expected.size() << " is "
                                         << std::hexfloat << ours[i] << ", expected " << expected[i];
    }
  }
  return testing::AssertionSuccess();
}

std::vector<float> Margins(const Forest& forest, const std::vector<float>& rows, size_t count,
                           IterationRange iterations = {}) {
  std::vector<float> out(count * forest.num_outputs());
  const Rows view = {reinterpret_cast<const std::byte*>(rows.data()), count,
                     forest.num_features() * sizeof(float)};
  const absl::Status status =
      forest.Predict(view, {.kind = OutputKind::kMargin, .iterations = iterations}, std::span<float>(out));
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

class KernelsTest : public testing::TestWithParam<Shape> {
 protected:
  ~KernelsTest() override { hwy::SetSupportedTargetsForTest(0); }

  // The first rows of the batch, then ranges of iterations.
  void ExpectSameBits(const Forest& forest, const RandomForest& random, const std::vector<float>& rows) {
    const std::vector<float> expected = random.Margins(rows);
    const size_t count = rows.size() / forest.num_features();
    for (const size_t batch :
         {size_t{1}, size_t{7}, size_t{63}, size_t{64}, size_t{65}, size_t{256}, count}) {
      EXPECT_TRUE(SameBits(Margins(forest, rows, batch), expected)) << "batch " << batch;
    }
    const uint32_t end = forest.num_iterations();
    for (const IterationRange range : {IterationRange{0, 1}, {end / 2, end}, {end / 3, end / 3 + 1}}) {
      EXPECT_TRUE(SameBits(Margins(forest, rows, 70, range), random.Margins(rows, range)))
          << range.begin << ":" << range.end;
    }
  }
};

TEST_P(KernelsTest, AllKernelsOnAllTargetsGiveTheBitsOfThePlainWalk) {
  RandomForest random(GetParam(), 7);
  const std::vector<float> rows = random.Rows(300);
  int kernels = 0;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (const std::string_view kernel : KernelPlan::KernelNames()) {
      SCOPED_TRACE(std::string(kernel) + " on " + hwy::TargetName(target));
      const auto forest = Forest::Compile(random.ensemble(), {.kernel = kernel});
      if (!forest.ok()) {
        EXPECT_EQ(forest.status().code(), absl::StatusCode::kFailedPrecondition) << forest.status().message();
        continue;
      }
      EXPECT_EQ((*forest)->kernel(), kernel);
      ExpectSameBits(**forest, random, rows);
      ++kernels;
    }
  }
  EXPECT_GE(kernels, 1);
}

TEST_P(KernelsTest, WhatIsChosenGivesTheSameBitsOnBothSidesOfItsBoundary) {
  RandomForest random(GetParam(), 8);
  const std::vector<float> rows = random.Rows(600);
  const auto forest = Forest::Compile(random.ensemble());
  ASSERT_TRUE(forest.ok());
  ExpectSameBits(**forest, random, rows);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, KernelsTest,
    testing::Values(
        Shape{"Stumps", 30, 1, 5}, Shape{"Depth3", 101, 3, 9}, Shape{"Depth5", 64, 5, 30},
        Shape{"Depth6", 90, 6, 40}, Shape{"Depth7", 33, 7, 12}, Shape{"Depth8", 70, 8, 40},
        Shape{"Depth9", 10, 9, 12}, Shape{"Sparse", 50, 8, 20, 1, 40, 0.4},
        Shape{"ManyOutputs", 77, 6, 20, 7}, Shape{"OneFeature", 20, 6, 1, 1, 200},
        Shape{"ManyThresholds", 60, 8, 6, 1, 2000}, Shape{"ManyFeatures", 100, 6, 110},
        Shape{"ThreeHundredFeatures", 60, 6, 300}, Shape{"OneTree", 1, 6, 8},
        Shape{"Depth12", 20, 12, 12, 1, 40, 0.85}, Shape{"Depth15OfClasses", 21, 15, 9, 3, 40, 0.8},
        Shape{"LongChains", 12, 40, 5, 1, 40, 0.52}, Shape{"Categories", 60, 6, 10, 1, 40, 0.9, 6},
        Shape{"OnlyCategories", 40, 8, 5, 1, 0, 0.9, 5, 70}, Shape{"OneHot", 40, 5, 8, 2, 40, 0.9, 5, 2},
        Shape{"ThousandCategories", 10, 5, 4, 1, 40, 0.9, 2, 1000},
        Shape{"Depth12Categories", 12, 12, 8, 1, 40, 0.8, 4}),
    testing::PrintToStringParamName());

std::string ChosenFor(const Shape& shape) {
  return std::string((*Forest::Compile(RandomForest(shape, 3).ensemble()))->kernel());
}

TEST(KernelPlanTest, MoreQuestionsThanHaveNumbersAreWalkedAsNodes) {
  EXPECT_EQ(ChosenFor({"", 300, 8, 30, 1, 3000, 1.0}), "interleaved_walker");
}

TEST(KernelPlanTest, LeavesThatAreVectorsAreWalkedAsNodes) {
  Ensemble ensemble = RandomForest({"", 2, 3, 5, 2}, 3).ensemble();
  for (Tree& tree : ensemble.trees) tree.leaf_vectors = {1, 2};
  for (Tree& tree : ensemble.trees) {
    for (TreeNode& node : tree.nodes) node.feature = node.left < 0 ? 0 : node.feature;
  }
  EXPECT_EQ((*Forest::Compile(ensemble))->kernel(), "interleaved_walker");
  const auto forest = Forest::Compile(ensemble, {.kernel = "bit_slicer"});
  EXPECT_EQ(forest.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(KernelPlanTest, HeapsArePreferredToNodes) {
  for (const Shape& shape :
       {Shape{"", 100, 6, 40}, {"", 100, 12, 12, 1, 40, 0.85}, {"", 100, 6, 9, 1, 40, 1, 9}}) {
    EXPECT_THAT(ChosenFor(shape), testing::Not(HasSubstr("interleaved_walker")));
  }
}

TEST(KernelPlanTest, KeysAreWalkedInSmallNumericForests) {
  const auto code_of = [](const Shape& shape) {
    return Forest::Compile(RandomForest(shape, 3).ensemble(), {.kernel = "key_walker"}).status().code();
  };
  EXPECT_EQ(code_of({"", 100, 6, 127, 1, 40, 1}), absl::StatusCode::kOk);
  EXPECT_EQ(code_of({"", 10, 8, 5, 3}), absl::StatusCode::kOk);
  // Too many features, places; tails; categories.
  for (const Shape& refused : {Shape{"", 100, 6, 128, 1, 40, 1},
                               {"", 257, 8, 5, 1, 40, 1},
                               {"", 20, 9, 5, 1, 40, 0.5},
                               {"", 10, 6, 5, 1, 40, 1, 1}}) {
    EXPECT_EQ(code_of(refused), absl::StatusCode::kFailedPrecondition) << refused.trees;
  }
}

TEST(KernelPlanTest, NamesAKernelThatDoesNotExist) {
  const auto forest = Forest::Compile(RandomForest({"", 3, 3, 3}, 3).ensemble(), {.kernel = "gpu"});
  EXPECT_EQ(forest.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(forest.status().message()),
              HasSubstr("kernel \"gpu\" is none of interleaved_walker"));
}

}  // namespace
}  // namespace espalier
