// Shapley values by their definition, over all subsets of a few features, and small trees to explain.
#ifndef ESPALIER_TESTS_MODELS_FOREST_SHAPLEY_H_
#define ESPALIER_TESTS_MODELS_FOREST_SHAPLEY_H_

#include <cstdint>
#include <functional>

#include "models/forest/ensemble.h"

namespace espalier {

inline constexpr uint32_t kShapleyFeatures = 5;

// The value of a game in which the features of a set (a bit each) take part.
using Game = std::function<double(uint32_t known)>;

double ShapleyValue(const Game& game, uint32_t feature);
// Half of the Shapley interaction index, which is what either of (a, b) and (b, a) gets; a != b.
double ShapleyInteraction(const Game& game, uint32_t a, uint32_t b);

// A full tree of the given depth that asks random features, some of them twice on a path; the last feature by
// categories 0 to 9.
Tree RandomShapleyTree(uint32_t depth, uint64_t& state);
// One tree a round and output, of different depths.
Ensemble RandomShapleyEnsemble(uint32_t rounds, uint32_t outputs, uint64_t& state);
// kShapleyFeatures values, some missing, the last a category.
void FillShapleyRow(uint64_t& state, float* row);

bool GoesLeft(const Tree& tree, const TreeNode& node, const float* row);
// The expected leaf when only the features in `known` are known and the others go the ways of the training
// rows.
double ExpectedLeaf(const Tree& tree, const float* row, uint32_t known, size_t node = 0);
// The leaf of a row that has the known features of `row` and all others of `other`.
double MixedLeaf(const Tree& tree, const float* row, const float* other, uint32_t known);

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_SHAPLEY_H_
