// The kernel for few rows on any processor: walks several perfect heaps of ranks at once, without a branch.
#ifndef ESPALIER_MODELS_FOREST_RANK_WALKER_H_
#define ESPALIER_MODELS_FOREST_RANK_WALKER_H_

#include <memory>

#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// `trees` must outlive the kernel.
std::unique_ptr<const Kernel> MakeRankWalker(const HeapTrees& trees, uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_RANK_WALKER_H_
