// The kernel for single rows and small forests, on any processor: walks the heaps by comparing keys.
//
// The row is prepared (prepared_row.h), so that a question is one comparison of unsigned integers: each place
// of a heap holds the key of its threshold and, in a byte, the slot that it reads. A step of a walk is then
// place = 2 * place + (slots[slot[place]] < key[place]): load, load, compare, add with carry. Nothing is done
// once a row but preparing it, which is why small forests are the ones that gain.
#ifndef ESPALIER_MODELS_FOREST_KEY_WALKER_H_
#define ESPALIER_MODELS_FOREST_KEY_WALKER_H_

#include <cstdint>
#include <memory>

#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// Null for categorical splits, trees with tails, more than 127 features that are asked, and forests that
// would not stay in a second-level cache. `trees` must outlive the kernel.
std::unique_ptr<const Kernel> MakeKeyWalker(const HeapTrees& trees, uint32_t num_features,
                                            uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_KEY_WALKER_H_
