#include "models/forest/float64_walker.h"

#include <algorithm>
#include <array>
#include <vector>

namespace espalier {
namespace {

using Node = Float64Trees::Node;

// Trees in flight, and the slots of the prepared rows of a block, which share the first-level cache with
// their nodes (interleaved_walker.cc has the measurements).
constexpr uint32_t kTrees = 16;
constexpr size_t kBlockSlots = 4096;
constexpr size_t kMaxBlockRows = 64;
constexpr uint32_t kStepsBetweenChecks = 4;

using Cursors = std::array<const Node*, kTrees>;

// Room for the prepared rows of a block. One a thread, grown to the largest forest that the thread has seen.
uint32_t* Scratch(size_t slots) {
  static thread_local std::vector<uint32_t> scratch;
  if (scratch.size() < slots) scratch.resize(slots);
  return scratch.data();
}

// Calls visit(slots, first_row, count) for blocks of prepared rows.
template <typename Visit>
void ForEachBlock(const Float64Trees& trees, const Rows& rows, Visit visit) {
  const size_t num_slots = trees.row.num_slots();
  const size_t block_rows = std::clamp<size_t>(kBlockSlots / num_slots, 1, kMaxBlockRows);
  uint32_t* const slots = Scratch(num_slots * block_rows);
  for (size_t first = 0; first < rows.count; first += block_rows) {
    const size_t count = std::min(block_rows, rows.count - first);
    for (size_t i = 0; i < count; ++i) {
      trees.row.Prepare(rows.data + (first + i) * rows.stride, slots + i * num_slots);
    }
    visit(slots, first, count);
  }
}

template <bool kCategorical>
void StepAll(const Float64Trees& trees, const uint32_t* slots, Cursors& at) {
  for (const Node*& node : at) {
    const uint32_t value = slots[node->slot];
    uint32_t left = value < node->key;
    if constexpr (kCategorical) {
      const bool category = node->slot >= trees.row.first_category_slot();
      const uint32_t not_in_set = trees.categories.GoesLeft(category ? node->key : 0, value);
      left = category ? not_in_set : left;
    }
    node += size_t{node->right} - left;
  }
}

// Up to kTrees trees that are walked together.
struct Group {
  Group(const Float64Trees& trees, uint32_t first, uint32_t end)
      : first(first), size(std::min(kTrees, end - first)) {
    for (uint32_t tree = first; tree < first + size; ++tree) {
      depth = std::max<uint32_t>(depth, trees.depths[tree]);
      categorical |= trees.categorical[tree];
    }
  }

  uint32_t first;
  uint32_t size;
  uint32_t depth = 0;
  bool categorical = false;
};

template <bool kCategorical>
[[gnu::noinline]] void Descend(const Float64Trees& trees, const Group& group, const uint32_t* slots,
                               Cursors& at) {
  const Node* const nodes = trees.nodes.data();
  for (uint32_t i = 0; i < kTrees; ++i) at[i] = i < group.size ? nodes + trees.roots[group.first + i] : nodes;
  for (uint32_t depth = 0; depth < group.depth; depth += kStepsBetweenChecks) {
    for (uint32_t i = 0; i < kStepsBetweenChecks; ++i) StepAll<kCategorical>(trees, slots, at);
    if (std::all_of(at.begin(), at.end(), [](const Node* node) { return node->IsLeaf(); })) break;
  }
}

// Calls take(row, group, cursors at its leaves) for every row and group of trees.
template <typename Take>
void WalkAll(const Float64Trees& trees, const Rows& rows, TreeRange range, Take take) {
  ForEachBlock(trees, rows, [&](const uint32_t* slots, size_t first_row, size_t count) {
    for (uint32_t tree = range.begin; tree < range.end; tree += kTrees) {
      const Group group(trees, tree, range.end);
      for (size_t row = 0; row < count; ++row) {
        Cursors at;
        const uint32_t* const row_slots = slots + row * trees.row.num_slots();
        if (group.categorical) {
          Descend<true>(trees, group, row_slots, at);
        } else {
          Descend<false>(trees, group, row_slots, at);
        }
        take(first_row + row, group, at);
      }
    }
  });
}

}  // namespace

void AddFloat64Margins(const Float64Trees& trees, const Rows& rows, TreeRange range, double* margins) {
  const uint32_t outputs = trees.num_outputs;
  if (trees.leaf_width == 1) {
    WalkAll(trees, rows, range, [&](size_t row, const Group& group, const Cursors& at) {
      double* const sums = margins + row * outputs;
      const uint32_t* const output = trees.outputs.data() + group.first;
      for (uint32_t i = 0; i < group.size; ++i) sums[output[i]] += trees.leaves[at[i]->key];
    });
    return;
  }
  WalkAll(trees, rows, range, [&](size_t row, const Group& group, const Cursors& at) {
    double* const sums = margins + row * outputs;
    for (uint32_t i = 0; i < group.size; ++i) {
      const double* const values = trees.leaves.data() + at[i]->key;
      for (uint32_t k = 0; k < outputs; ++k) sums[k] += values[k];
    }
  });
}

void FindFloat64Leaves(const Float64Trees& trees, const Rows& rows, TreeRange range, int32_t* leaves) {
  const size_t width = range.end - range.begin;
  WalkAll(trees, rows, range, [&](size_t row, const Group& group, const Cursors& at) {
    int32_t* const out = leaves + row * width + (group.first - range.begin);
    for (uint32_t i = 0; i < group.size; ++i) out[i] = static_cast<int32_t>(trees.NumberOf(*at[i]));
  });
}

}  // namespace espalier
