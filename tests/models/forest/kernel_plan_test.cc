// Which kernel is chosen where the difference is large.
#include "models/forest/kernel_plan.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/forest/forest.h"

namespace espalier {
namespace {

using testing::HasSubstr;

// `count` perfect trees of depth 6 over 40 features.
Ensemble FullForest(uint32_t count) {
  constexpr uint32_t kInner = 63;
  Ensemble ensemble;
  ensemble.objective = "reg:squarederror";
  ensemble.num_features = 40;
  ensemble.num_iterations = count;
  ensemble.base_score = {0.5f};
  for (uint32_t i = 0; i < count; ++i) {
    Tree tree;
    tree.iteration = i;
    tree.nodes.resize(2 * kInner + 1);
    for (uint32_t node = 0; node < kInner; ++node) {
      tree.nodes[node].left = static_cast<int32_t>(2 * node + 1);
      tree.nodes[node].right = static_cast<int32_t>(2 * node + 2);
      tree.nodes[node].feature = (i * kInner + node) % ensemble.num_features;
      tree.nodes[node].value = static_cast<float>((i + node) % 30);
    }
    ensemble.trees.push_back(std::move(tree));
  }
  return ensemble;
}

TEST(KernelPlanTest, BatchesOfAFullForestAreSliced) {
  const auto forest = Forest::Compile(FullForest(200));
  ASSERT_TRUE(forest.ok());
  EXPECT_THAT(std::string((*forest)->kernel()), HasSubstr("; bit_slicer from "));
}

}  // namespace
}  // namespace espalier
