// Trees as perfect heaps, all of one depth: a step is arithmetic on the place, without pointers.
//
// The places of a tree are 1 (the root) to 2^depth - 1; the left child of i is 2i + 1 and the right one 2i,
// so that a step adds the answer of the question. The leaves follow from 2^depth on. A leaf of less depth is
// repeated below questions that send every row right.
//
// The first six levels of a tree are 64 slots and 64 ranks, a cache line each, by place. Below them are 64
// blocks of 2^(depth - 6) pairs, one for each place of the seventh level, in which the places start from 1
// again.
#ifndef ESPALIER_MODELS_FOREST_HEAP_TREES_H_
#define ESPALIER_MODELS_FOREST_HEAP_TREES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/forest/rank_table.h"

namespace espalier {

// Immutable once built.
struct HeapTrees {
  static constexpr uint32_t kTopLevels = 6;
  static constexpr uint32_t kTopPlaces = 1u << kTopLevels;
  static constexpr uint32_t kMaxDepth = 8;
  static constexpr uint32_t kLeafPadding = 16;

  struct alignas(64) Top {
    uint8_t slots[kTopPlaces];
    uint8_t ranks[kTopPlaces];
  };

  // Nothing for what RankTable refuses, for trees deeper than kMaxDepth, and for leaves that are vectors.
  template <typename Node>
  static std::optional<HeapTrees> Build(const NodeTable<Node>& table);

  uint32_t num_trees() const { return static_cast<uint32_t>(tops.size()); }
  uint32_t num_leaves() const { return 1u << depth; }
  // Levels in the tops, and in the blocks.
  uint32_t top_levels() const { return depth < kTopLevels ? depth : kTopLevels; }
  uint32_t block_levels() const { return depth - top_levels(); }
  // The question at a place of a level (2^level <= place < 2^(level + 1)).
  RankTable::Question At(uint32_t tree, uint32_t place, uint32_t level) const;
  void Set(uint32_t tree, uint32_t place, uint32_t level, RankTable::Question question);
  size_t MemoryBytes() const;

  RankTable ranks;
  uint32_t depth = 0;
  std::vector<Top> tops;
  // blocks[(tree * 64 + place - 64) << block_levels() | place in the block]
  std::vector<RankTable::Question> blocks;
  // leaves[tree << depth | place - 2^depth], and room after them, so that the last tree's can be read in
  // whole vectors.
  std::vector<float> leaves;
  // The output that each tree adds to.
  std::vector<uint32_t> outputs;

 private:
  size_t BlockIndex(uint32_t tree, uint32_t place, uint32_t level) const;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_HEAP_TREES_H_
