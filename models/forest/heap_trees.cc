#include "models/forest/heap_trees.h"

#include <algorithm>
#include <utility>

#include "models/forest/question_table_builder.h"

namespace espalier {
namespace {

// Fills the heaps (and tails) of one tree after the other, with drafts of the questions. What is not set asks
// question 0.
class HeapFiller {
 public:
  HeapFiller(HeapTrees& heaps, QuestionTableBuilder& questions) : heaps_(heaps), questions_(questions) {}

  // False when the questions are too many.
  bool Fill(const Tree& source, uint32_t tree) {
    source_ = &source;
    leaves_ = heaps_.leaves.data() + (size_t{tree} << heaps_.depth);
    top_ = heaps_.tops() + (size_t{tree} << heaps_.top_levels());
    if (heaps_.block_levels() > 0)
      blocks_ = heaps_.blocks.data() + ((size_t{tree} * HeapTrees::kTopPlaces) << heaps_.block_levels());
    return Fill(0, 1, 0);
  }

 private:
  bool Fill(int32_t index, uint32_t place, uint32_t level) {
    const TreeNode& node = source_->nodes[index];
    if (node.left < 0 || level == heaps_.depth) return FillLeaf(node, place, level);
    const std::optional<uint16_t> draft = questions_.Add(*source_, node);
    if (!draft.has_value()) return false;
    *Question(place, level) = *draft;
    return Fill(node.right, 2 * place, level + 1) && Fill(node.left, 2 * place + 1, level + 1);
  }

  uint16_t* Question(uint32_t place, uint32_t level) const {
    if (level < HeapTrees::kTopLevels) return top_ + place;
    const uint32_t below = level - HeapTrees::kTopLevels;
    const uint32_t block = (place >> below) - HeapTrees::kTopPlaces;
    return blocks_ + (size_t{block} << heaps_.block_levels()) +
           ((1u << below) | (place & ((1u << below) - 1)));
  }

  bool FillLeaf(const TreeNode& node, uint32_t place, uint32_t level) {
    float leaf = Weight(node);
    if (heaps_.max_depth > heaps_.depth) {
      const size_t tail = heaps_.tails.size();
      if (tail >= kMaxTails) return false;
      leaf = std::bit_cast<float>(static_cast<uint32_t>(tail));
      heaps_.tails.emplace_back();
      if (!FillTail(node, tail)) return false;
    }
    const uint32_t below = heaps_.depth - level;
    std::fill_n(leaves_ + (size_t{place} << below) - heaps_.num_leaves(), size_t{1} << below, leaf);
    return true;
  }

  bool FillTail(const TreeNode& node, size_t index) {
    if (node.left < 0) {
      heaps_.tails[index].leaf = Weight(node);
      return true;
    }
    const std::optional<uint16_t> draft = questions_.Add(*source_, node);
    const size_t left = heaps_.tails.size();
    if (!draft.has_value() || left + 1 - index > UINT16_MAX) return false;
    heaps_.tails[index].question = *draft;
    heaps_.tails[index].right = static_cast<uint16_t>(left + 1 - index);
    heaps_.tails.resize(left + 2);
    return FillTail(source_->nodes[node.left], left) && FillTail(source_->nodes[node.right], left + 1);
  }

  float Weight(const TreeNode& leaf) const {
    return source_->weight == 1 ? leaf.value : leaf.value * source_->weight;
  }

  static constexpr size_t kMaxTails = UINT32_MAX - 2;

  HeapTrees& heaps_;
  QuestionTableBuilder& questions_;
  const Tree* source_ = nullptr;
  float* leaves_ = nullptr;
  uint16_t* top_ = nullptr;
  uint16_t* blocks_ = nullptr;
};

// The depth of the heaps: that of the deepest tree, unless they would have room for four times the leaves.
uint32_t HeapDepth(uint32_t max_depth, size_t leaves, size_t trees) {
  uint32_t depth = 1;
  while (depth < std::min(max_depth, HeapTrees::kMaxDepth) && (trees << depth) < 4 * leaves) ++depth;
  return depth;
}

// Puts the numbers of questions in the place of their drafts.
void Renumber(HeapTrees& heaps, const std::vector<uint16_t>& numbers) {
  for (HeapTrees::Line& line : heaps.lines) {
    for (uint16_t& question : line.questions) question = numbers[question];
  }
  for (uint16_t& question : heaps.blocks) question = numbers[question];
  for (HeapTrees::TailNode& node : heaps.tails) node.question = numbers[node.question];
}

}  // namespace

std::optional<HeapTrees> HeapTrees::Build(const Ensemble& ensemble) {
  const size_t count = ensemble.trees.size();
  HeapTrees heaps;
  heaps.notes = TreeNotes(ensemble.num_features);
  size_t leaves = 0;
  for (const Tree& tree : ensemble.trees) {
    if (!tree.leaf_vectors.empty() || tree.output >= ensemble.num_outputs) return std::nullopt;
    const TreeNotes::Shape shape = heaps.notes.Add(tree);
    if (!shape.is_tree) return std::nullopt;
    heaps.max_depth = std::max(heaps.max_depth, shape.depth);
    leaves += shape.leaves;
    heaps.outputs.push_back(tree.output);
  }
  if (count == 0) return std::nullopt;
  heaps.notes.ShrinkToFit();
  heaps.outputs.shrink_to_fit();
  heaps.depth = HeapDepth(heaps.max_depth, leaves, count);
  heaps.lines.resize(((count << heaps.top_levels()) + 31) / 32, Line{});
  if (heaps.block_levels() > 0) heaps.blocks.resize((count * kTopPlaces) << heaps.block_levels());
  heaps.leaves.resize((count << heaps.depth) + kLeafPadding);

  QuestionTableBuilder questions(ensemble.num_features);
  HeapFiller filler(heaps, questions);
  for (uint32_t tree = 0; tree < count; ++tree) {
    if (!filler.Fill(ensemble.trees[tree], tree)) return std::nullopt;
  }
  heaps.tails.shrink_to_fit();
  std::vector<uint16_t> numbers;
  std::optional<QuestionTable> table = questions.Build(numbers);
  if (!table.has_value()) return std::nullopt;
  heaps.questions = *std::move(table);
  Renumber(heaps, numbers);
  return heaps;
}

uint16_t HeapTrees::At(uint32_t tree, uint32_t place, uint32_t level) const {
  if (level < kTopLevels) return tops()[(size_t{tree} << top_levels()) + place];
  const uint32_t below = level - kTopLevels;
  const uint32_t block = (place >> below) - kTopPlaces;
  return Blocks(tree)[(size_t{block} << block_levels()) + ((1u << below) | (place & ((1u << below) - 1)))];
}

size_t HeapTrees::MemoryBytes() const {
  return questions.MemoryBytes() + lines.capacity() * sizeof(Line) + blocks.capacity() * sizeof(uint16_t) +
         leaves.capacity() * sizeof(float) + tails.capacity() * sizeof(TailNode) +
         outputs.capacity() * sizeof(uint32_t) + notes.MemoryBytes();
}

}  // namespace espalier
