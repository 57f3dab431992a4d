// The kernel for single rows on processors with AVX-512 VBMI: asks all questions of a tree's first six levels
// at once.
//
// The row's ranks are in up to four vector registers. A permutation brings the rank that each place asks for,
// a comparison makes 64 answers a mask of bits, and the walk of eight trees in the lanes of one register is
// arithmetic on their masks. Levels below the sixth are walked one by one in the block that the place names.
#ifndef ESPALIER_MODELS_FOREST_MASK_WALKER_H_
#define ESPALIER_MODELS_FOREST_MASK_WALKER_H_

#include <memory>

#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// Null where the processor cannot, and for categorical splits, trees deeper than the heaps, and more features
// (by directions of missing values) than 256. `trees` must outlive the kernel, which has a table of its own.
std::unique_ptr<const Kernel> MakeMaskWalker(const HeapTrees& trees, uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_MASK_WALKER_H_
