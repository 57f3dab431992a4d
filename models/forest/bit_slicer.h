// The kernel for batches: a tree's questions become rows of bits, one bit a row of the batch.
//
// For a block of rows every distinct question (slot, rank) is asked once, by sorting the rows into the ranks
// of each slot and spreading them upwards. A tree then selects among its questions' bit vectors, level by
// level, which gives the bits of the leaves' numbers; these pick the leaves. (After Ye et al., "RapidScorer",
// 2018, and bit-slicing; no step depends on the data.)
//
// Portable by Google Highway, which chooses the processor's best instructions when the program runs.
#ifndef ESPALIER_MODELS_FOREST_BIT_SLICER_H_
#define ESPALIER_MODELS_FOREST_BIT_SLICER_H_

#include <memory>

#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// `trees` must outlive the kernel.
std::unique_ptr<const Kernel> MakeBitSlicer(const HeapTrees& trees, uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_BIT_SLICER_H_
