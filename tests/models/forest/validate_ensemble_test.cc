#include "models/forest/validate_ensemble.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

TreeNode Split(int32_t left, int32_t right, uint32_t feature) {
  TreeNode node;
  node.left = left;
  node.right = right;
  node.feature = feature;
  node.value = 0.5f;
  return node;
}

TreeNode Leaf(float value) {
  TreeNode node;
  node.value = value;
  return node;
}

// Two features; one tree: a split of feature 1, then a leaf and a categorical split of feature 0.
Ensemble Valid() {
  Ensemble ensemble;
  ensemble.objective = "reg:squarederror";
  ensemble.num_features = 2;
  ensemble.num_iterations = 1;
  ensemble.base_score = {0.5f};
  Tree& tree = ensemble.trees.emplace_back();
  tree.nodes = {Split(1, 2, 1), Leaf(1), Split(3, 4, 0), Leaf(2), Leaf(3)};
  tree.nodes[2].categorical = true;
  tree.nodes[2].category_end = 2;
  tree.categories = {1, 5};
  return ensemble;
}

std::string Refusal(const Ensemble& ensemble, const ReadLimits& limits = {}) {
  const absl::Status status = ValidateEnsemble(ensemble, limits);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(Message(status));
}

// What is said about the valid ensemble after `change`.
template <typename Change>
std::string RefusalAfter(Change change) {
  Ensemble ensemble = Valid();
  change(ensemble);
  return Refusal(ensemble);
}

template <typename Change>
std::string RefusalOfNodes(Change change) {
  return RefusalAfter([&](Ensemble& ensemble) { change(ensemble.trees[0].nodes); });
}

using Nodes = std::vector<TreeNode>;

// `depth` splits, one below the other.
Ensemble Chain(uint32_t depth) {
  Ensemble ensemble = Valid();
  Nodes nodes;
  for (uint32_t i = 0; i < depth; ++i) {
    const auto at = static_cast<int32_t>(nodes.size());
    nodes.push_back(Split(at + 1, at + 2, 0));
    nodes.push_back(Leaf(1));
  }
  nodes.push_back(Leaf(1));
  ensemble.trees[0].nodes = nodes;
  return ensemble;
}

TEST(ValidateEnsembleTest, AcceptsATree) {
  EXPECT_TRUE(ValidateEnsemble(Valid()).ok()) << ValidateEnsemble(Valid());
  Ensemble one_leaf = Valid();
  one_leaf.trees[0].nodes = {Leaf(1)};
  EXPECT_TRUE(ValidateEnsemble(one_leaf).ok());
  Ensemble no_trees = Valid();
  no_trees.trees.clear();
  EXPECT_TRUE(ValidateEnsemble(no_trees).ok());
}

TEST(ValidateEnsembleTest, AcceptsAnythingInNodesThatAreNotReached) {
  Ensemble ensemble = Valid();
  ensemble.trees[0].nodes.push_back(Split(99, 0, 99));
  ensemble.trees[0].nodes.push_back(Leaf(NAN));
  EXPECT_TRUE(ValidateEnsemble(ensemble).ok());
}

TEST(ValidateEnsembleTest, AcceptsInfiniteThresholds) {
  Ensemble ensemble = Valid();
  ensemble.trees[0].nodes[0].value = -INFINITY;
  EXPECT_TRUE(ValidateEnsemble(ensemble).ok());
}

TEST(ValidateEnsembleTest, RefusesCyclesAndSharedNodes) {
  EXPECT_EQ(RefusalOfNodes([](Nodes& nodes) { nodes[2].left = 0; }),
            "tree 0, node 2, left_children 0: leads to a node that was reached before");
  EXPECT_EQ(RefusalOfNodes([](Nodes& nodes) { nodes[2].right = 2; }),
            "tree 0, node 2, right_children 2: leads to a node that was reached before");
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[2].right = 3; }), HasSubstr("reached before"));
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[2].right = 1; }), HasSubstr("reached before"));
}

TEST(ValidateEnsembleTest, RefusesChildrenOutOfRange) {
  EXPECT_EQ(RefusalOfNodes([](Nodes& nodes) { nodes[0].right = 5; }),
            "tree 0, node 0, right_children 5: must be 0 to 4, or -1 for both children of a leaf");
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[0].left = -2; }),
              HasSubstr("left_children -2: must be"));
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[0].left = -1; }),
              HasSubstr("left_children -1: must be"));
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[0].right = INT32_MAX; }), HasSubstr("must be 0 to 4"));
}

TEST(ValidateEnsembleTest, RefusesFeaturesAndNumbersOutOfRange) {
  EXPECT_EQ(RefusalOfNodes([](Nodes& nodes) { nodes[0].feature = 2; }),
            "tree 0, node 0, split_indices 2: must be < num_feature 2");
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[0].value = NAN; }), HasSubstr("split_conditions NaN"));
  EXPECT_EQ(RefusalOfNodes([](Nodes& nodes) { nodes[4].value = INFINITY; }),
            "tree 0, node 4, leaf inf: must be finite");
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[4].value = NAN; }),
              HasSubstr("leaf nan: must be finite"));
}

TEST(ValidateEnsembleTest, RefusesCategoriesOutOfBounds) {
  EXPECT_EQ(RefusalOfNodes([](Nodes& nodes) { nodes[2].category_end = 3; }),
            "tree 0, node 2, categories [0, 3): must be a non-empty segment of the 2 categories of the tree");
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes[2].category_begin = 2; }),
              HasSubstr("[2, 2): must be"));
  EXPECT_THAT(RefusalAfter([](Ensemble& ensemble) { ensemble.trees[0].categories[1] = kMaxCategory; }),
              HasSubstr("category 16777216: must be < 16777216"));
  EXPECT_THAT(RefusalAfter([](Ensemble& ensemble) { ensemble.trees[0].categories[1] = 1; }),
              HasSubstr("category 1: must be greater"));
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) {
                nodes[0].categorical = true;
                nodes[0].category_end = 2;
              }),
              HasSubstr("must not overlap"));
}

TEST(ValidateEnsembleTest, BoundsDepthNodesAndTrees) {
  EXPECT_TRUE(ValidateEnsemble(Chain(512)).ok());
  EXPECT_EQ(Refusal(Chain(513)), "tree 0, node 1024, is deeper than 512 splits");
  ReadLimits limits;
  limits.max_nodes_per_tree = 4;
  EXPECT_EQ(Refusal(Valid(), limits), "tree 0, num_nodes 5: must be 1 to 4");
  EXPECT_THAT(RefusalOfNodes([](Nodes& nodes) { nodes.clear(); }), HasSubstr("num_nodes 0: must be 1 to"));
  limits.max_trees = 0;
  EXPECT_EQ(Refusal(Valid(), limits), "num_trees 1: must be <= 0");
}

TEST(ValidateEnsembleTest, RefusesContradictionsOfTheModel) {
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.num_features = 0; }),
              HasSubstr("num_feature 0: must be 1 to"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.num_features = 2'000'000; }),
              HasSubstr("must be 1 to 1048576"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.num_outputs = 100'000; }), HasSubstr("must be 1 to 65536"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.base_score.clear(); }), HasSubstr("base_score has 0 values"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.base_score = {NAN}; }),
              HasSubstr("base_score nan: must be finite"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.objective.clear(); }), HasSubstr("objective: must be named"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.best_iteration = 1; }),
              HasSubstr("best_iteration 1: must be < the 1"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.trees[0].output = 1; }),
              HasSubstr("tree 0, tree_info 1: must be < the 1"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.trees[0].iteration = 1; }),
              HasSubstr("iteration 1: must be < 1"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.trees[0].weight = NAN; }), HasSubstr("weight_drop nan"));
  EXPECT_THAT(RefusalAfter([](Ensemble& e) {
                e.num_iterations = 2;
                e.trees.push_back(e.trees[0]);
                e.trees[0].iteration = 1;
              }),
              HasSubstr("tree 1, iteration 0: must not be before"));
}

TEST(ValidateEnsembleTest, RefusesNamesThatCouldNotBeSent) {
  const auto names = [](std::vector<std::string> names) {
    return RefusalAfter([&](Ensemble& ensemble) { ensemble.feature_names = names; });
  };
  EXPECT_EQ(names({"a"}), "feature_names has 1 entries: must be num_feature 2");
  EXPECT_EQ(names({"a", "a"}), "feature_names[1] \"a\": must differ from all others");
  EXPECT_EQ(names({"a", std::string(257, 'b')}), "feature_names[1] has 257 bytes: at most 256 are allowed");
  for (const char* text : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf0\x80\x80\x80",
                           "\xe0\x80\x80", "\xf4\x90\x80\x80", "a\x80"}) {
    EXPECT_EQ(names({"a", text}), "feature_names[1]: must be UTF-8");
  }
  Ensemble ensemble = Valid();
  ensemble.feature_names = {"größe €", "🌳"};
  EXPECT_TRUE(ValidateEnsemble(ensemble).ok());
  EXPECT_THAT(RefusalAfter([](Ensemble& e) { e.feature_kinds.resize(3); }), HasSubstr("feature_types has 3"));
}

}  // namespace
}  // namespace espalier
