// Which kernel answers a batch of so many rows: chosen once, when a forest is compiled, by trying them.
//
// Few rows go to the fastest walker of the processor, many to the bit slicer; the number of rows from which
// it pays is found by timing both on rows made of the forest's own questions, for a fraction of the time
// that parsing took. All kernels give the same bits, so that the choice is one of speed alone. Tables of
// kernels that are not chosen are not kept.
#ifndef ESPALIER_MODELS_FOREST_KERNEL_PLAN_H_
#define ESPALIER_MODELS_FOREST_KERNEL_PLAN_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"
#include "models/forest/heap_nodes.h"
#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"
#include "models/forest/node_table.h"

namespace espalier {

class KernelPlan {
 public:
  // Every name that `kernel` may have.
  static std::vector<std::string_view> KernelNames();

  // Checks and lays out the trees of an ensemble: INVALID_ARGUMENT names the tree and node that contradict.
  // With `kernel` not empty every batch goes to the one of that name: INVALID_ARGUMENT when there is none,
  // FAILED_PRECONDITION when it cannot take this forest here.
  static absl::StatusOr<KernelPlan> Create(const Ensemble& ensemble, std::string_view kernel = {});

  const Kernel& For(size_t rows) const { return rows < large_from_ ? *small_ : *large_; }
  // The trees as nodes, and the kernel that finds leaf numbers. May lay them out first: the first call can
  // take about as long as compiling did, and what it makes stays. Thread-safe.
  const AnyNodeTable& table() const { return Nodes().table; }
  const LeafKernel& leaves() const { return *Nodes().walker; }

  uint32_t max_depth() const;
  bool HasLeafVectors() const;
  // "answer_walker; bit_slicer from 40 rows".
  const std::string& description() const { return description_; }
  size_t MemoryBytes() const;

 private:
  KernelPlan() = default;
  const WalkedNodes& Nodes() const { return nodes_ != nullptr ? *nodes_ : heap_nodes_->Get(); }
  absl::Status LayOutNodes(const Ensemble& ensemble);
  // Sends every batch to one kernel.
  void Use(const Kernel& kernel);
  absl::Status Force(const Ensemble& ensemble, std::string_view name);
  void Choose(const Ensemble& ensemble);

  // Null when the forest's shape does not allow heaps; key_walker_ also when it is too large, and
  // mask_walker_ when the processor does not allow it.
  std::unique_ptr<const HeapTrees> heaps_;
  std::unique_ptr<const HeapNodes> heap_nodes_;
  std::unique_ptr<const Kernel> answer_walker_;
  std::unique_ptr<const Kernel> key_walker_;
  std::unique_ptr<const Kernel> mask_walker_;
  std::unique_ptr<const Kernel> bit_slicer_;
  // Null where heaps hold the forest and nobody walks nodes for margins.
  std::unique_ptr<const WalkedNodes> nodes_;
  const Kernel* small_ = nullptr;
  const Kernel* large_ = nullptr;
  size_t large_from_ = 0;
  std::string description_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_KERNEL_PLAN_H_
