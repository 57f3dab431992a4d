// Contributions against a background, by their definition: all subsets of features, one background row after
// another.
#include "models/forest/background_contributions.h"

#include <cstring>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "tests/models/forest/shapley.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kFeatures = kShapleyFeatures;

std::vector<float> RandomValues(size_t rows, uint64_t& state) {
  std::vector<float> values(rows * kFeatures);
  for (size_t i = 0; i < rows; ++i) FillShapleyRow(state, &values[i * kFeatures]);
  return values;
}

Rows AsRows(const std::vector<float>& values) {
  return {reinterpret_cast<const std::byte*>(values.data()), values.size() / kFeatures,
          kFeatures * sizeof(float)};
}

// The value of a set of features: the mean over the background of the trees that add to `output`.
Game GameOf(const Ensemble& ensemble, uint32_t output, const float* row,
            const std::vector<float>& background) {
  return [&ensemble, output, row, &background](uint32_t known) {
    double sum = 0;
    for (const Tree& tree : ensemble.trees) {
      if (tree.output != output) continue;
      for (size_t i = 0; i < background.size(); i += kFeatures) {
        sum += MixedLeaf(tree, row, &background[i], known);
      }
    }
    return sum * kFeatures / static_cast<double>(background.size());
  };
}

TEST(BackgroundContributionsTest, AreShapleyValues) {
  uint64_t state = 25;
  for (const size_t background_rows : {1, 7, 64, 130}) {
    const Ensemble ensemble = RandomShapleyEnsemble(8, 2, state);
    const AnyNodeTable table = *BuildNodeTable(ensemble);
    const std::vector<float> background = RandomValues(background_rows, state);
    const std::vector<float> rows = RandomValues(3, state);
    const std::vector<float> starts = {10, 20};
    std::vector<float> out(3 * 2 * (kFeatures + 1));
    ComputeBackgroundContributions(ContributionTrees(table), AsRows(rows), AsRows(background), {0, 16},
                                   kFeatures, 2, starts, out.data());
    for (size_t i = 0; i < 6; ++i) {
      const Game game = GameOf(ensemble, i % 2, &rows[i / 2 * kFeatures], background);
      for (uint32_t j = 0; j < kFeatures; ++j) {
        EXPECT_NEAR(out[i * (kFeatures + 1) + j], ShapleyValue(game, j), 4e-6) << background_rows << " " << i;
      }
      EXPECT_NEAR(out[i * (kFeatures + 1) + kFeatures], starts[i % 2] + game(0), 1e-5);
    }
  }
}

TEST(BackgroundContributionsTest, BitsDoNotDependOnTheOtherRows) {
  uint64_t state = 26;
  const Ensemble ensemble = RandomShapleyEnsemble(5, 1, state);
  const AnyNodeTable table = *BuildNodeTable(ensemble);
  const ContributionTrees trees(table);
  const std::vector<float> background = RandomValues(20, state);
  const std::vector<float> rows = RandomValues(300, state);
  const float start = 0;
  std::vector<float> together(300 * (kFeatures + 1));
  ComputeBackgroundContributions(trees, AsRows(rows), AsRows(background), {1, 5}, kFeatures, 1, {&start, 1},
                                 together.data());
  float alone[kFeatures + 1];
  for (const size_t i : {0, 17, 255, 256, 299}) {
    ComputeBackgroundContributions(trees, {AsRows(rows).data + i * kFeatures * sizeof(float), 1, 0},
                                   AsRows(background), {1, 5}, kFeatures, 1, {&start, 1}, alone);
    EXPECT_EQ(std::memcmp(alone, &together[i * (kFeatures + 1)], sizeof(alone)), 0) << i;
  }
}

TEST(BackgroundContributionsTest, EmptyAndTooLargeBackgroundsAreRefused) {
  EXPECT_THAT(std::string(Message(CheckBackground({nullptr, 0, 4}, 1))), HasSubstr("has no rows"));
  EXPECT_TRUE(CheckBackground({nullptr, kMaxBackgroundValues / 8, 32}, 8).ok());
  EXPECT_THAT(std::string(Message(CheckBackground({nullptr, kMaxBackgroundValues / 8 + 1, 32}, 8))),
              HasSubstr("has 2097153 rows, at most 2097152"));
}

}  // namespace
}  // namespace espalier
