// TreeSHAP against the definition of Shapley values, by enumerating all subsets of features.
#include "models/forest/contributions.h"

#include <bit>
#include <cmath>

#include "gtest/gtest.h"

namespace espalier {
namespace {

constexpr uint32_t kFeatures = 5;

// A full tree of the given depth that asks random features, some of them twice on a path.
Tree RandomTree(uint32_t depth, uint64_t& state) {
  const auto next = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 40);
  };
  Tree tree;
  tree.nodes.resize((size_t{2} << depth) - 1);
  const size_t first_leaf = tree.nodes.size() / 2;
  for (size_t i = tree.nodes.size(); i-- > 0;) {
    TreeNode& node = tree.nodes[i];
    node.value = static_cast<float>(next() % 1000) / 500.0f - 1.0f;
    node.cover = static_cast<float>(1 + next() % 50);
    if (i >= first_leaf) continue;
    node.left = static_cast<int32_t>(2 * i + 1);
    node.right = static_cast<int32_t>(2 * i + 2);
    node.feature = next() % kFeatures;
    node.default_left = next() % 2;
    node.cover = tree.nodes[node.left].cover + tree.nodes[node.right].cover;
  }
  return tree;
}

// The expected leaf when only the features in `known` (a bit each) are known.
double Expectation(const Tree& tree, size_t i, const float* row, uint32_t known) {
  const TreeNode& node = tree.nodes[i];
  if (node.left < 0) return node.value;
  if (known >> node.feature & 1) {
    const float x = row[node.feature];
    const bool left = std::isnan(x) ? node.default_left : x < node.value;
    return Expectation(tree, left ? node.left : node.right, row, known);
  }
  return (tree.nodes[node.left].cover * Expectation(tree, node.left, row, known) +
          tree.nodes[node.right].cover * Expectation(tree, node.right, row, known)) /
         node.cover;
}

double Factorial(uint32_t n) { return n < 2 ? 1 : n * Factorial(n - 1); }

double ShapleyValue(const Tree& tree, const float* row, uint32_t feature) {
  double value = 0;
  for (uint32_t subset = 0; subset < 1u << kFeatures; ++subset) {
    if (subset >> feature & 1) continue;
    const auto size = static_cast<uint32_t>(std::popcount(subset));
    const double weight = Factorial(size) * Factorial(kFeatures - size - 1) / Factorial(kFeatures);
    value += weight * (Expectation(tree, 0, row, subset | 1u << feature) - Expectation(tree, 0, row, subset));
  }
  return value;
}

TEST(ContributionsTest, AreShapleyValues) {
  uint64_t state = 5;
  for (uint32_t depth = 0; depth <= 7; ++depth) {
    Ensemble ensemble;
    ensemble.num_features = kFeatures;
    ensemble.num_iterations = 1;
    ensemble.trees = {RandomTree(depth, state)};
    const absl::StatusOr<AnyNodeTable> table = BuildNodeTable(ensemble);
    ASSERT_TRUE(table.ok());
    const float row[kFeatures] = {0.1f, -0.4f, std::nanf(""), 0.9f, -0.05f};
    const float start = 10;
    float out[kFeatures + 1];
    ComputeContributions(ContributionTrees(*table), {reinterpret_cast<const std::byte*>(row), 1, sizeof(row)},
                         {0, 1}, kFeatures, 1, {&start, 1}, out);
    for (uint32_t i = 0; i < kFeatures; ++i) {
      EXPECT_NEAR(out[i], ShapleyValue(ensemble.trees[0], row, i), 1e-6) << depth << " " << i;
    }
    EXPECT_NEAR(out[kFeatures], 10 + Expectation(ensemble.trees[0], 0, row, 0), 1e-5);
  }
}

TEST(ContributionsTest, TreesWithoutCoverStillAddUp) {
  uint64_t state = 6;
  Ensemble ensemble;
  ensemble.num_features = kFeatures;
  ensemble.num_iterations = 1;
  ensemble.trees = {RandomTree(4, state)};
  for (TreeNode& node : ensemble.trees[0].nodes) node.cover = 0;
  const absl::StatusOr<AnyNodeTable> table = BuildNodeTable(ensemble);
  const float row[kFeatures] = {0.1f, -0.4f, 0.3f, 0.9f, -0.05f};
  const float start = 0;
  float out[kFeatures + 1];
  ComputeContributions(ContributionTrees(*table), {reinterpret_cast<const std::byte*>(row), 1, sizeof(row)},
                       {0, 1}, kFeatures, 1, {&start, 1}, out);
  double sum = 0;
  for (const float value : out) sum += value;
  EXPECT_NEAR(sum, Expectation(ensemble.trees[0], 0, row, (1u << kFeatures) - 1), 1e-6);
}

}  // namespace
}  // namespace espalier
