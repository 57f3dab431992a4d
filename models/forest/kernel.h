// The seam behind which engines walk trees: one kernel is chosen for a forest when it is compiled.
#ifndef ESPALIER_MODELS_FOREST_KERNEL_H_
#define ESPALIER_MODELS_FOREST_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/forest/forest.h"

namespace espalier {

// Trees [begin, end) of a forest, in the order in which XGBoost adds them.
struct TreeRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Immutable and thread-safe. Rows and ranges have been checked by the caller.
class Kernel {
 public:
  virtual ~Kernel() = default;

  // A name for people: "interleaved_walker/8".
  virtual std::string_view Name() const = 0;

  // Adds to margins[row * num_outputs + output] the leaf that the row reaches in each tree of that output:
  // float32, one addition a tree, in tree order, or the sum would not be XGBoost's. Does not allocate once a
  // thread is warm.
  virtual void AddMargins(const Rows& rows, TreeRange trees, float* margins) const = 0;

  // Bytes that the kernel holds beside the table of nodes.
  virtual size_t MemoryBytes() const = 0;
};

// A kernel that can also say where it arrives.
class LeafKernel : public Kernel {
 public:
  // leaves[row * (trees.end - trees.begin) + i]: the leaf reached in tree trees.begin + i, by the node's
  // number in the file.
  virtual void FindLeaves(const Rows& rows, TreeRange trees, int32_t* leaves) const = 0;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_KERNEL_H_
