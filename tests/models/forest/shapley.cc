#include "tests/models/forest/shapley.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace espalier {
namespace {

double Factorial(uint32_t n) { return n < 2 ? 1 : n * Factorial(n - 1); }

uint32_t Next(uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state >> 40);
}

}  // namespace

double ShapleyValue(const Game& game, uint32_t feature) {
  double value = 0;
  for (uint32_t subset = 0; subset < 1u << kShapleyFeatures; ++subset) {
    if (subset >> feature & 1) continue;
    const auto size = static_cast<uint32_t>(std::popcount(subset));
    const double weight =
        Factorial(size) * Factorial(kShapleyFeatures - size - 1) / Factorial(kShapleyFeatures);
    value += weight * (game(subset | 1u << feature) - game(subset));
  }
  return value;
}

double ShapleyInteraction(const Game& game, uint32_t a, uint32_t b) {
  double value = 0;
  for (uint32_t subset = 0; subset < 1u << kShapleyFeatures; ++subset) {
    if ((subset >> a & 1) || (subset >> b & 1)) continue;
    const auto size = static_cast<uint32_t>(std::popcount(subset));
    const double weight =
        Factorial(size) * Factorial(kShapleyFeatures - size - 2) / Factorial(kShapleyFeatures - 1);
    value +=
        weight / 2 *
        (game(subset | 1u << a | 1u << b) - game(subset | 1u << a) - game(subset | 1u << b) + game(subset));
  }
  return value;
}

Tree RandomShapleyTree(uint32_t depth, uint64_t& state) {
  Tree tree;
  tree.nodes.resize((size_t{2} << depth) - 1);
  const size_t first_leaf = tree.nodes.size() / 2;
  for (size_t i = tree.nodes.size(); i-- > 0;) {
    TreeNode& node = tree.nodes[i];
    node.value = static_cast<float>(Next(state) % 1000) / 500.0f - 1.0f;
    node.cover = static_cast<float>(1 + Next(state) % 50);
    if (i >= first_leaf) continue;
    node.left = static_cast<int32_t>(2 * i + 1);
    node.right = static_cast<int32_t>(2 * i + 2);
    node.feature = Next(state) % kShapleyFeatures;
    node.default_left = Next(state) % 2;
    node.cover = tree.nodes[node.left].cover + tree.nodes[node.right].cover;
    if (node.feature != kShapleyFeatures - 1) continue;
    node.categorical = true;
    node.category_begin = static_cast<uint32_t>(tree.categories.size());
    for (uint32_t category = 0; category < 10; ++category) {
      if (Next(state) % 2) tree.categories.push_back(category);
    }
    node.category_end = static_cast<uint32_t>(tree.categories.size());
  }
  return tree;
}

Ensemble RandomShapleyEnsemble(uint32_t rounds, uint32_t outputs, uint64_t& state) {
  Ensemble ensemble;
  ensemble.objective = outputs == 1 ? "reg:squarederror" : "multi:softprob";
  ensemble.num_features = kShapleyFeatures;
  ensemble.num_outputs = outputs;
  ensemble.num_class = outputs == 1 ? 0 : outputs;
  ensemble.num_iterations = rounds;
  ensemble.base_score = {0.25f};
  for (uint32_t round = 0; round < rounds; ++round) {
    for (uint32_t output = 0; output < outputs; ++output) {
      Tree tree = RandomShapleyTree((round + output) % 8, state);
      tree.iteration = round;
      tree.output = output;
      ensemble.trees.push_back(std::move(tree));
    }
  }
  return ensemble;
}

void FillShapleyRow(uint64_t& state, float* row) {
  for (uint32_t i = 0; i < kShapleyFeatures; ++i) {
    const bool category = i + 1 == kShapleyFeatures;
    row[i] = category ? static_cast<float>(Next(state) % 12)
                      : static_cast<float>(Next(state) % 1000) / 500.0f - 1.0f;
    if (Next(state) % 8 == 0) row[i] = std::nanf("");
  }
}

bool GoesLeft(const Tree& tree, const TreeNode& node, const float* row) {
  const float x = row[node.feature];
  if (std::isnan(x)) return node.default_left;
  if (!node.categorical) return x < node.value;
  const auto begin = tree.categories.begin();
  return std::find(begin + node.category_begin, begin + node.category_end, static_cast<uint32_t>(x)) ==
         begin + node.category_end;
}

double ExpectedLeaf(const Tree& tree, const float* row, uint32_t known, size_t index) {
  const TreeNode& node = tree.nodes[index];
  if (node.left < 0) return double{node.value} * tree.weight;
  if (known >> node.feature & 1) {
    return ExpectedLeaf(tree, row, known, GoesLeft(tree, node, row) ? node.left : node.right);
  }
  const double left = tree.nodes[node.left].cover;
  const double right = tree.nodes[node.right].cover;
  return (left * ExpectedLeaf(tree, row, known, node.left) +
          right * ExpectedLeaf(tree, row, known, node.right)) /
         (left + right);
}

double MixedLeaf(const Tree& tree, const float* row, const float* other, uint32_t known) {
  const TreeNode* node = &tree.nodes[0];
  while (node->left >= 0) {
    const bool left = GoesLeft(tree, *node, known >> node->feature & 1 ? row : other);
    node = &tree.nodes[left ? node->left : node->right];
  }
  return double{node->value} * tree.weight;
}

}  // namespace espalier
