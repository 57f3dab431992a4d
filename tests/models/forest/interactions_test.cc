// Interactions against their definition, by enumerating all subsets of features.
#include "models/forest/interactions.h"

#include <vector>

#include "gtest/gtest.h"
#include "models/forest/contributions.h"
#include "tests/models/forest/shapley.h"

namespace espalier {
namespace {

constexpr uint32_t kColumns = kShapleyFeatures + 1;

TEST(InteractionsTest, AreShapleyInteractions) {
  uint64_t state = 15;
  for (uint32_t depth = 0; depth <= 7; ++depth) {
    Ensemble ensemble;
    ensemble.num_features = kShapleyFeatures;
    ensemble.num_iterations = 1;
    ensemble.trees = {RandomShapleyTree(depth, state)};
    // A branch that no training row took.
    if (depth > 1) ensemble.trees[0].nodes[3].cover = 0;
    const AnyNodeTable table = *BuildNodeTable(ensemble);
    float row[kShapleyFeatures];
    FillShapleyRow(state, row);
    const float start = 10;
    float out[kColumns * kColumns];
    ComputeInteractions(ContributionTrees(table), {reinterpret_cast<const std::byte*>(row), 1, sizeof(row)},
                        {0, 1}, kShapleyFeatures, 1, {&start, 1}, out);
    const Game game = [&](uint32_t known) { return ExpectedLeaf(ensemble.trees[0], row, known); };
    for (uint32_t i = 0; i < kShapleyFeatures; ++i) {
      double sum = 0;
      for (uint32_t j = 0; j < kShapleyFeatures; ++j) {
        sum += out[i * kColumns + j];
        EXPECT_EQ(out[i * kColumns + j], out[j * kColumns + i]);
        if (i == j) continue;
        EXPECT_NEAR(out[i * kColumns + j], ShapleyInteraction(game, i, j), 1e-6) << depth << i << j;
      }
      EXPECT_NEAR(sum, ShapleyValue(game, i), 1e-6) << depth << " " << i;
      EXPECT_EQ(out[i * kColumns + kShapleyFeatures], 0);
      EXPECT_EQ(out[kShapleyFeatures * kColumns + i], 0);
    }
    EXPECT_NEAR(out[kColumns * kColumns - 1], 10 + game(0), 1e-5);
  }
}

TEST(InteractionsTest, RowsAddUpToTheContributions) {
  uint64_t state = 16;
  const Ensemble ensemble = RandomShapleyEnsemble(12, 2, state);
  const AnyNodeTable table = *BuildNodeTable(ensemble);
  const ContributionTrees trees(table);
  constexpr size_t kRows = 20;
  std::vector<float> values(kRows * kShapleyFeatures);
  for (size_t i = 0; i < kRows; ++i) FillShapleyRow(state, &values[i * kShapleyFeatures]);
  const Rows rows = {reinterpret_cast<const std::byte*>(values.data()), kRows,
                     kShapleyFeatures * sizeof(float)};
  std::vector<float> starts(kRows * 2);
  for (size_t i = 0; i < starts.size(); ++i) starts[i] = static_cast<float>(i);
  std::vector<float> contributions(kRows * 2 * kColumns);
  std::vector<float> interactions(contributions.size() * kColumns);
  ComputeContributions(trees, rows, {2, 20}, kShapleyFeatures, 2, starts, contributions.data());
  ComputeInteractions(trees, rows, {2, 20}, kShapleyFeatures, 2, starts, interactions.data());
  for (size_t i = 0; i < contributions.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < kColumns; ++j) sum += interactions[i * kColumns + j];
    EXPECT_NEAR(sum, contributions[i], 4e-6) << i;
  }
}

}  // namespace
}  // namespace espalier
