// SHAP values: how much each feature moved a row's margin away from the average.
//
// Exact path-dependent TreeSHAP as Lundberg et al. define it ("Consistent Individualized Feature Attribution
// for Tree Ensembles", 2018), computed as contribution_trees.h says: two passes over a tree for each
// quadrature point, O(leaves * depth) in place of that paper's O(leaves * depth^2), with many rows, or the
// points of one row, in the lanes of vectors. XGBoost computes the same in float32; here it is float64, and a
// node's two branches are weighed by their shares of the children's cover, so that the values of a row add up
// to its margin within the rounding of the results.
#ifndef ESPALIER_MODELS_FOREST_CONTRIBUTIONS_H_
#define ESPALIER_MODELS_FOREST_CONTRIBUTIONS_H_

#include <cstdint>
#include <span>

#include "models/forest/contribution_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// out[(row * num_outputs + output) * (num_features + 1) + i]: the contribution of feature i, the last one is
// the bias: the start of the row plus the trees' averages. `starts` has the start of each output (one row of
// them), or of each row and output. The bits of a row depend neither on the other rows nor on the processor.
// Thread-safe; allocates.
void ComputeContributions(const ContributionTrees& trees, const Rows& rows, TreeRange range,
                          uint32_t num_features, uint32_t num_outputs, std::span<const float> starts,
                          float* out);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_CONTRIBUTIONS_H_
