// SHAP values of the float64 dialects: path-dependent TreeSHAP in LightGBM's order of operations, so that
// they are its own within the last bits (contributions.h has the paper).
#ifndef ESPALIER_MODELS_FOREST_FLOAT64_CONTRIBUTIONS_H_
#define ESPALIER_MODELS_FOREST_FLOAT64_CONTRIBUTIONS_H_

#include <cstdint>
#include <span>

#include "models/forest/float64_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// out[(row * num_outputs + output) * (num_features + 1) + i]: the contribution of feature i, the last one is
// the bias: the start of the row plus the trees' averages. `starts` has the start of each output (one row of
// them), or of each row and output. Thread-safe; allocates.
void ComputeFloat64Contributions(const Float64Trees& trees, const Rows& rows, TreeRange range,
                                 uint32_t num_features, std::span<const double> starts, double* out);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FLOAT64_CONTRIBUTIONS_H_
