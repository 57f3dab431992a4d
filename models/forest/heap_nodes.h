// The nodes of trees that are heaps, laid out when something first asks for them: leaf numbers and
// contributions do, margins do not.
#ifndef ESPALIER_MODELS_FOREST_HEAP_NODES_H_
#define ESPALIER_MODELS_FOREST_HEAP_NODES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "models/forest/heap_trees.h"
#include "models/forest/kernel.h"
#include "models/forest/node_table.h"

namespace espalier {

// A table of nodes and the kernel that walks it.
struct WalkedNodes {
  WalkedNodes(AnyNodeTable nodes, uint32_t num_outputs);
  size_t MemoryBytes() const;

  const AnyNodeTable table;
  const std::unique_ptr<const LeafKernel> walker;
};

// Thread-safe: the first caller lays the nodes out, others wait.
class HeapNodes {
 public:
  // `heaps` must outlive this.
  HeapNodes(const HeapTrees& heaps, uint32_t num_features, uint32_t num_outputs)
      : heaps_(heaps), num_features_(num_features), num_outputs_(num_outputs) {}

  const WalkedNodes& Get() const;
  // 0 before the first Get().
  size_t MemoryBytes() const;

 private:
  const HeapTrees& heaps_;
  const uint32_t num_features_;
  const uint32_t num_outputs_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<const WalkedNodes> nodes_;
  mutable std::atomic<size_t> memory_bytes_ = 0;
};

// The table that BuildNodeTable() would have made of the ensemble.
AnyNodeTable ToNodeTable(const HeapTrees& heaps, uint32_t num_features, uint32_t num_outputs);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_HEAP_NODES_H_
