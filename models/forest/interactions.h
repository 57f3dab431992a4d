// SHAP interaction values: a row's contributions, split up among pairs of features.
//
// As Lundberg et al. define them ("Consistent Individualized Feature Attribution for Tree Ensembles", 2018,
// section 4.2) and XGBoost's pred_interactions has them: each of (i, j) and (j, i) is half of the Shapley
// interaction index of the two, and (i, i) is what they leave of the contribution of i. In the terms of
// contribution_trees.h the index is the integral of F's derivative by two features' probabilities: one walk
// of a tree, in which a question meets each feature of its path, O(leaves * depth^2). XGBoost explains the
// row anew for every feature of the model.
#ifndef ESPALIER_MODELS_FOREST_INTERACTIONS_H_
#define ESPALIER_MODELS_FOREST_INTERACTIONS_H_

#include <cstdint>
#include <span>

#include "models/forest/contribution_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// out[((row * num_outputs + output) * (num_features + 1) + i) * (num_features + 1) + j]: the interaction of
// features i and j, symmetric; the sum over j is the contribution of i. The bias is the last of the diagonal
// and interacts with nothing. `starts` is as ComputeContributions() has it. Thread-safe; allocates.
void ComputeInteractions(const ContributionTrees& trees, const Rows& rows, TreeRange range,
                         uint32_t num_features, uint32_t num_outputs, std::span<const float> starts,
                         float* out);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_INTERACTIONS_H_
