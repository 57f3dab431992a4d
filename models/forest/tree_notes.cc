#include "models/forest/tree_notes.h"

#include <cmath>

#include "models/forest/node_table.h"

namespace espalier {

TreeNotes::Shape TreeNotes::Add(const Tree& tree) {
  const size_t count = tree.nodes.size();
  Shape shape;
  if (count == 0) return shape;
  // One breadth-first pass; `order_` is the queue.
  order_.resize(count);
  reached_.assign(count, 0);
  order_[0] = 0;
  reached_[0] = 1;
  uint32_t size = 1;
  uint32_t level_end = 1;
  bool in_order = true;
  for (uint32_t i = 0; i < size; ++i) {
    if (i == level_end) {
      ++shape.depth;
      level_end = size;
    }
    in_order &= order_[i] == i;
    const TreeNode& node = tree.nodes[order_[i]];
    inner_.push_back(node.left >= 0);
    if (node.left < 0) {
      ++shape.leaves;
      if (!std::isfinite(node.value * tree.weight)) return shape;
      continue;
    }
    const auto left = static_cast<uint32_t>(node.left);
    const auto right = static_cast<uint32_t>(node.right);
    if (left >= count || right >= count || left == right || (reached_[left] | reached_[right]) != 0 ||
        node.feature >= num_features_ || shape.depth >= kMaxTreeDepth) {
      return shape;
    }
    reached_[left] = reached_[right] = 1;
    order_[size++] = left;
    order_[size++] = right;
    left_shares_.push_back(LeftShare(tree.nodes[left], tree.nodes[right]));
  }
  if (!in_order && numbers_.empty()) NumberEarlierTrees();
  if (!in_order || !numbers_.empty()) numbers_.insert(numbers_.end(), order_.begin(), order_.begin() + size);
  sizes_.push_back(size);
  shape.is_tree = true;
  return shape;
}

void TreeNotes::NumberEarlierTrees() {
  for (const uint32_t size : sizes_) {
    for (uint32_t i = 0; i < size; ++i) numbers_.push_back(i);
  }
}

void TreeNotes::ShrinkToFit() {
  inner_.shrink_to_fit();
  left_shares_.shrink_to_fit();
  numbers_.shrink_to_fit();
  sizes_ = {};
  order_ = {};
  reached_ = {};
}

size_t TreeNotes::MemoryBytes() const {
  return inner_.capacity() / 8 + (left_shares_.capacity() + numbers_.capacity()) * sizeof(uint32_t);
}

}  // namespace espalier
