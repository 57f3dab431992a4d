#include "models/forest/interleaved_walker.h"

#include "gtest/gtest.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

// What a kernel says of the golden rows, over a range of trees.
struct Walked {
  std::vector<float> margins;
  std::vector<int32_t> leaves;
};

Walked Walk(const AnyNodeTable& table, uint32_t num_outputs, const std::vector<float>& values,
            TreeRange trees) {
  const Rows rows{reinterpret_cast<const std::byte*>(values.data()), values.size() / kGoldenFeatures,
                  kGoldenFeatures * sizeof(float)};
  const std::unique_ptr<const LeafKernel> kernel = MakeInterleavedWalker(table, num_outputs);
  Walked walked;
  walked.margins.assign(rows.count * num_outputs, 0.25f);
  walked.leaves.resize(rows.count * (trees.end - trees.begin));
  kernel->AddMargins(rows, trees, walked.margins.data());
  kernel->FindLeaves(rows, trees, walked.leaves.data());
  return walked;
}

// Walks a tree as the file has it, one node after the other.
uint32_t FindLeaf(const Tree& tree, const float* row) {
  uint32_t at = 0;
  while (tree.nodes[at].left >= 0) {
    const TreeNode& node = tree.nodes[at];
    const float x = row[node.feature];
    bool left = x < node.value;
    if (node.categorical) {
      left = true;
      for (uint32_t i = node.category_begin; i < node.category_end; ++i) {
        left &= !(x >= 0 && static_cast<uint32_t>(x) == tree.categories[i]);
      }
    }
    if (x != x) left = node.default_left;
    at = static_cast<uint32_t>(left ? node.left : node.right);
  }
  return at;
}

class InterleavedWalkerTest : public testing::TestWithParam<const char*> {};

TEST_P(InterleavedWalkerTest, AddsTheLeavesOfAnyRangeInOrder) {
  const absl::StatusOr<Ensemble> ensemble = ReadEnsembleFile(FindGoldenModel("3.2.0", GetParam()).files[0]);
  ASSERT_TRUE(ensemble.ok());
  const absl::StatusOr<AnyNodeTable> packed = BuildNodeTable(*ensemble);
  const absl::StatusOr<AnyNodeTable> wide = BuildNodeTable(*ensemble, NodeFormat::kWide);
  ASSERT_EQ(packed->index(), 0u);
  ASSERT_EQ(wide->index(), 1u);
  const std::vector<float> values = GoldenRows();
  const size_t rows = values.size() / kGoldenFeatures;
  const auto count = static_cast<uint32_t>(ensemble->trees.size());
  for (const TreeRange range : {TreeRange{0, count}, {0, 1}, {1, count}, {count / 2, count}, {1, 1}}) {
    Walked expected;
    expected.margins.assign(rows * ensemble->num_outputs, 0.25f);
    for (size_t i = 0; i < rows; ++i) {
      for (uint32_t t = range.begin; t < range.end; ++t) {
        const Tree& tree = ensemble->trees[t];
        const uint32_t leaf = FindLeaf(tree, &values[i * kGoldenFeatures]);
        expected.leaves.push_back(static_cast<int32_t>(leaf));
        expected.margins[i * ensemble->num_outputs + tree.output] += tree.nodes[leaf].value * tree.weight;
      }
    }
    for (const AnyNodeTable* table : {&*packed, &*wide}) {
      const Walked walked = Walk(*table, ensemble->num_outputs, values, range);
      EXPECT_EQ(walked.margins, expected.margins) << range.begin << " " << range.end;
      EXPECT_EQ(walked.leaves, expected.leaves) << range.begin << " " << range.end;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, InterleavedWalkerTest,
                         testing::Values("binary_logistic", "multi_softprob", "random_forest", "dart", "deep",
                                         "lossguide", "best_iteration", "categorical_onehot",
                                         "categorical_partition", "stumps_and_leaves"));

}  // namespace
}  // namespace espalier
