// Trees as perfect heaps, all of one depth: a step is arithmetic on the place, without pointers.
//
// The places of a tree are 1 (the root) to 2^depth - 1; the left child of i is 2i + 1 and the right one 2i,
// so that a step adds the answer of the question. The leaves follow from 2^depth on. A leaf of less depth is
// repeated below question 0, which sends every row right.
//
// The first six levels of a tree are one array of questions by place, two cache lines. Below them are 64
// blocks of 2^(depth - 6) questions, one for each place of the seventh level, in which the places start from
// 1 again.
//
// Trees deeper than the heaps go on in tails: nodes behind each other, as in a table of nodes.
#ifndef ESPALIER_MODELS_FOREST_HEAP_TREES_H_
#define ESPALIER_MODELS_FOREST_HEAP_TREES_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/forest/ensemble.h"
#include "models/forest/question_table.h"
#include "models/forest/tree_notes.h"

namespace espalier {

// Immutable once built.
struct HeapTrees {
  static constexpr uint32_t kTopLevels = 6;
  static constexpr uint32_t kTopPlaces = 1u << kTopLevels;
  static constexpr uint32_t kMaxDepth = 8;
  static constexpr uint32_t kLeafPadding = 16;

  // A node below the heaps. The children of an inner one are neighbours, `right` is the way to the right one.
  // A leaf has right 0 and asks question 0, and so never moves on.
  struct TailNode {
    uint16_t question = 0;
    uint16_t right = 0;
    float leaf = 0;
  };

  struct alignas(64) Line {
    uint16_t questions[32];
  };

  // Nothing for more questions than QuestionTable numbers, for leaves that are vectors, for no trees, and for
  // an ensemble that contradicts itself.
  static std::optional<HeapTrees> Build(const Ensemble& ensemble);

  uint32_t num_trees() const { return static_cast<uint32_t>(outputs.size()); }
  uint32_t num_leaves() const { return 1u << depth; }
  // Levels in the tops, and in the blocks.
  uint32_t top_levels() const { return depth < kTopLevels ? depth : kTopLevels; }
  uint32_t block_levels() const { return depth - top_levels(); }
  bool HasTails() const { return !tails.empty(); }

  // tops()[tree << top_levels() | place]
  const uint16_t* tops() const { return reinterpret_cast<const uint16_t*>(lines.data()); }
  uint16_t* tops() { return reinterpret_cast<uint16_t*>(lines.data()); }
  // The questions of a tree at the places from that of the block on:
  // blocks[((tree * 64 + place - 64) << block_levels()) + place in the block]; null where there are none.
  const uint16_t* Blocks(uint32_t tree) const {
    return blocks.empty() ? nullptr : blocks.data() + ((size_t{tree} * kTopPlaces) << block_levels());
  }
  // The leaves of a tree by place - 2^depth. With tails, the bits of a leaf are the index of a tail node.
  const float* Leaves(uint32_t tree) const { return leaves.data() + (size_t{tree} << depth); }
  const TailNode* Tail(float leaf) const { return tails.data() + std::bit_cast<uint32_t>(leaf); }

  // The number of the question at a place of a level (2^level <= place < 2^(level + 1)).
  uint16_t At(uint32_t tree, uint32_t place, uint32_t level) const;
  size_t MemoryBytes() const;

  QuestionTable questions;
  uint32_t depth = 0;
  // Of the trees: more than `depth` where they have tails.
  uint32_t max_depth = 0;
  std::vector<Line> lines;
  std::vector<uint16_t> blocks;
  // Room after them, so that the last tree's can be read in whole vectors.
  std::vector<float> leaves;
  std::vector<TailNode> tails;
  // The output that each tree adds to.
  std::vector<uint32_t> outputs;
  TreeNotes notes;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_HEAP_TREES_H_
