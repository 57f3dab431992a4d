#include "models/forest/interleaved_walker.h"

#include <algorithm>
#include <array>
#include <vector>

namespace espalier {
namespace {

// Trees in flight. Eight would fill the pipeline from the first-level cache, and their cursors fit into the
// registers; sixteen also hide the second-level cache, where the nodes of all but small forests are when one
// row is predicted (measured: 6, 8, 12 and 16; at 1,000 trees 16 take two thirds of the time of 8).
constexpr uint32_t kTrees = 16;
// Prepared rows of a block share the first-level cache with the nodes of kTrees trees.
constexpr size_t kBlockSlots = 4096;
constexpr size_t kMaxBlockRows = 64;
// Trees this deep are walked without asking whether all have arrived; deeper ones ask every few steps.
constexpr uint32_t kUncheckedDepth = 10;
constexpr uint32_t kStepsBetweenChecks = 4;

// Room for the prepared rows of a block. One a thread, grown to the largest forest that the thread has seen.
uint32_t* Scratch(size_t slots) {
  static thread_local std::vector<uint32_t> scratch;
  if (scratch.size() < slots) scratch.resize(slots);
  return scratch.data();
}

template <typename Node>
class InterleavedWalker final : public LeafKernel {
 public:
  InterleavedWalker(const NodeTable<Node>& table, uint32_t num_outputs)
      : table_(table), num_outputs_(num_outputs) {
    PlanGroups();
  }

  std::string_view Name() const override {
    return sizeof(Node) == sizeof(PackedNode) ? "interleaved_walker" : "interleaved_walker/wide";
  }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    ForEachBlock(rows, [&](const uint32_t* slots, size_t first_row, size_t count) {
      float* block = margins + first_row * num_outputs_;
      for (uint32_t tree = trees.begin; tree < trees.end; tree += kTrees) {
        const uint32_t size = std::min(kTrees, trees.end - tree);
        if (table_.HasLeafVectors()) {
          AddVectors(tree, size, slots, count, block);
          continue;
        }
        for (size_t row = 0; row < count; ++row) {
          float weights[kTrees];
          Walk(tree, size, slots + row * table_.layout.num_slots(),
               [&weights](uint32_t i, const Node* leaf) { weights[i] = LeafWeight(*leaf); });
          AddWeights(weights, tree, size, block + row * num_outputs_);
        }
      }
    });
  }

  void FindLeaves(const Rows& rows, TreeRange trees, int32_t* leaves) const override {
    const size_t width = trees.end - trees.begin;
    ForEachBlock(rows, [&](const uint32_t* slots, size_t first_row, size_t count) {
      for (uint32_t tree = trees.begin; tree < trees.end; tree += kTrees) {
        const uint32_t size = std::min(kTrees, trees.end - tree);
        for (size_t row = 0; row < count; ++row) {
          int32_t* out = leaves + (first_row + row) * width + (tree - trees.begin);
          Walk(tree, size, slots + row * table_.layout.num_slots(), [&](uint32_t i, const Node* leaf) {
            if (i >= size) return;
            const auto node = static_cast<uint32_t>(leaf - table_.nodes.data());
            out[i] = table_.NumberInFile(roots_[tree + i], node);
          });
        }
      }
    });
  }

  size_t MemoryBytes() const override {
    return groups_.capacity() * sizeof(Group) + roots_.capacity() * sizeof(uint32_t);
  }

 private:
  // What the walk of the kTrees trees that start at one tree must reckon with.
  struct Group {
    uint16_t depth = 0;
    bool categorical = false;
  };

  void PlanGroups() {
    const size_t count = table_.roots.size();
    groups_.resize(count);
    roots_ = table_.roots;
    roots_.resize(count + kTrees - 1, 0);
    for (size_t tree = 0; tree < count; ++tree) {
      for (size_t i = tree; i < std::min(tree + kTrees, count); ++i) {
        groups_[tree].depth = std::max(groups_[tree].depth, table_.depths[i]);
        groups_[tree].categorical |= table_.categorical[i];
      }
    }
  }

  // Calls visit(slots, first_row, count) for blocks of prepared rows.
  template <typename Visit>
  void ForEachBlock(const Rows& rows, Visit visit) const {
    const size_t num_slots = table_.layout.num_slots();
    const size_t block_rows = std::clamp<size_t>(kBlockSlots / num_slots, 1, kMaxBlockRows);
    uint32_t* slots = Scratch(num_slots * block_rows);
    for (size_t first = 0; first < rows.count; first += block_rows) {
      const size_t count = std::min(block_rows, rows.count - first);
      for (size_t i = 0; i < count; ++i) {
        table_.layout.Prepare(rows.data + (first + i) * rows.stride, slots + i * num_slots);
      }
      visit(slots, first, count);
    }
  }

  // Calls take(i, leaf) for the i-th of `size` trees from `tree` on, and for up to kTrees - size more, which
  // do not matter.
  template <typename Take>
  void Walk(uint32_t tree, uint32_t size, const uint32_t* slots, Take take) const {
    if (groups_[tree].categorical) {
      Descend<true, kTrees>(tree, slots, take);
    } else if (size > kTrees / 2) {
      Descend<false, kTrees>(tree, slots, take);
    } else if (size > kTrees / 4) {
      Descend<false, kTrees / 2>(tree, slots, take);
    } else {
      Descend<false, kTrees / 4>(tree, slots, take);
    }
  }

  // Not inlined, so that its registers are its own.
  template <bool kCategorical, uint32_t kCount, typename Take>
  [[gnu::noinline]] void Descend(uint32_t tree, const uint32_t* slots, Take take) const {
    std::array<const Node*, kCount> at;
    const Node* nodes = table_.nodes.data();
    for (uint32_t i = 0; i < kCount; ++i) at[i] = nodes + roots_[tree + i];
    const uint32_t depth = groups_[tree].depth;
    if (depth <= kUncheckedDepth) {
      for (uint32_t i = 0; i < depth; ++i) StepAll<kCategorical>(at, slots);
    } else {
      for (uint32_t i = 0; i < depth; i += kStepsBetweenChecks) {
        for (uint32_t j = 0; j < kStepsBetweenChecks; ++j) StepAll<kCategorical>(at, slots);
        if (std::all_of(at.begin(), at.end(), [](const Node* node) { return IsLeaf(*node); })) break;
      }
    }
    for (uint32_t i = 0; i < kCount; ++i) take(i, at[i]);
  }

  template <bool kCategorical, size_t kCount>
  void StepAll(std::array<const Node*, kCount>& at, const uint32_t* slots) const {
    for (const Node*& node : at) {
      const uint32_t slot = node->slot();
      const uint32_t value = slots[slot];
      uint32_t left = value < node->key;
      if constexpr (kCategorical) {
        const bool category = slot >= table_.layout.first_category_slot();
        const uint32_t not_in_set = table_.categories.GoesLeft(category ? node->key : 0, value);
        left = category ? not_in_set : left;
      }
      node += size_t{node->right()} - left;
    }
  }

  // Adds the leaf vectors of `size` trees from `tree` on for `count` rows: as many additions an output.
  void AddVectors(uint32_t tree, uint32_t size, const uint32_t* slots, size_t count, float* margins) const {
    for (size_t row = 0; row < count; ++row, margins += num_outputs_) {
      uint32_t leaves[kTrees];
      Walk(tree, size, slots + row * table_.layout.num_slots(),
           [&leaves](uint32_t i, const Node* leaf) { leaves[i] = leaf->key; });
      for (uint32_t i = 0; i < size; ++i) {
        const float* const vector = table_.leaf_vectors.data() + size_t{leaves[i]} * num_outputs_;
        for (uint32_t k = 0; k < num_outputs_; ++k) margins[k] += vector[k];
      }
    }
  }

  void AddWeights(const float* weights, uint32_t tree, uint32_t size, float* margins) const {
    if (num_outputs_ == 1 && size == kTrees) {
      float sum = *margins;
      for (uint32_t i = 0; i < kTrees; ++i) sum += weights[i];
      *margins = sum;
      return;
    }
    const uint32_t* outputs = table_.outputs.data() + tree;
    for (uint32_t i = 0; i < size; ++i) margins[outputs[i]] += weights[i];
  }

  const NodeTable<Node>& table_;
  const uint32_t num_outputs_;
  // Roots of all trees, and of empty ones that fill the last group.
  std::vector<uint32_t> roots_;
  // For each tree, the group that starts there.
  std::vector<Group> groups_;
};

}  // namespace

std::unique_ptr<const LeafKernel> MakeInterleavedWalker(const AnyNodeTable& table, uint32_t num_outputs) {
  return std::visit(
      [num_outputs](const auto& nodes) -> std::unique_ptr<const LeafKernel> {
        using Table = std::decay_t<decltype(nodes)>;
        return std::make_unique<InterleavedWalker<typename Table::Node>>(nodes, num_outputs);
      },
      table);
}

}  // namespace espalier
