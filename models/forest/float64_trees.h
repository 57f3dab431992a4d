// The trees of the float64 dialects (LightGBM, scikit-learn) in the form in which they are walked.
//
// As in node_table.h a step is `node += right - (slots[slot] < key)`, the children are neighbours, and a leaf
// has right 0 and reads slot 0, which nothing exceeds. What is different: rows are prepared by the dialect
// (float64_row.h), and a leaf's key is the place of its float64 values.
#ifndef ESPALIER_MODELS_FOREST_FLOAT64_TREES_H_
#define ESPALIER_MODELS_FOREST_FLOAT64_TREES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/category_sets.h"
#include "models/forest/ensemble.h"
#include "models/forest/float64_row.h"

namespace espalier {

// Immutable once built; thread-safe.
struct Float64Trees {
  struct Node {
    bool IsLeaf() const { return right == 0; }

    // Of a numeric split what the slot must be below to go left, of a categorical one its set; of a leaf the
    // place of its first value in `leaves`.
    uint32_t key = 0;
    uint32_t slot = 0;
    // The way to the right child; the left one is before it.
    uint32_t right = 0;
  };

  Float64Row row;
  CategorySets categories;
  // nodes[0] is a leaf that belongs to no tree.
  std::vector<Node> nodes;
  // [leaves][leaf_width], in the order of the file.
  std::vector<double> leaves;
  uint32_t leaf_width = 1;
  // By the leaf's place in `leaves` over leaf_width: its number in the tree as the file has it.
  std::vector<uint32_t> leaf_numbers;
  // For each pair of children, by half the index of the left one: the shares of the training rows that each
  // took. Halves where the file says nothing.
  std::vector<std::array<double, 2>> shares;
  // One a tree: the root among the nodes, the steps to the deepest leaf, the output that it adds to (when
  // leaf_width is 1), and whether it has a categorical split.
  std::vector<uint32_t> roots;
  std::vector<uint16_t> depths;
  std::vector<uint32_t> outputs;
  std::vector<bool> categorical;
  uint32_t max_depth = 0;
  uint32_t num_outputs = 1;

  // Whether a prepared row goes left at a split.
  bool GoesLeft(const Node& node, const uint32_t* slots) const {
    return node.slot >= row.first_category_slot() ? categories.GoesLeft(node.key, slots[node.slot])
                                                  : slots[node.slot] < node.key;
  }
  const std::array<double, 2>& SharesOf(uint32_t left) const { return shares[left / 2]; }
  uint32_t NumberOf(const Node& leaf) const { return leaf_numbers[leaf.key / leaf_width]; }

  size_t MemoryBytes() const;
};

// Lays out an ensemble of a float64 dialect. INVALID_ARGUMENT when one of its trees is none.
absl::StatusOr<Float64Trees> BuildFloat64Trees(const Ensemble& ensemble);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FLOAT64_TREES_H_
