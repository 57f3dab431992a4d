#include "models/forest/heap_trees.h"

#include <algorithm>
#include <utility>

namespace espalier {
namespace {

// Fills the places of one tree below a node. What is not set sends every row right.
template <typename Node>
class HeapFiller {
 public:
  HeapFiller(const NodeTable<Node>& table, const std::vector<RankTable::Question>& questions, uint32_t tree,
             HeapTrees& heaps)
      : table_(table), questions_(questions), tree_(tree), heaps_(heaps) {}

  void Fill(const Node* node, uint32_t place, uint32_t level) {
    if (IsLeaf(*node)) {
      const uint32_t below = heaps_.depth - level;
      const size_t first = (size_t{tree_} << heaps_.depth) + (place << below) - heaps_.num_leaves();
      std::fill_n(heaps_.leaves.begin() + static_cast<ptrdiff_t>(first), 1u << below, LeafWeight(*node));
      return;
    }
    heaps_.Set(tree_, place, level, questions_[static_cast<size_t>(node - table_.nodes.data())]);
    Fill(node + node->right(), 2 * place, level + 1);
    Fill(node + node->right() - 1, 2 * place + 1, level + 1);
  }

 private:
  const NodeTable<Node>& table_;
  const std::vector<RankTable::Question>& questions_;
  const uint32_t tree_;
  HeapTrees& heaps_;
};

}  // namespace

template <typename Node>
std::optional<HeapTrees> HeapTrees::Build(const NodeTable<Node>& table) {
  if (table.max_depth > kMaxDepth || table.roots.empty() || table.HasLeafVectors()) return std::nullopt;
  std::vector<RankTable::Question> questions;
  std::optional<RankTable> ranks = RankTable::Build(table, questions);
  if (!ranks.has_value()) return std::nullopt;
  HeapTrees heaps;
  heaps.ranks = *std::move(ranks);
  heaps.depth = std::max(1u, table.max_depth);
  const size_t count = table.roots.size();
  heaps.tops.resize(count, Top{});
  if (heaps.block_levels() > 0) heaps.blocks.resize((count * kTopPlaces) << heaps.block_levels());
  heaps.leaves.resize((count << heaps.depth) + kLeafPadding);
  heaps.outputs = table.outputs;
  for (uint32_t tree = 0; tree < count; ++tree) {
    HeapFiller<Node>(table, questions, tree, heaps).Fill(table.nodes.data() + table.roots[tree], 1, 0);
  }
  return heaps;
}

size_t HeapTrees::BlockIndex(uint32_t tree, uint32_t place, uint32_t level) const {
  const uint32_t below = level - kTopLevels;
  const uint32_t block = (place >> below) - kTopPlaces;
  const uint32_t inside = (1u << below) | (place & ((1u << below) - 1));
  return ((size_t{tree} * kTopPlaces + block) << block_levels()) + inside;
}

RankTable::Question HeapTrees::At(uint32_t tree, uint32_t place, uint32_t level) const {
  if (level >= kTopLevels) return blocks[BlockIndex(tree, place, level)];
  return {tops[tree].slots[place], tops[tree].ranks[place]};
}

void HeapTrees::Set(uint32_t tree, uint32_t place, uint32_t level, RankTable::Question question) {
  if (level >= kTopLevels) {
    blocks[BlockIndex(tree, place, level)] = question;
    return;
  }
  tops[tree].slots[place] = question.slot;
  tops[tree].ranks[place] = question.rank;
}

size_t HeapTrees::MemoryBytes() const {
  return ranks.MemoryBytes() + tops.capacity() * sizeof(Top) +
         blocks.capacity() * sizeof(RankTable::Question) + leaves.capacity() * sizeof(float) +
         outputs.capacity() * sizeof(uint32_t);
}

template std::optional<HeapTrees> HeapTrees::Build(const NodeTable<PackedNode>& table);
template std::optional<HeapTrees> HeapTrees::Build(const NodeTable<WideNode>& table);

}  // namespace espalier
