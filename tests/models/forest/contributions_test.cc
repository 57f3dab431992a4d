// TreeSHAP against the definition of Shapley values, and the same bits whatever rows are explained together.
#include "models/forest/contributions.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "tests/models/forest/shapley.h"

namespace espalier {
namespace {

constexpr uint32_t kFeatures = kShapleyFeatures;

Ensemble OneTree(Tree tree, uint32_t num_features = kFeatures) {
  Ensemble ensemble;
  ensemble.num_features = num_features;
  ensemble.num_iterations = 1;
  ensemble.trees = {std::move(tree)};
  return ensemble;
}

Rows AsRows(const float* values, size_t count, size_t width) {
  return {reinterpret_cast<const std::byte*>(values), count, width * sizeof(float)};
}

// Of all trees; every output starts at 10.
std::vector<float> Explain(const Ensemble& ensemble, const ContributionTrees& trees, const Rows& rows) {
  const std::vector<float> starts(ensemble.num_outputs, 10);
  std::vector<float> out(rows.count * ensemble.num_outputs * (ensemble.num_features + 1));
  ComputeContributions(trees, rows, {0, static_cast<uint32_t>(ensemble.trees.size())}, ensemble.num_features,
                       ensemble.num_outputs, starts, out.data());
  return out;
}

std::vector<float> Explain(const Ensemble& ensemble, const Rows& rows) {
  const absl::StatusOr<AnyNodeTable> table = BuildNodeTable(ensemble);
  EXPECT_TRUE(table.ok()) << table.status();
  return Explain(ensemble, ContributionTrees(*table), rows);
}

class ContributionsTest : public testing::Test {
 protected:
  ~ContributionsTest() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_F(ContributionsTest, AreShapleyValues) {
  uint64_t state = 5;
  for (uint32_t depth = 0; depth <= 7; ++depth) {
    for (int repeat = 0; repeat < 4; ++repeat) {
      const Tree tree = RandomShapleyTree(depth, state);
      float row[kFeatures];
      FillShapleyRow(state, row);
      const std::vector<float> out = Explain(OneTree(tree), AsRows(row, 1, kFeatures));
      const Game game = [&](uint32_t known) { return ExpectedLeaf(tree, row, known); };
      for (uint32_t i = 0; i < kFeatures; ++i) {
        EXPECT_NEAR(out[i], ShapleyValue(game, i), 1e-6) << depth << " " << i;
      }
      EXPECT_NEAR(out[kFeatures], 10 + game(0), 1e-5);
    }
  }
}

TEST_F(ContributionsTest, TreesWithoutCoverStillAddUp) {
  uint64_t state = 6;
  Tree tree = RandomShapleyTree(4, state);
  for (TreeNode& node : tree.nodes) node.cover = 0;
  float row[kFeatures];
  FillShapleyRow(state, row);
  const std::vector<float> out = Explain(OneTree(tree), AsRows(row, 1, kFeatures));
  double sum = 0;
  for (const float value : out) sum += value;
  EXPECT_NEAR(sum, 10 + MixedLeaf(tree, row, row, 0), 1e-5);
}

// Branches that no training row took: the shares of a path are 0.
TEST_F(ContributionsTest, BranchesWithoutTrainingRowsAreExact) {
  uint64_t state = 7;
  for (int repeat = 0; repeat < 20; ++repeat) {
    Tree tree = RandomShapleyTree(5, state);
    for (size_t i = 1; i + 1 < tree.nodes.size(); i += 2) {
      const bool none = i % 3 == 0;
      tree.nodes[i].cover = none ? 0 : 3;
      tree.nodes[i + 1].cover = none ? 5 : 2;
    }
    float row[kFeatures];
    FillShapleyRow(state, row);
    const std::vector<float> out = Explain(OneTree(tree), AsRows(row, 1, kFeatures));
    const Game game = [&](uint32_t known) { return ExpectedLeaf(tree, row, known); };
    for (uint32_t i = 0; i < kFeatures; ++i) EXPECT_NEAR(out[i], ShapleyValue(game, i), 1e-6) << i;
  }
}

TEST_F(ContributionsTest, BitsDependOnNeitherTheOtherRowsNorTheProcessor) {
  uint64_t state = 8;
  const Ensemble ensemble = RandomShapleyEnsemble(8, 2, state);
  const AnyNodeTable table = *BuildNodeTable(ensemble);
  const ContributionTrees trees(table);
  constexpr size_t kRows = 75;
  std::vector<float> rows(kRows * kFeatures);
  for (size_t i = 0; i < kRows; ++i) FillShapleyRow(state, &rows[i * kFeatures]);
  const std::vector<float> first = Explain(ensemble, trees, AsRows(rows.data(), kRows, kFeatures));
  const size_t width = first.size() / kRows;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    for (const size_t together : {1, 3, 33, 75}) {
      for (size_t i = 0; i + together <= kRows; i += together) {
        const std::vector<float> part =
            Explain(ensemble, trees, AsRows(&rows[i * kFeatures], together, kFeatures));
        ASSERT_EQ(std::memcmp(part.data(), &first[i * width], part.size() * sizeof(float)), 0)
            << hwy::TargetName(target) << ", rows from " << i << ", " << together << " together";
      }
    }
  }
}

// More distinct features on a path than are walked at a time have points for.
TEST_F(ContributionsTest, LongPathsAddUp) {
  for (const uint32_t depth : {9u, 17u, 60u, 700u}) {
    Tree tree;
    tree.nodes.resize(2 * size_t{depth} + 1);
    std::vector<float> row(depth);
    float leaf = 1;
    double margin = 0;
    for (uint32_t i = 0; i < depth; ++i) {
      TreeNode& node = tree.nodes[2 * size_t{i}];
      node.left = static_cast<int32_t>(2 * i + 1);
      node.right = static_cast<int32_t>(2 * i + 2);
      node.feature = i;
      node.value = 0;
      tree.nodes[node.left].value = leaf = 1.7f - leaf;
      tree.nodes[node.left].cover = 1;
      tree.nodes[node.right].cover = static_cast<float>(4 + i % 5);
      row[i] = i + 1 == depth ? -1.0f : 1.0f;
      if (i + 1 == depth) margin = tree.nodes[node.left].value;
    }
    const std::vector<float> out = Explain(OneTree(tree, depth), AsRows(row.data(), 1, depth));
    double sum = 0;
    for (const float value : out) sum += value;
    EXPECT_NEAR(sum, 10 + margin, 1e-5) << depth;
  }
}

}  // namespace
}  // namespace espalier
