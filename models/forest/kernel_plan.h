// Which kernel answers a batch of so many rows: chosen once, when a forest is compiled, by trying them.
//
// Few rows go to the fastest walker of the processor, many to the bit slicer; the number of rows from which
// it pays is found by timing both on rows made of the forest's own thresholds, for a fraction of the time
// that parsing took. All kernels give the same bits, so that the choice is one of speed alone.
#ifndef ESPALIER_MODELS_FOREST_KERNEL_PLAN_H_
#define ESPALIER_MODELS_FOREST_KERNEL_PLAN_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"
#include "models/forest/node_table.h"

namespace espalier {

class KernelPlan {
 public:
  // Every name that `kernel` may have.
  static std::vector<std::string_view> KernelNames();

  // `table` must outlive the plan. With `kernel` not empty every batch goes to the one of that name:
  // INVALID_ARGUMENT when there is none, FAILED_PRECONDITION when it cannot take this forest here.
  static absl::StatusOr<KernelPlan> Create(const AnyNodeTable& table, uint32_t num_features,
                                           uint32_t num_outputs, std::string_view kernel = {});

  const Kernel& For(size_t rows) const { return rows < large_from_ ? *small_ : *large_; }
  const LeafKernel& leaves() const { return *walker_; }
  // "mask_walker; bit_slicer from 40 rows".
  const std::string& description() const { return description_; }
  size_t MemoryBytes() const;

 private:
  KernelPlan() = default;
  // Sends every batch to one kernel.
  void Use(const Kernel& kernel);
  absl::Status Force(std::string_view name);
  void Choose(uint32_t num_features, uint32_t num_outputs);

  std::unique_ptr<const LeafKernel> walker_;
  // Null when the forest's shape does not allow them; mask_walker_ also when the processor does not.
  std::unique_ptr<const HeapTrees> heaps_;
  std::unique_ptr<const Kernel> mask_walker_;
  std::unique_ptr<const Kernel> bit_slicer_;
  const Kernel* small_ = nullptr;
  const Kernel* large_ = nullptr;
  size_t large_from_ = 0;
  std::string description_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_KERNEL_PLAN_H_
