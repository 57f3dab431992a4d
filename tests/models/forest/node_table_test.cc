#include "models/forest/node_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

TreeNode Inner(int32_t left, int32_t right, uint32_t feature, float threshold) {
  TreeNode node;
  node.left = left;
  node.right = right;
  node.feature = feature;
  node.value = threshold;
  return node;
}

TreeNode Leaf(float value) {
  TreeNode node;
  node.value = value;
  return node;
}

Ensemble OneTree(std::vector<TreeNode> nodes) {
  Ensemble ensemble;
  ensemble.num_features = 2;
  ensemble.num_iterations = 1;
  ensemble.trees.resize(1);
  ensemble.trees[0].nodes = std::move(nodes);
  return ensemble;
}

std::string ErrorOf(const Ensemble& ensemble) {
  const absl::StatusOr<AnyNodeTable> table = BuildNodeTable(ensemble);
  if (table.ok()) return "";
  EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(Message(table.status()));
}

TEST(NodeTableTest, RefusesWhatIsNoTree) {
  EXPECT_THAT(ErrorOf(OneTree({})), HasSubstr("tree 0 has no nodes"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(1, 2, 0, 0), Leaf(1)})), HasSubstr("children 1 and 2 of 2 nodes"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(1, -1, 0, 0), Leaf(1)})), HasSubstr("children 1 and -1"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(1, 1, 0, 0), Leaf(1)})), HasSubstr("node 1 is reached twice"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(0, 1, 0, 0), Leaf(1)})), HasSubstr("node 0 is reached twice"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(1, 2, 0, 0), Inner(2, 3, 0, 0), Leaf(1), Leaf(2)})),
              HasSubstr("node 2 is reached twice"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(1, 2, 2, 0), Leaf(1), Leaf(2)})), HasSubstr("asks feature 2"));
  EXPECT_THAT(ErrorOf(OneTree({Inner(1, 2, 0, 0), Leaf(1), Leaf(HUGE_VALF)})),
              HasSubstr("leaf 2 is not finite"));
}

TEST(NodeTableTest, RefusesOutputsAndCategoriesThatAreNotThere) {
  Ensemble ensemble = OneTree({Leaf(1)});
  ensemble.trees[0].output = 1;
  EXPECT_THAT(ErrorOf(ensemble), HasSubstr("adds to output 1"));
  ensemble = OneTree({Inner(1, 2, 0, 0), Leaf(1), Leaf(2)});
  ensemble.trees[0].nodes[0].categorical = true;
  ensemble.trees[0].nodes[0].category_end = 1;
  EXPECT_THAT(ErrorOf(ensemble), HasSubstr("node 0 has categories [0, 1) of 0"));
}

TEST(NodeTableTest, RefusesPathsThatAreTooDeep) {
  std::vector<TreeNode> chain;
  for (int32_t i = 0; i <= static_cast<int32_t>(kMaxTreeDepth); ++i) {
    chain.push_back(Inner(2 * i + 1, 2 * i + 2, 0, 0));
    chain.push_back(Leaf(1));
    // Node 2 i + 1 is the leaf, node 2 i + 2 the next link.
  }
  chain.push_back(Leaf(2));
  EXPECT_THAT(ErrorOf(OneTree(std::move(chain))), HasSubstr("deeper than 1024"));
}

TEST(NodeTableTest, DeletedNodesMayHoldAnything) {
  EXPECT_EQ(ErrorOf(OneTree({Inner(1, 2, 0, 0), Leaf(1), Leaf(2), Inner(77, 78, 99, 0)})), "");
  EXPECT_EQ(ErrorOf(OneTree({Inner(1, 2, 0, 0), Leaf(1), Leaf(2), Leaf(HUGE_VALF)})), "");
}

TEST(NodeTableTest, KeepsTheNumbersOfTheFileWhereItCan) {
  const auto table = BuildNodeTable(OneTree({Inner(1, 2, 0, 0), Leaf(1), Leaf(2)}));
  ASSERT_TRUE(table.ok());
  EXPECT_TRUE(std::get<0>(*table).numbers.empty());
  EXPECT_EQ(std::get<0>(*table).max_depth, 1u);
}

TEST(NodeTableTest, ReordersChildrenThatAreNoNeighbours) {
  Ensemble ensemble = OneTree({Inner(1, 2, 0, 0), Leaf(1), Leaf(2)});
  ensemble.trees.push_back(ensemble.trees[0]);
  // The root's children are 4 and 1; 1 has 3 and 2.
  ensemble.trees[1].nodes = {Inner(4, 1, 0, 1.5f), Inner(3, 2, 1, 2.5f), Leaf(20), Leaf(30), Leaf(40)};
  const auto any = BuildNodeTable(ensemble);
  ASSERT_TRUE(any.ok());
  const NodeTable<PackedNode>& table = std::get<0>(*any);
  const uint32_t root = table.roots[1];
  EXPECT_EQ(root, 4u);
  EXPECT_THAT(table.numbers, testing::ElementsAre(0, 0, 1, 2, 0, 4, 1, 3, 2));
  EXPECT_EQ(LeafWeight(table.nodes[root + 1]), 40);
  EXPECT_EQ(LeafWeight(table.nodes[root + 3]), 30);
  EXPECT_EQ(table.nodes[root].right(), 2u);
  EXPECT_EQ(table.nodes[root + 2].right(), 2u);
  EXPECT_EQ(table.NumberInFile(root, root + 3), 3);
}

TEST(NodeTableTest, TreesOfManyNodesAndManyFeaturesTakeWideNodes) {
  // Every inner node's children are the next two free ones.
  const auto complete = [](int32_t inner, uint32_t features) {
    std::vector<TreeNode> nodes;
    for (int32_t i = 0; i < inner; ++i) {
      nodes.push_back(Inner(2 * i + 1, 2 * i + 2, static_cast<uint32_t>(i) % features, 0));
    }
    nodes.resize(nodes.size() + static_cast<size_t>(inner) + 1);
    Ensemble ensemble = OneTree(std::move(nodes));
    ensemble.num_features = features;
    return ensemble;
  };
  EXPECT_EQ(BuildNodeTable(complete(32'767, 2))->index(), 0u);
  EXPECT_EQ(BuildNodeTable(complete(32'768, 2))->index(), 1u);
  EXPECT_EQ(BuildNodeTable(complete(32'767, 32'767))->index(), 0u);
  Ensemble two_trees = complete(32'767, 40'000);
  two_trees.trees.push_back(two_trees.trees[0]);
  for (TreeNode& node : two_trees.trees[1].nodes) node.feature = 39'999 - node.feature;
  EXPECT_EQ(BuildNodeTable(two_trees)->index(), 1u);
}

TEST(NodeTableTest, LeafVectorsAreTakenWithTheWeightOfTheirTree) {
  Ensemble ensemble = OneTree({Inner(1, 2, 0, 0.5f), Leaf(0), Leaf(0)});
  ensemble.num_outputs = 2;
  ensemble.trees[0].nodes[1].feature = 1;
  ensemble.trees[0].leaf_vectors = {1, 2, 3, 4};
  ensemble.trees.push_back(ensemble.trees[0]);
  ensemble.trees[1].weight = 0.5f;
  const auto table = std::get<NodeTable<PackedNode>>(*BuildNodeTable(ensemble));
  EXPECT_THAT(table.leaf_vectors, testing::ElementsAre(1, 2, 3, 4, 0.5f, 1, 1.5f, 2));
  EXPECT_EQ(table.nodes[table.roots[0] + 1].key, 1u);
  EXPECT_EQ(table.nodes[table.roots[1] + 1].key, 3u);
  EXPECT_EQ(table.nodes[table.roots[1] + 2].key, 2u);
  ensemble.trees[0].nodes[2].feature = 2;
  EXPECT_THAT(ErrorOf(ensemble), HasSubstr("leaf 2 has vector 2 of 2"));
  ensemble.trees[0].leaf_vectors.clear();
  EXPECT_THAT(ErrorOf(ensemble), HasSubstr("tree 1: all trees must have whole leaf vectors, or none"));
}

}  // namespace
}  // namespace espalier
