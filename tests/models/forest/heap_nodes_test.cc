// What is left of the nodes in heaps and notes is all that a table of nodes needs.
#include "models/forest/heap_nodes.h"

#include <thread>

#include "gtest/gtest.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

using Table = NodeTable<PackedNode>;

// Expects that the nodes below both are the same, whatever their order in the tables.
void ExpectSameNodes(const Table& a, uint32_t root_a, uint32_t node_a, const Table& b, uint32_t root_b,
                     uint32_t node_b) {
  const PackedNode& x = a.nodes[node_a];
  const PackedNode& y = b.nodes[node_b];
  ASSERT_EQ(IsLeaf(x), IsLeaf(y));
  EXPECT_EQ(a.NumberInFile(root_a, node_a), b.NumberInFile(root_b, node_b));
  if (IsLeaf(x)) {
    EXPECT_EQ(x.key, y.key);
    return;
  }
  ASSERT_EQ(x.slot(), y.slot());
  if (x.slot() < a.layout.first_category_slot()) {
    EXPECT_EQ(x.key, y.key);
  } else {
    for (const uint32_t value :
         {0u, 1u, 2u, 3u, 5u, 7u, 11u, 31u, 32u, 100u, kNoCategory, kMissingCategoryGoesRight}) {
      EXPECT_EQ(a.categories.GoesLeft(x.key, value), b.categories.GoesLeft(y.key, value)) << value;
    }
  }
  const uint32_t left_a = node_a + x.right() - 1;
  const uint32_t left_b = node_b + y.right() - 1;
  EXPECT_EQ(a.LeftShare(left_a), b.LeftShare(left_b));
  ExpectSameNodes(a, root_a, left_a, b, root_b, left_b);
  ExpectSameNodes(a, root_a, left_a + 1, b, root_b, left_b + 1);
}

class HeapNodesTest : public testing::TestWithParam<const char*> {};

TEST_P(HeapNodesTest, AreThoseOfTheFile) {
  const absl::StatusOr<Ensemble> ensemble = ReadEnsembleFile(FindGoldenModel("3.2.0", GetParam()).files[0]);
  ASSERT_TRUE(ensemble.ok());
  const std::optional<HeapTrees> heaps = HeapTrees::Build(*ensemble);
  ASSERT_TRUE(heaps.has_value());
  const auto expected = std::get<Table>(*BuildNodeTable(*ensemble));
  const auto ours = std::get<Table>(ToNodeTable(*heaps, ensemble->num_features, ensemble->num_outputs));
  EXPECT_EQ(ours.max_depth, expected.max_depth);
  EXPECT_EQ(heaps->max_depth, expected.max_depth);
  EXPECT_EQ(ours.outputs, expected.outputs);
  EXPECT_EQ(ours.depths, expected.depths);
  EXPECT_EQ(ours.layout.num_slots(), expected.layout.num_slots());
  ASSERT_EQ(ours.roots.size(), expected.roots.size());
  for (size_t tree = 0; tree < ours.roots.size(); ++tree) {
    SCOPED_TRACE(tree);
    const uint32_t ours_root = ours.roots[tree];
    const uint32_t root = expected.roots[tree];
    ExpectSameNodes(ours, ours_root, ours_root, expected, root, root);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, HeapNodesTest,
                         testing::Values("binary_logistic", "multi_softprob", "random_forest", "dart", "deep",
                                         "lossguide", "best_iteration", "categorical_onehot",
                                         "categorical_partition", "stumps_and_leaves"));

TEST(HeapNodesTest, AreLaidOutOnceByWhoeverAsksFirst) {
  const absl::StatusOr<Ensemble> ensemble =
      ReadEnsembleFile(FindGoldenModel("3.2.0", "binary_logistic").files[0]);
  ASSERT_TRUE(ensemble.ok());
  const std::optional<HeapTrees> heaps = HeapTrees::Build(*ensemble);
  ASSERT_TRUE(heaps.has_value());
  const HeapNodes nodes(*heaps, ensemble->num_features, ensemble->num_outputs);
  EXPECT_EQ(nodes.MemoryBytes(), 0u);
  const WalkedNodes* seen[4] = {};
  std::vector<std::thread> threads;
  for (const WalkedNodes*& mine : seen) {
    threads.emplace_back([&nodes, &mine] { mine = &nodes.Get(); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const WalkedNodes* mine : seen) EXPECT_EQ(mine, &nodes.Get());
  EXPECT_EQ(nodes.MemoryBytes(), nodes.Get().MemoryBytes());
}

}  // namespace
}  // namespace espalier
