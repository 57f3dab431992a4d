// Walks the trees of the float64 dialects: several at once, one step each in turn, without a branch on data.
//
// Sums are float64, and every output adds its leaves in the order of the trees, so that they are those of the
// library that wrote the model, to the last bit.
#ifndef ESPALIER_MODELS_FOREST_FLOAT64_WALKER_H_
#define ESPALIER_MODELS_FOREST_FLOAT64_WALKER_H_

#include <cstdint>
#include <string_view>

#include "models/forest/float64_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// Its name where kernels are named.
inline constexpr std::string_view kFloat64Walker = "float64_walker";

// Adds to margins[row * num_outputs + output] the leaves that a row reaches. Rows and ranges have been
// checked by the caller. Thread-safe; does not allocate once a thread is warm.
void AddFloat64Margins(const Float64Trees& trees, const Rows& rows, TreeRange range, double* margins);

// leaves[row * (range.end - range.begin) + i]: the number in the file of the leaf reached in tree range.begin
// + i. The same otherwise.
void FindFloat64Leaves(const Float64Trees& trees, const Rows& rows, TreeRange range, int32_t* leaves);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FLOAT64_WALKER_H_
