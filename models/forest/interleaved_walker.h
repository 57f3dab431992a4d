// The generic kernel: walks several trees at once, one step each in turn, so that the processor overlaps
// their waits; no step branches on data.
//
// Takes every forest: any depth, numeric and categorical splits, any number of features.
#ifndef ESPALIER_MODELS_FOREST_INTERLEAVED_WALKER_H_
#define ESPALIER_MODELS_FOREST_INTERLEAVED_WALKER_H_

#include <memory>

#include "models/forest/kernel.h"
#include "models/forest/node_table.h"

namespace espalier {

// `table` must outlive the kernel.
std::unique_ptr<const LeafKernel> MakeInterleavedWalker(const AnyNodeTable& table, uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_INTERLEAVED_WALKER_H_
