#include "models/forest/key_walker.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "models/forest/prepared_row.h"

namespace espalier {
namespace {

// Trees in flight: as many cursors as there are registers for.
constexpr uint32_t kTrees = 10;
// Places of all heaps, of 5 bytes each.
constexpr size_t kMaxPlaces = size_t{1} << 16;
constexpr size_t kMaxSlots = 256;

using Slots = std::array<uint32_t, kMaxSlots>;

// The places of the heaps by tree << depth | place, in two arrays. One that asks nothing compares the largest
// value with the smallest key, and so goes right.
struct Places {
  std::vector<uint32_t> keys;
  std::vector<uint8_t> slots;

  explicit Places(size_t count) : keys(count, 0), slots(count, 0) {}
};

// The features that are asked, ascending.
std::vector<uint32_t> Features(const QuestionTable& questions) {
  std::vector<uint32_t> features;
  for (const QuestionTable::Part& part : questions.parts()) {
    if (features.empty() || features.back() != part.feature) features.push_back(part.feature);
  }
  return features;
}

// The slot and key of each question, by its number.
Places AskByKey(const QuestionTable& questions, const RowLayout& layout) {
  Places asked(questions.num_numbers());
  uint32_t index = 0;
  for (size_t i = 0; i < questions.parts().size(); ++i) {
    const QuestionTable::Part& part = questions.parts()[i];
    if (i > 0 && questions.parts()[i - 1].feature != part.feature) ++index;
    const float* const thresholds = questions.thresholds() + part.pivots + QuestionTable::kBucket;
    for (const bool default_left : {true, false}) {
      const uint32_t first = default_left ? part.left_first : part.right_first;
      if (first == QuestionTable::kNotAsked) continue;
      for (uint32_t rank = 0; rank < part.count; ++rank) {
        asked.keys[first + 1 + rank] = FloatKey(thresholds[rank]);
        asked.slots[first + 1 + rank] = static_cast<uint8_t>(layout.NumericSlot(index, default_left));
      }
    }
  }
  return asked;
}

// To the left child where the value is below the key. GCC 12 needs five more instructions for it than it
// takes.
inline void Step(uint32_t value, uint32_t key, size_t& place) {
#if defined(__x86_64__)
  asm("cmpl %[key], %[value]\n\tadcq %[place], %[place]"
      : [place] "+r"(place)
      : [key] "r"(key), [value] "rm"(value)
      : "cc");
#else
  place = 2 * place + static_cast<size_t>(value < key);
#endif
}

class KeyWalker final : public Kernel {
 public:
  KeyWalker(const HeapTrees& trees, RowLayout layout, uint32_t num_outputs)
      : trees_(trees),
        layout_(std::move(layout)),
        num_outputs_(num_outputs),
        places_(size_t{trees.num_trees()} << trees.depth) {
    const Places asked = AskByKey(trees.questions, layout_);
    for (uint32_t tree = 0; tree < trees.num_trees(); ++tree) {
      for (uint32_t level = 0; level < trees.depth; ++level) {
        for (uint32_t place = 1u << level; place < 2u << level; ++place) {
          const uint16_t question = trees.At(tree, place, level);
          places_.keys[(size_t{tree} << trees.depth) + place] = asked.keys[question];
          places_.slots[(size_t{tree} << trees.depth) + place] = asked.slots[question];
        }
      }
    }
  }

  std::string_view Name() const override { return "key_walker"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    AddMarginsOfDepth<HeapTrees::kMaxDepth>(rows, trees, margins);
  }

  size_t MemoryBytes() const override {
    return sizeof(*this) + layout_.MemoryBytes() + places_.keys.capacity() * sizeof(uint32_t) +
           places_.slots.capacity();
  }

 private:
  template <uint32_t kDepth>
  void AddMarginsOfDepth(const Rows& rows, TreeRange trees, float* margins) const {
    if (trees_.depth == kDepth) return WalkRows<kDepth>(rows, trees, margins);
    if constexpr (kDepth > 1) AddMarginsOfDepth<kDepth - 1>(rows, trees, margins);
  }

  template <uint32_t kDepth>
  void WalkRows(const Rows& rows, TreeRange trees, float* margins) const {
    Slots slots;
    for (size_t row = 0; row < rows.count; ++row, margins += num_outputs_) {
      layout_.Prepare(rows.data + row * rows.stride, slots.data());
      uint32_t tree = trees.begin;
      for (; tree + kTrees <= trees.end; tree += kTrees) AddGroup<kDepth, kTrees>(tree, slots, margins);
      for (; tree + kTrees / 2 <= trees.end; tree += kTrees / 2)
        AddGroup<kDepth, kTrees / 2>(tree, slots, margins);
      for (; tree < trees.end; ++tree) AddGroup<kDepth, 1>(tree, slots, margins);
    }
  }

  template <uint32_t kDepth, uint32_t kCount>
  void AddGroup(uint32_t tree, const Slots& slots, float* margins) const {
    const size_t first = size_t{tree} << kDepth;
    size_t at[kCount];
    Descend<kDepth>(places_.keys.data() + first, places_.slots.data() + first, slots.data(), at,
                    std::make_index_sequence<kCount>());
    const float* const leaves = trees_.Leaves(tree) - (size_t{1} << kDepth);
    const uint32_t* const outputs = trees_.outputs.data() + tree;
    for (uint32_t i = 0; i < kCount; ++i) {
      margins[num_outputs_ == 1 ? 0 : outputs[i]] += leaves[(size_t{i} << kDepth) + at[i]];
    }
  }

  // From the roots of trees that follow each other to the places of their leaves. Not inlined, so that its
  // registers are its own.
  template <uint32_t kDepth, size_t... kTree>
  [[gnu::noinline]] static void Descend(const uint32_t* keys, const uint8_t* reads, const uint32_t* slots,
                                        size_t* leaves, std::index_sequence<kTree...>) {
    std::array<size_t, sizeof...(kTree)> at;
    at.fill(1);
#pragma GCC unroll 8
    for (uint32_t level = 0; level < kDepth; ++level) {
      (Step(slots[reads[(kTree << kDepth) + at[kTree]]], keys[(kTree << kDepth) + at[kTree]], at[kTree]),
       ...);
    }
    ((leaves[kTree] = at[kTree]), ...);
  }

  const HeapTrees& trees_;
  const RowLayout layout_;
  const uint32_t num_outputs_;
  Places places_;
};

}  // namespace

std::unique_ptr<const Kernel> MakeKeyWalker(const HeapTrees& trees, uint32_t num_features,
                                            uint32_t num_outputs) {
  if (trees.HasTails() || !trees.questions.sets().empty()) return nullptr;
  if ((size_t{trees.num_trees()} << trees.depth) > kMaxPlaces) return nullptr;
  RowLayout layout(num_features, Features(trees.questions), {});
  if (layout.num_slots() > kMaxSlots) return nullptr;
  return std::make_unique<KeyWalker>(trees, std::move(layout), num_outputs);
}

}  // namespace espalier
