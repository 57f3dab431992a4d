#include "models/forest/contribution_trees.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/models/forest/shapley.h"

namespace espalier {
namespace {

// Feature 0 at the root and again on its right, feature 2 on its left.
Ensemble ThreeQuestions() {
  Tree tree;
  tree.nodes.resize(7);
  const uint32_t features[] = {0, 2, 0};
  for (uint32_t i = 0; i < 3; ++i) {
    tree.nodes[i].left = static_cast<int32_t>(2 * i + 1);
    tree.nodes[i].right = static_cast<int32_t>(2 * i + 2);
    tree.nodes[i].feature = features[i];
  }
  const float covers[] = {8, 2, 6, 1, 1, 3, 3};
  for (uint32_t i = 0; i < 7; ++i) tree.nodes[i].cover = covers[i];
  for (uint32_t i = 3; i < 7; ++i) tree.nodes[i].value = static_cast<float>(i);
  Ensemble ensemble;
  ensemble.num_features = 3;
  ensemble.num_iterations = 1;
  ensemble.trees = {tree};
  return ensemble;
}

TEST(ContributionTreesTest, QuestionsKnowEarlierOnesAboutTheirFeature) {
  const AnyNodeTable table = *BuildNodeTable(ThreeQuestions());
  const ContributionTrees trees(table);
  const ContributionTrees::Tree& tree = trees.tree(0);
  EXPECT_EQ(tree.num_questions, 3u);
  EXPECT_EQ(tree.path_features, 2u);
  EXPECT_EQ(trees.PointsOf(tree).size(), 1u);
  EXPECT_EQ(trees.PointsOf(tree)[0].count, 1u);
  EXPECT_DOUBLE_EQ(tree.average, (3.0 + 4 + 3 * 5 + 3 * 6) / 8);
  EXPECT_EQ(trees.features(), (std::vector<uint32_t>{0, 2}));
  const ContributionTrees::Question* questions = trees.questions(tree);
  EXPECT_TRUE(questions[0].asked_again);
  EXPECT_EQ(questions[0].earlier, ContributionTrees::kFirst);
  EXPECT_FLOAT_EQ(static_cast<float>(questions[0].share), 0.25f);
  EXPECT_EQ(questions[1].place, 1u);
  EXPECT_EQ(questions[1].earlier, ContributionTrees::kFirst);
  EXPECT_EQ(questions[2].earlier, 0u);
  EXPECT_FLOAT_EQ(static_cast<float>(questions[2].earlier_share), 0.75f);
  EXPECT_FALSE(questions[2].asked_again);
  EXPECT_EQ(trees.leaves(tree)[~questions[2].right], 6);
}

TEST(ContributionTreesTest, AreMadeOnceForAllThreads) {
  uint64_t state = 1;
  const AnyNodeTable table = *BuildNodeTable(RandomShapleyEnsemble(20, 1, state));
  const LazyContributionTrees lazy;
  EXPECT_EQ(lazy.MemoryBytes(), 0u);
  std::vector<const ContributionTrees*> made(4);
  std::vector<std::thread> threads;
  threads.reserve(made.size());
  for (const ContributionTrees*& trees : made) threads.emplace_back([&] { trees = &lazy.Get(table); });
  for (std::thread& thread : threads) thread.join();
  for (const ContributionTrees* trees : made) EXPECT_EQ(trees, made[0]);
  EXPECT_EQ(lazy.MemoryBytes(), made[0]->MemoryBytes());
}

}  // namespace
}  // namespace espalier
