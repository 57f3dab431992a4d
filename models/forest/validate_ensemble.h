// Is an Ensemble what everything after the reader may rely on?
//
// A walker of trees asks no questions: it follows children until it meets a leaf. So that this ends, and ends
// inside the arrays, each tree must be a tree. Forest::Compile and the kernels rely on the promises below.
//
// What holds for an ensemble that passed:
//   - 1 <= num_features, num_outputs; base_score has one finite value, or one an output;
//   - feature_names and feature_kinds are empty or have one entry a feature; names are distinct UTF-8;
//   - category_names is empty or has one list a feature, distinct ones (the reader checks that);
//   - a linear model has no trees, and a finite weight for each feature (and the bias) and output; any other
//   has
//     no such weights;
//   - trees come in the order of their iterations; Tree::output < num_outputs, Tree::iteration <
//     num_iterations, Tree::weight is finite;
//   - from nodes[0] each node is reached at most once, by a path of at most max_path_depth splits; a reached
//     node has two children or none; its feature is < num_features; a leaf's value is finite and a
//     threshold is not NaN (it may be infinite);
//   - of the float64 dialects a tree has a threshold and a cover a node, and a reached leaf names leaf_width
//     finite ones of Tree::leaves; base_margins is empty or has a finite one an output;
//   - all trees have leaf vectors or none; then a reached leaf names one of num_outputs finite values;
//   - a reached categorical split has a non-empty, ascending list of distinct categories inside
//     Tree::categories, each below kMaxCategory; together these lists are no longer than Tree::categories.
// Nodes that are not reached (the file marked them as deleted) may hold anything.
#ifndef ESPALIER_MODELS_FOREST_VALIDATE_ENSEMBLE_H_
#define ESPALIER_MODELS_FOREST_VALIDATE_ENSEMBLE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "models/forest/ensemble.h"
#include "models/forest/read_ensemble.h"

namespace espalier {

// Categories are exact in a float32 below this, which is also where XGBoost stops.
inline constexpr uint32_t kMaxCategory = 1u << 24;

// INVALID_ARGUMENT for the first promise that does not hold: "tree 3, node 17, split_indices 99: must be <
// num_feature 40". Allocates no more than a few bytes a node. Pure; thread-safe.
absl::Status ValidateEnsemble(const Ensemble& ensemble, const ReadLimits& limits = {});

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_VALIDATE_ENSEMBLE_H_
