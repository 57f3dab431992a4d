#include "models/forest/mask_walker.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#define ESPALIER_AVX512_VBMI [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2,popcnt")]]

namespace espalier {
namespace {

// Trees whose masks are made before they are walked, so that the stores of masks have landed.
constexpr uint32_t kChunk = 64;
constexpr uint32_t kLanes = 8;

constexpr size_t kMaxSlots = 256;

// A row's ranks by slot; one more place for slots that no node asks.
struct alignas(64) RankedRow {
  uint8_t slots[kMaxSlots + 64];
};

// Where the rank of a value goes: a slot for each way of a missing value, kMaxSlots where no node has that
// way.
struct SlottedPart {
  uint32_t feature;
  uint32_t pivots;
  uint8_t count;
  uint16_t left_slot = kMaxSlots;
  uint16_t right_slot = kMaxSlots;
};

// A question as a comparison: slot < rank.
struct RankQuestion {
  uint8_t slot = 0;
  uint8_t rank = 0;
};

// The first six levels of a tree, by place.
struct alignas(64) Top {
  uint8_t slots[HeapTrees::kTopPlaces];
  uint8_t ranks[HeapTrees::kTopPlaces];
};

// The heaps' questions as comparisons of ranks.
struct RankedTrees {
  std::vector<SlottedPart> parts;
  size_t num_slots = 0;
  std::vector<Top> tops;
  // By place, as in HeapTrees::blocks.
  std::vector<RankQuestion> blocks;
};

// Gives the parts slots, and each number of a question its comparison.
std::vector<RankQuestion> AssignSlots(const QuestionTable& table, RankedTrees& ranked) {
  std::vector<RankQuestion> questions(table.num_numbers());
  const auto assign = [&](const QuestionTable::Part& part, uint32_t first) -> uint16_t {
    if (first == QuestionTable::kNotAsked) return kMaxSlots;
    for (uint32_t rank = 0; rank <= part.count; ++rank) {
      questions[first + rank] = {static_cast<uint8_t>(ranked.num_slots), static_cast<uint8_t>(rank)};
    }
    return static_cast<uint16_t>(ranked.num_slots++);
  };
  for (const QuestionTable::Part& part : table.parts()) {
    ranked.parts.push_back({part.feature, part.pivots, static_cast<uint8_t>(part.count),
                            assign(part, part.left_first), assign(part, part.right_first)});
  }
  return questions;
}

// Nothing for more slots than a byte can tell apart.
std::optional<RankedTrees> RankTrees(const HeapTrees& trees) {
  size_t slots = 0;
  for (const QuestionTable::Part& part : trees.questions.parts()) {
    slots += (part.left_first != QuestionTable::kNotAsked) + (part.right_first != QuestionTable::kNotAsked);
  }
  if (slots > kMaxSlots) return std::nullopt;
  RankedTrees ranked;
  const std::vector<RankQuestion> questions = AssignSlots(trees.questions, ranked);
  const uint32_t places = 1u << trees.top_levels();
  ranked.tops.resize(trees.num_trees(), Top{});
  for (uint32_t tree = 0; tree < trees.num_trees(); ++tree) {
    for (uint32_t place = 1; place < places; ++place) {
      const RankQuestion question = questions[trees.tops()[size_t{tree} * places + place]];
      ranked.tops[tree].slots[place] = question.slot;
      ranked.tops[tree].ranks[place] = question.rank;
    }
  }
  ranked.blocks.reserve(trees.blocks.size());
  for (const uint16_t number : trees.blocks) ranked.blocks.push_back(questions[number]);
  return ranked;
}

ESPALIER_AVX512_VBMI inline uint32_t CountAtOrBelow(const float* thresholds, __m512 x) {
  return static_cast<uint32_t>(
      __builtin_popcount(_mm512_cmp_ps_mask(_mm512_loadu_ps(thresholds), x, _CMP_LE_OQ)));
}

ESPALIER_AVX512_VBMI inline void RankRow(const RankedTrees& table, const float* thresholds,
                                         const std::byte* row, RankedRow& out) {
  for (const SlottedPart& part : table.parts) {
    float value;
    std::memcpy(&value, row + size_t{part.feature} * sizeof(value), sizeof(value));
    const __m512 x = _mm512_set1_ps(value);
    const float* pivots = thresholds + part.pivots;
    const uint32_t bucket = CountAtOrBelow(pivots, x) * QuestionTable::kBucket;
    const uint32_t rank = bucket + CountAtOrBelow(pivots + QuestionTable::kBucket + bucket, x);
    out.slots[part.left_slot] = static_cast<uint8_t>(rank);
    out.slots[part.right_slot] = static_cast<uint8_t>(value != value ? part.count : rank);
  }
}

// The ranks in up to four registers of 64, and how places look theirs up.
template <uint32_t kRegisters>
struct RankRegisters {
  ESPALIER_AVX512_VBMI explicit RankRegisters(const RankedRow& row) {
    for (uint32_t i = 0; i < kRegisters; ++i) ranks[i] = _mm512_load_si512(row.slots + size_t{64} * i);
  }

  ESPALIER_AVX512_VBMI __m512i Lookup(__m512i slots) const {
    if constexpr (kRegisters == 1) return _mm512_permutexvar_epi8(slots, ranks[0]);
    if constexpr (kRegisters >= 2) {
      const __m512i low = _mm512_permutex2var_epi8(ranks[0], slots, ranks[1]);
      if constexpr (kRegisters == 2) return low;
      const __m512i high = _mm512_permutex2var_epi8(ranks[kRegisters - 2], slots, ranks[kRegisters - 1]);
      return _mm512_mask_blend_epi8(_mm512_movepi8_mask(slots), low, high);
    }
  }

  __m512i ranks[kRegisters];
};

template <uint32_t kRegisters>
ESPALIER_AVX512_VBMI inline void MakeMasks(const Top* tops, uint32_t count, const RankedRow& row,
                                           uint64_t* masks) {
  const RankRegisters<kRegisters> registers(row);
  for (uint32_t i = 0; i < count; ++i) {
    const __m512i values = registers.Lookup(_mm512_load_si512(tops[i].slots));
    masks[i] = _mm512_cmplt_epu8_mask(values, _mm512_load_si512(tops[i].ranks));
  }
}

// The places that eight trees' masks lead to after `levels` steps.
template <uint32_t kLevels>
ESPALIER_AVX512_VBMI inline __m512i WalkMasks(const uint64_t* masks) {
  const __m512i mask = _mm512_load_si512(masks);
  const __m512i one = _mm512_set1_epi64(1);
  __m512i place = one;
  for (uint32_t level = 0; level < kLevels; ++level) {
    const __m512i answers = _mm512_srlv_epi64(mask, place);
    // (place + place) | (answers & 1)
    place = _mm512_ternarylogic_epi64(_mm512_add_epi64(place, place), answers, one, 0xf8);
  }
  return place;
}

template <uint32_t kDepth, uint32_t kRegisters>
class MaskWalker final : public Kernel {
 public:
  MaskWalker(const HeapTrees& trees, RankedTrees ranked, uint32_t num_outputs)
      : trees_(trees), ranked_(std::move(ranked)), num_outputs_(num_outputs) {}

  std::string_view Name() const override { return "mask_walker"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    for (size_t i = 0; i < rows.count; ++i) {
      AddRow(rows.data + i * rows.stride, trees, margins + i * num_outputs_);
    }
  }

  size_t MemoryBytes() const override {
    return ranked_.parts.capacity() * sizeof(SlottedPart) + ranked_.tops.capacity() * sizeof(Top) +
           ranked_.blocks.capacity() * sizeof(RankQuestion);
  }

 private:
  static constexpr uint32_t kTopLevels = std::min(kDepth, HeapTrees::kTopLevels);
  static constexpr uint32_t kBlockLevels = kDepth - kTopLevels;

  ESPALIER_AVX512_VBMI void AddRow(const std::byte* data, TreeRange range, float* margins) const {
    RankedRow row;
    RankRow(ranked_, trees_.questions.thresholds(), data, row);
    alignas(64) uint64_t masks[kChunk];
    alignas(64) uint64_t places[kChunk];
    for (uint32_t begin = range.begin; begin < range.end; begin += kChunk) {
      const uint32_t count = std::min(kChunk, range.end - begin);
      MakeMasks<kRegisters>(ranked_.tops.data() + begin, count, row, masks);
      for (uint32_t i = 0; i < count; i += kLanes) {
        _mm512_store_si512(places + i, WalkMasks<kTopLevels>(masks + i));
      }
      if constexpr (kBlockLevels > 0) PrefetchBlocks(begin, count, places);
      AddLeaves(row, begin, count, places, margins);
    }
  }

  ESPALIER_AVX512_VBMI void AddLeaves(const RankedRow& row, uint32_t begin, uint32_t count,
                                      const uint64_t* places, float* margins) const {
    const float* leaves = trees_.leaves.data() + (size_t{begin} << kDepth);
    if (num_outputs_ == 1) {
      float sum = *margins;
      for (uint32_t i = 0; i < count; ++i) {
        sum += leaves[(size_t{i} << kDepth) + Leaf(row, begin + i, places[i])];
      }
      *margins = sum;
      return;
    }
    const uint32_t* outputs = trees_.outputs.data() + begin;
    for (uint32_t i = 0; i < count; ++i) {
      margins[outputs[i]] += leaves[(size_t{i} << kDepth) + Leaf(row, begin + i, places[i])];
    }
  }

  // The questions and leaves of the blocks, so that one tree's wait is not the next one's too.
  void PrefetchBlocks(uint32_t begin, uint32_t count, const uint64_t* places) const {
    for (uint32_t i = 0; i < count; ++i) {
      const size_t block = (size_t{begin + i} << kTopLevels) + places[i] - (1u << kTopLevels);
      __builtin_prefetch(ranked_.blocks.data() + (block << kBlockLevels));
      __builtin_prefetch(trees_.leaves.data() + (block << kBlockLevels));
    }
  }

  // The leaf below a place of the seventh level.
  uint64_t Leaf(const RankedRow& row, uint32_t tree, uint64_t place) const {
    const uint64_t block = place - (1u << kTopLevels);
    if constexpr (kBlockLevels == 0) return block;
    const RankQuestion* questions =
        ranked_.blocks.data() + (((size_t{tree} << kTopLevels) + block) << kBlockLevels);
    uint32_t inside = 1;
    for (uint32_t level = 0; level < kBlockLevels; ++level) {
      const RankQuestion question = questions[inside];
      inside = 2 * inside + (row.slots[question.slot] < question.rank);
    }
    return (block << kBlockLevels) + inside - (1u << kBlockLevels);
  }

  const HeapTrees& trees_;
  const RankedTrees ranked_;
  const uint32_t num_outputs_;
};

bool HasVbmi() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2");
}

template <uint32_t kDepth>
std::unique_ptr<const Kernel> Make(const HeapTrees& trees, RankedTrees ranked, uint32_t num_outputs) {
  if (trees.depth != kDepth) {
    if constexpr (kDepth > 1) return Make<kDepth - 1>(trees, std::move(ranked), num_outputs);
    return nullptr;
  }
  if (ranked.num_slots <= 64) {
    return std::make_unique<MaskWalker<kDepth, 1>>(trees, std::move(ranked), num_outputs);
  }
  if (ranked.num_slots <= 128) {
    return std::make_unique<MaskWalker<kDepth, 2>>(trees, std::move(ranked), num_outputs);
  }
  return std::make_unique<MaskWalker<kDepth, 4>>(trees, std::move(ranked), num_outputs);
}

}  // namespace

std::unique_ptr<const Kernel> MakeMaskWalker(const HeapTrees& trees, uint32_t num_outputs) {
  if (!HasVbmi() || trees.HasTails() || !trees.questions.sets().empty()) return nullptr;
  std::optional<RankedTrees> ranked = RankTrees(trees);
  if (!ranked.has_value()) return nullptr;
  return Make<HeapTrees::kMaxDepth>(trees, *std::move(ranked), num_outputs);
}

}  // namespace espalier
