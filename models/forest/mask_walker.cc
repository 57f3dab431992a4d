#include "models/forest/mask_walker.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#define ESPALIER_AVX512_VBMI [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi2,popcnt")]]

namespace espalier {
namespace {

// Trees whose masks are made before they are walked, so that the stores of masks have landed.
constexpr uint32_t kChunk = 64;
constexpr uint32_t kLanes = 8;

// A row's ranks by slot; one more place for slots that no node asks.
struct alignas(64) RankedRow {
  uint8_t slots[RankTable::kMaxSlots + 64];
};

ESPALIER_AVX512_VBMI inline uint32_t CountAtOrBelow(const float* thresholds, __m512 x) {
  return static_cast<uint32_t>(
      __builtin_popcount(_mm512_cmp_ps_mask(_mm512_loadu_ps(thresholds), x, _CMP_LE_OQ)));
}

ESPALIER_AVX512_VBMI inline void RankRow(const RankTable& table, const std::byte* row, RankedRow& out) {
  for (const RankTable::Part& part : table.parts()) {
    float value;
    std::memcpy(&value, row + size_t{part.index} * sizeof(value), sizeof(value));
    const __m512 x = _mm512_set1_ps(value);
    const float* pivots = table.thresholds() + part.pivots;
    const uint32_t bucket = CountAtOrBelow(pivots, x) * RankTable::kBucket;
    const uint32_t rank = bucket + CountAtOrBelow(pivots + RankTable::kBucket + bucket, x);
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
ESPALIER_AVX512_VBMI inline void MakeMasks(const HeapTrees::Top* tops, uint32_t count, const RankedRow& row,
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
  MaskWalker(const HeapTrees& trees, uint32_t num_outputs) : trees_(trees), num_outputs_(num_outputs) {}

  std::string_view Name() const override { return "mask_walker"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    for (size_t i = 0; i < rows.count; ++i) {
      AddRow(rows.data + i * rows.stride, trees, margins + i * num_outputs_);
    }
  }

  size_t MemoryBytes() const override { return 0; }

 private:
  static constexpr uint32_t kTopLevels = std::min(kDepth, HeapTrees::kTopLevels);
  static constexpr uint32_t kBlockLevels = kDepth - kTopLevels;

  ESPALIER_AVX512_VBMI void AddRow(const std::byte* data, TreeRange range, float* margins) const {
    RankedRow row;
    RankRow(trees_.ranks, data, row);
    alignas(64) uint64_t masks[kChunk];
    alignas(64) uint64_t places[kChunk];
    for (uint32_t begin = range.begin; begin < range.end; begin += kChunk) {
      const uint32_t count = std::min(kChunk, range.end - begin);
      MakeMasks<kRegisters>(trees_.tops.data() + begin, count, row, masks);
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
      __builtin_prefetch(trees_.blocks.data() + (block << kBlockLevels));
      __builtin_prefetch(trees_.leaves.data() + (block << kBlockLevels));
    }
  }

  // The leaf below a place of the seventh level.
  uint64_t Leaf(const RankedRow& row, uint32_t tree, uint64_t place) const {
    const uint64_t block = place - (1u << kTopLevels);
    if constexpr (kBlockLevels == 0) return block;
    const RankTable::Question* questions =
        trees_.blocks.data() + (((size_t{tree} << kTopLevels) + block) << kBlockLevels);
    uint32_t inside = 1;
    for (uint32_t level = 0; level < kBlockLevels; ++level) {
      const RankTable::Question question = questions[inside];
      inside = 2 * inside + (row.slots[question.slot] < question.rank);
    }
    return (block << kBlockLevels) + inside - (1u << kBlockLevels);
  }

  const HeapTrees& trees_;
  const uint32_t num_outputs_;
};

bool HasVbmi() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("bmi2");
}

template <uint32_t kDepth>
std::unique_ptr<const Kernel> Make(const HeapTrees& trees, uint32_t num_outputs) {
  if (trees.depth != kDepth) {
    if constexpr (kDepth > 1) return Make<kDepth - 1>(trees, num_outputs);
    return nullptr;
  }
  const size_t slots = trees.ranks.num_slots();
  if (slots <= 64) return std::make_unique<MaskWalker<kDepth, 1>>(trees, num_outputs);
  if (slots <= 128) return std::make_unique<MaskWalker<kDepth, 2>>(trees, num_outputs);
  return std::make_unique<MaskWalker<kDepth, 4>>(trees, num_outputs);
}

}  // namespace

std::unique_ptr<const Kernel> MakeMaskWalker(const HeapTrees& trees, uint32_t num_outputs) {
  if (!HasVbmi()) return nullptr;
  return Make<HeapTrees::kMaxDepth>(trees, num_outputs);
}

}  // namespace espalier
