#include "models/forest/rank_walker.h"

#include <algorithm>

#include "models/forest/rank_rows.h"

namespace espalier {
namespace {

// Trees in flight: enough to hide the loads of one step behind those of the others.
constexpr uint32_t kTrees = 8;

template <uint32_t kDepth>
class RankWalker final : public Kernel {
 public:
  RankWalker(const HeapTrees& trees, uint32_t num_outputs) : trees_(trees), num_outputs_(num_outputs) {}

  std::string_view Name() const override { return "rank_walker"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    uint8_t slots[RankTable::kMaxSlots + 1];
    for (size_t row = 0; row < rows.count; ++row) {
      RankRow(trees_.ranks, rows.data + row * rows.stride, slots);
      AddRow(slots, trees, margins + row * num_outputs_);
    }
  }

  size_t MemoryBytes() const override { return 0; }

 private:
  static constexpr uint32_t kTopLevels = std::min(kDepth, HeapTrees::kTopLevels);
  static constexpr uint32_t kBlockLevels = kDepth - kTopLevels;

  void AddRow(const uint8_t* slots, TreeRange trees, float* margins) const {
    uint32_t tree = trees.begin;
    for (; tree + kTrees <= trees.end; tree += kTrees) AddGroup<kTrees>(slots, tree, margins);
    for (; tree < trees.end; ++tree) AddGroup<1>(slots, tree, margins);
  }

  template <uint32_t kCount>
  void AddGroup(const uint8_t* slots, uint32_t tree, float* margins) const {
    uint32_t places[kCount];
    std::fill_n(places, kCount, 1u);
    for (uint32_t level = 0; level < kTopLevels; ++level) {
      for (uint32_t i = 0; i < kCount; ++i) {
        const HeapTrees::Top& top = trees_.tops[tree + i];
        places[i] = 2 * places[i] + (slots[top.slots[places[i]]] < top.ranks[places[i]]);
      }
    }
    for (uint32_t i = 0; i < kCount; ++i) places[i] -= 1u << kTopLevels;
    if constexpr (kBlockLevels > 0) {
      for (uint32_t i = 0; i < kCount; ++i) places[i] = WalkBlock(slots, tree + i, places[i]);
    }
    const float* leaves = trees_.leaves.data() + (size_t{tree} << kDepth);
    const uint32_t* outputs = trees_.outputs.data() + tree;
    for (uint32_t i = 0; i < kCount; ++i) margins[outputs[i]] += leaves[(i << kDepth) + places[i]];
  }

  uint32_t WalkBlock(const uint8_t* slots, uint32_t tree, uint32_t block) const {
    const RankTable::Question* questions =
        trees_.blocks.data() + (((size_t{tree} << kTopLevels) + block) << kBlockLevels);
    uint32_t place = 1;
    for (uint32_t level = 0; level < kBlockLevels; ++level) {
      const RankTable::Question question = questions[place];
      place = 2 * place + (slots[question.slot] < question.rank);
    }
    return (block << kBlockLevels) + place - (1u << kBlockLevels);
  }

  const HeapTrees& trees_;
  const uint32_t num_outputs_;
};

template <uint32_t kDepth>
std::unique_ptr<const Kernel> Make(const HeapTrees& trees, uint32_t num_outputs) {
  if constexpr (kDepth > 1) {
    if (trees.depth != kDepth) return Make<kDepth - 1>(trees, num_outputs);
  }
  return std::make_unique<RankWalker<kDepth>>(trees, num_outputs);
}

}  // namespace

std::unique_ptr<const Kernel> MakeRankWalker(const HeapTrees& trees, uint32_t num_outputs) {
  return Make<HeapTrees::kMaxDepth>(trees, num_outputs);
}

}  // namespace espalier
