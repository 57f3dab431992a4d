// The kernel for single rows on any processor: asks each distinct question once, then walks the heaps by the
// answers.
//
// An answer is a byte, 1 for "left", at the question's number. A step of a walk is then two loads and an
// addition: place = 2 * place + answers[questions[place]]. Many trees are in flight at a time, so that none
// waits for the loads of another. Google Highway (https://github.com/google/highway) chooses the instructions
// that find the answers when the program runs.
#ifndef ESPALIER_MODELS_FOREST_ANSWER_WALKER_H_
#define ESPALIER_MODELS_FOREST_ANSWER_WALKER_H_

#include <memory>

#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// `trees` must outlive the kernel.
std::unique_ptr<const Kernel> MakeAnswerWalker(const HeapTrees& trees, uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_ANSWER_WALKER_H_
