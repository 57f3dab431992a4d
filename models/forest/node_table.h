// All nodes of a forest in one array, in the form in which they are walked.
//
// A step is `node += right - (slots[slot] < key)`: the children are neighbours, `right` is the way to the
// right one. A leaf has right 0 and reads slot 0, which nothing exceeds, and so never moves on; its key is
// its weight.
#ifndef ESPALIER_MODELS_FOREST_NODE_TABLE_H_
#define ESPALIER_MODELS_FOREST_NODE_TABLE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/category_sets.h"
#include "models/forest/ensemble.h"
#include "models/forest/prepared_row.h"

namespace espalier {

// 8 bytes: for up to 65,536 slots, and as many nodes a tree. Each part is one load, without shifting or
// masking.
struct PackedNode {
  static constexpr uint64_t kMaxSlots = 1u << 16;
  static constexpr uint64_t kMaxRight = (1u << 16) - 1;

  PackedNode() = default;
  PackedNode(uint32_t key, uint32_t slot, uint32_t right)
      : key(key), place(static_cast<uint16_t>(slot)), way(static_cast<uint16_t>(right)) {}
  uint32_t slot() const { return place; }
  uint32_t right() const { return way; }

  uint32_t key = 0;
  uint16_t place = 0;
  uint16_t way = 0;
};

// 12 bytes: for everything else.
struct WideNode {
  static constexpr uint64_t kMaxSlots = 1u << 31;
  static constexpr uint64_t kMaxRight = 0xffffffffu;

  WideNode() = default;
  WideNode(uint32_t key, uint32_t slot, uint32_t right) : key(key), place(slot), way(right) {}
  uint32_t slot() const { return place; }
  uint32_t right() const { return way; }

  uint32_t key = 0;
  uint32_t place = 0;
  uint32_t way = 0;
};

template <typename Node>
bool IsLeaf(const Node& node) {
  return node.right() == 0;
}

template <typename Node>
float LeafWeight(const Node& node) {
  return std::bit_cast<float>(node.key);
}

// What all trees of a forest share, and one entry a tree. Immutable once built.
struct TreeDirectory {
  RowLayout layout;
  CategorySets categories;
  // Index of each tree's root among the nodes.
  std::vector<uint32_t> roots;
  // Steps from the root to the deepest leaf.
  std::vector<uint16_t> depths;
  // The output that each tree adds to.
  std::vector<uint32_t> outputs;
  // Whether each tree has a categorical split.
  std::vector<bool> categorical;
  uint32_t max_depth = 0;
  // Where leaves are vectors over the outputs: all of them, one behind the other, multiplied by their tree's
  // weight; a leaf's key is the number of its own. Else empty.
  std::vector<float> leaf_vectors;

  bool HasLeafVectors() const { return !leaf_vectors.empty(); }
  size_t MemoryBytes() const;
};

template <typename NodeType>
struct NodeTable : TreeDirectory {
  using Node = NodeType;

  // nodes[0] is a leaf that belongs to no tree.
  std::vector<Node> nodes;
  // For each pair of children, by half the index of the left one: the left one's share of the cover (the
  // training rows' hessians) of both. A half where the file says nothing.
  std::vector<float> left_shares;
  // Numbers of the nodes in the file. Empty when they are the distance from the root, as in all files that
  // XGBoost itself writes.
  std::vector<uint32_t> numbers;

  int32_t NumberInFile(uint32_t root, uint32_t node) const {
    return static_cast<int32_t>(numbers.empty() ? node - root : numbers[node]);
  }

  double LeftShare(uint32_t left) const { return left_shares[left / 2]; }

  // Whether a prepared row goes left at the inner node `node`.
  bool GoesLeft(const Node& node, const uint32_t* slots) const {
    const uint32_t slot = node.slot();
    return slot >= layout.first_category_slot() ? categories.GoesLeft(node.key, slots[slot])
                                                : slots[slot] < node.key;
  }

  size_t MemoryBytes() const;
};

using AnyNodeTable = std::variant<NodeTable<PackedNode>, NodeTable<WideNode>>;

// The left one's share of the cover of both children; a half where the file says nothing.
float LeftShare(const TreeNode& left, const TreeNode& right);

// The deepest path that is accepted; contributions recurse along it.
inline constexpr uint32_t kMaxTreeDepth = 1024;

// Which node a table is made of: kWide ones hold every forest.
enum class NodeFormat : uint8_t { kSmallest, kWide };

// Checks that every tree is a tree over the ensemble's features and outputs and lays it out. INVALID_ARGUMENT
// names the tree and node that contradict.
absl::StatusOr<AnyNodeTable> BuildNodeTable(const Ensemble& ensemble,
                                            NodeFormat format = NodeFormat::kSmallest);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_NODE_TABLE_H_
