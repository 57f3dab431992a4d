#include "models/forest/answer_walker.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/forest/answer_walker.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "models/forest/find_rank-inl.h"

#ifndef ESPALIER_MODELS_FOREST_ANSWER_WALKER_ONCE_
#define ESPALIER_MODELS_FOREST_ANSWER_WALKER_ONCE_
namespace espalier {

// Answers are written in pieces of up to this many bytes, which may go beyond the last number.
inline constexpr size_t kAnswerPiece = 64;

// 256 times no, then yes: the answers to the questions of a part are a window of it.
struct alignas(64) AnswerSteps {
  static constexpr size_t kNo = 256;
  constexpr AnswerSteps() : bytes() {
    for (size_t i = kNo; i < sizeof(bytes); ++i) bytes[i] = 1;
  }
  uint8_t bytes[2 * kNo + kAnswerPiece];
};
inline constexpr AnswerSteps kAnswerSteps;

}  // namespace espalier
#endif  // ESPALIER_MODELS_FOREST_ANSWER_WALKER_ONCE_

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Trees in flight.
inline constexpr uint32_t kTrees = 12;
inline constexpr uint32_t kStepsBetweenChecks = 3;

// answers[0] to answers[count]: yes above the rank. May write beyond.
HWY_INLINE void AnswerAbove(uint32_t rank, uint32_t count, uint8_t* answers) {
  const hn::CappedTag<uint8_t, kAnswerPiece> d;
  const uint8_t* const steps = kAnswerSteps.bytes + AnswerSteps::kNo - 1 - rank;
  for (size_t i = 0; i <= count; i += hn::Lanes(d)) hn::StoreU(hn::LoadU(d, steps + i), d, answers + i);
}

HWY_INLINE float LoadFloat(const std::byte* row, uint32_t feature) {
  float value;
  std::memcpy(&value, row + size_t{feature} * sizeof(value), sizeof(value));
  return value;
}

// Parts ascend with their numbers, and so do the sets after them: what goes beyond a part is overwritten.
HWY_INLINE void Answer(const QuestionTable& table, const std::byte* row, uint8_t* answers) {
  answers[0] = 0;
  for (const QuestionTable::Part& part : table.parts()) {
    const float value = LoadFloat(row, part.feature);
    const uint32_t rank = FindRank(table.thresholds() + part.pivots, value);
    if (part.left_first != QuestionTable::kNotAsked) AnswerAbove(rank, part.count, answers + part.left_first);
    if (part.right_first != QuestionTable::kNotAsked) {
      AnswerAbove(value != value ? part.count : rank, part.count, answers + part.right_first);
    }
  }
  for (const QuestionTable::Sets& sets : table.sets()) {
    const uint64_t* const bits = table.Answers(sets, sets.RowOf(LoadFloat(row, sets.feature)));
    uint8_t* out = answers + sets.first;
    for (uint32_t word = 0; word < sets.words(); ++word) {
      for (uint32_t byte = 0; byte < 8; ++byte, out += 8) {
        // Each bit of a byte to a byte of its own.
        const uint64_t copies = (bits[word] >> (8 * byte) & 0xff) * 0x0101010101010101u;
        const uint64_t chosen = copies & 0x8040201008040201u;
        const uint64_t ones = ((chosen + 0x7f7f7f7f7f7f7f7fu) | chosen) >> 7 & 0x0101010101010101u;
        std::memcpy(out, &ones, sizeof(ones));
      }
    }
  }
}

// Walks one row, for which `answers` are made.
template <uint32_t kDepth>
class RowWalk {
 public:
  RowWalk(const HeapTrees& trees, const uint8_t* answers) : trees_(trees), answers_(answers) {}

  HWY_INLINE void AddLeaves(TreeRange range, uint32_t num_outputs, float* margins) const {
    uint32_t tree = range.begin;
    for (; tree + kTrees <= range.end; tree += kTrees) AddGroup<kTrees>(tree, num_outputs, margins);
    for (; tree < range.end; ++tree) AddGroup<1>(tree, num_outputs, margins);
  }

 private:
  static constexpr uint32_t kTopLevels = std::min(kDepth, HeapTrees::kTopLevels);
  static constexpr uint32_t kBlockLevels = kDepth - kTopLevels;

  HWY_INLINE size_t Step(const uint16_t* questions, size_t place) const {
    return 2 * place + answers_[questions[place]];
  }

  template <uint32_t kCount>
  HWY_INLINE void AddGroup(uint32_t tree, uint32_t num_outputs, float* margins) const {
    const uint16_t* const questions = trees_.tops() + (size_t{tree} << kTopLevels);
    size_t at[kCount];
    std::fill_n(at, kCount, size_t{1});
    for (uint32_t level = 0; level < kTopLevels; ++level) {
      for (uint32_t i = 0; i < kCount; ++i) at[i] = Step(questions + (size_t{i} << kTopLevels), at[i]);
    }
    if constexpr (kBlockLevels > 0) WalkBlocks<kCount>(tree, at);
    const float* const leaves = trees_.Leaves(tree) - (size_t{1} << kDepth);
    float weights[kCount];
    for (uint32_t i = 0; i < kCount; ++i) weights[i] = leaves[(size_t{i} << kDepth) + at[i]];
    if (trees_.HasTails()) WalkTails<kCount>(weights);
    if (num_outputs == 1) {
      float sum = *margins;
      for (uint32_t i = 0; i < kCount; ++i) sum += weights[i];
      *margins = sum;
    } else {
      const uint32_t* const outputs = trees_.outputs.data() + tree;
      for (uint32_t i = 0; i < kCount; ++i) margins[outputs[i]] += weights[i];
    }
  }

  // From the places of the seventh level to those of the leaves.
  template <uint32_t kCount>
  HWY_INLINE void WalkBlocks(uint32_t tree, size_t* at) const {
    const uint16_t* const blocks = trees_.Blocks(tree);
    size_t first[kCount];
    for (uint32_t i = 0; i < kCount; ++i) {
      first[i] = ((size_t{i} << kTopLevels) + at[i] - (1u << kTopLevels)) << kBlockLevels;
      // The leaves of a block follow each other, too.
      __builtin_prefetch(trees_.Leaves(tree) + first[i]);
      at[i] = 1;
    }
    for (uint32_t level = 0; level < kBlockLevels; ++level) {
      for (uint32_t i = 0; i < kCount; ++i) at[i] = Step(blocks + first[i], at[i]);
    }
    for (uint32_t i = 0; i < kCount; ++i) {
      at[i] += first[i] - (size_t{i} << kDepth) + (size_t{1} << kDepth) - (1u << kBlockLevels);
    }
  }

  // From the tail nodes that the leaves name to their leaves.
  template <uint32_t kCount>
  HWY_INLINE void WalkTails(float* weights) const {
    std::array<const HeapTrees::TailNode*, kCount> at;
    for (uint32_t i = 0; i < kCount; ++i) at[i] = trees_.Tail(weights[i]);
    do {
      for (uint32_t step = 0; step < kStepsBetweenChecks; ++step) {
        for (const HeapTrees::TailNode*& node : at) node += size_t{node->right} - answers_[node->question];
      }
    } while (
        std::any_of(at.begin(), at.end(), [](const HeapTrees::TailNode* node) { return node->right != 0; }));
    for (uint32_t i = 0; i < kCount; ++i) weights[i] = at[i]->leaf;
  }

  const HeapTrees& trees_;
  const uint8_t* const answers_;
};

template <uint32_t kDepth>
void WalkRows(const HeapTrees& trees, uint32_t num_outputs, const Rows& rows, TreeRange range,
              uint8_t* answers, float* margins) {
  for (size_t i = 0; i < rows.count; ++i) {
    Answer(trees.questions, rows.data + i * rows.stride, answers);
    RowWalk<kDepth>(trees, answers).AddLeaves(range, num_outputs, margins + i * num_outputs);
  }
}

template <uint32_t kDepth>
void WalkRowsOfDepth(const HeapTrees& trees, uint32_t num_outputs, const Rows& rows, TreeRange range,
                     uint8_t* answers, float* margins) {
  if (trees.depth == kDepth) return WalkRows<kDepth>(trees, num_outputs, rows, range, answers, margins);
  if constexpr (kDepth > 1) WalkRowsOfDepth<kDepth - 1>(trees, num_outputs, rows, range, answers, margins);
}

void WalkByAnswers(const HeapTrees& trees, uint32_t num_outputs, const Rows& rows, TreeRange range,
                   uint8_t* answers, float* margins) {
  WalkRowsOfDepth<HeapTrees::kMaxDepth>(trees, num_outputs, rows, range, answers, margins);
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

HWY_EXPORT(WalkByAnswers);

struct AnswerBuffer {
  hwy::AlignedFreeUniquePtr<uint8_t[]> answers;
  size_t size = 0;
};

class AnswerWalker final : public Kernel {
 public:
  AnswerWalker(const HeapTrees& trees, uint32_t num_outputs) : trees_(trees), num_outputs_(num_outputs) {}

  std::string_view Name() const override { return "answer_walker"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    HWY_DYNAMIC_DISPATCH(WalkByAnswers)(trees_, num_outputs_, rows, trees, Answers(), margins);
  }

  size_t MemoryBytes() const override { return 0; }

 private:
  // Room for the answers of a row. One a thread, grown to the largest forest that the thread has seen.
  uint8_t* Answers() const {
    static thread_local AnswerBuffer buffer;
    const size_t size = trees_.questions.num_numbers() + kAnswerPiece;
    if (buffer.size < size) {
      buffer.answers = hwy::AllocateAligned<uint8_t>(size);
      buffer.size = size;
    }
    return buffer.answers.get();
  }

  const HeapTrees& trees_;
  const uint32_t num_outputs_;
};

}  // namespace

std::unique_ptr<const Kernel> MakeAnswerWalker(const HeapTrees& trees, uint32_t num_outputs) {
  return std::make_unique<AnswerWalker>(trees, num_outputs);
}

}  // namespace espalier
#endif  // HWY_ONCE
