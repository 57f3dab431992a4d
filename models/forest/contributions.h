// SHAP values: how much each feature moved a row's margin away from the average.
//
// Exact path-dependent TreeSHAP: Lundberg et al., "Consistent Individualized Feature Attribution for Tree
// Ensembles" (2018), algorithm 2; O(leaves * depth^2) a tree. XGBoost computes the same in float32; here it
// is float64, and a node's two branches are weighed by their shares of the children's cover, so that the
// values of a row add up to its margin within the rounding of the results.
#ifndef ESPALIER_MODELS_FOREST_CONTRIBUTIONS_H_
#define ESPALIER_MODELS_FOREST_CONTRIBUTIONS_H_

#include <cstdint>
#include <span>

#include "models/forest/kernel.h"
#include "models/forest/node_table.h"

namespace espalier {

// out[(row * num_outputs + output) * (num_features + 1) + i]: the contribution of feature i, the last one is
// the bias: the start of the row plus the trees' averages. `starts` has the start of each output (one row of
// them), or of each row and output. Thread-safe; allocates.
void ComputeContributions(const AnyNodeTable& table, const Rows& rows, TreeRange trees, uint32_t num_features,
                          uint32_t num_outputs, std::span<const float> starts, float* out);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_CONTRIBUTIONS_H_
