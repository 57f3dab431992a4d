#include "models/forest/bit_slicer.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/forest/bit_slicer.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "models/forest/find_rank-inl.h"

#ifndef ESPALIER_MODELS_FOREST_BIT_SLICER_ONCE_
#define ESPALIER_MODELS_FOREST_BIT_SLICER_ONCE_
namespace espalier {

// The rows of a block, at most: one vector of bits.
inline constexpr size_t kMaxBlockRows = 256;

// What the slicer makes of the trees once.
struct SlicedTrees {
  const HeapTrees* trees;
  uint32_t num_outputs;
  // The vector of the question with rank r of a slot is first[slot] + r. Ranks 0 and count + 1 exist too: no
  // row answers the first, and those that answer none go to the last.
  std::vector<uint32_t> first;
  uint32_t num_vectors = 0;
  // vectors[tree << depth | place]
  std::vector<uint16_t> vectors;
};

// Buffers of a thread for one block.
struct BlockBuffers {
  hwy::AlignedFreeUniquePtr<uint64_t[]> bits;
  size_t num_words = 0;
  std::vector<float> margins;
};

}  // namespace espalier
#endif  // ESPALIER_MODELS_FOREST_BIT_SLICER_ONCE_

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// `yes` where a bit of `choice` is set, else `no`.
template <class V>
HWY_INLINE V ChooseBits(V choice, V yes, V no) {
#if HWY_TARGET <= HWY_AVX3
  // One instruction. (Below AVX-512 this function chooses whole bytes.)
  return hn::IfVecThenElse(choice, yes, no);
#else
  return hn::Or(hn::And(choice, yes), hn::AndNot(choice, no));
#endif
}

// One block: up to 64 rows for each lane of D, a vector of 64-bit words.
template <class D>
class Block {
 public:
  using V = hn::Vec<D>;
  static size_t MaxRows() { return 64 * hn::Lanes(D()); }

  Block(const SlicedTrees& sliced, BlockBuffers& buffers)
      : sliced_(sliced), trees_(*sliced.trees), words_(hn::Lanes(D())), bits_(buffers.bits.get()) {}

  // Bits of all questions, for `count` rows.
  void Ask(const std::byte* data, size_t stride, size_t count) {
    for (const RankTable::Part& part : trees_.ranks.parts()) {
      const std::byte* column = data + size_t{part.index} * sizeof(float);
      const bool has_right = part.right_slot < trees_.ranks.num_slots();
      const bool has_left = part.left_slot < trees_.ranks.num_slots();
      uint64_t* vectors = bits_ + sliced_.first[has_right ? part.right_slot : part.left_slot] * words_;
      alignas(64) uint64_t missing[kMaxBlockRows / 64] = {};
      SortRows(part, column, stride, count, has_right ? part.count : 0, vectors, missing);
      if (has_right && has_left) {
        Spread<true>(part.count, vectors, missing, bits_ + sliced_.first[part.left_slot] * words_);
      } else {
        Spread<false>(part.count, vectors, missing, vectors);
      }
    }
  }

  // planes[level * words_]: one bit of the leaves' numbers, from the most significant on.
  template <uint32_t kDepth>
  void FindPlanes(uint32_t tree, uint64_t* planes) const {
    V plane[kDepth];
    Descend<0, kDepth>(sliced_.vectors.data() + (size_t{tree} << kDepth), plane);
    for (uint32_t level = 0; level < kDepth; ++level) hn::Store(plane[level], D(), planes + level * words_);
  }

 private:
  // Sets the row's bit in vectors[rank + 1], and in `missing`.
  HWY_INLINE void SortRows(const RankTable::Part& part, const std::byte* column, size_t stride, size_t count,
                           uint32_t missing_rank, uint64_t* vectors, uint64_t* missing) {
    std::memset(vectors, 0, (size_t{part.count} + 2) * words_ * sizeof(uint64_t));
    const float* pivots = trees_.ranks.thresholds() + part.pivots;
    auto* after = reinterpret_cast<uint8_t*>(vectors + words_);
    auto* missing_bytes = reinterpret_cast<uint8_t*>(missing);
    const size_t vector_bytes = words_ * sizeof(uint64_t);
    const auto sort = [&](size_t byte, uint32_t bit) {
      float value;
      std::memcpy(&value, column + (8 * byte + bit) * stride, sizeof(value));
      const bool is_missing = value != value;
      const uint32_t rank = is_missing ? missing_rank : FindRank(pivots, value);
      after[rank * vector_bytes + byte] |= static_cast<uint8_t>(1u << bit);
      return static_cast<uint32_t>(is_missing) << bit;
    };
    for (size_t byte = 0; byte < count / 8; ++byte) {
      uint32_t bits = 0;
      for (uint32_t bit = 0; bit < 8; ++bit) bits |= sort(byte, bit);
      missing_bytes[byte] = static_cast<uint8_t>(bits);
    }
    for (uint32_t bit = 0; bit < count % 8; ++bit) missing_bytes[count / 8] |= sort(count / 8, bit);
  }

  // A row answers all questions above its rank. With kBoth, `left` gets the same and the missing ones.
  template <bool kBoth>
  HWY_INLINE void Spread(uint32_t count, uint64_t* vectors, const uint64_t* missing, uint64_t* left) {
    const D d;
    const V missing_rows = hn::Load(d, missing);
    V sum = hn::Zero(d);
    if (kBoth) hn::Store(sum, d, left);
    for (uint32_t i = 1; i <= count; ++i) {
      sum = hn::Or(sum, hn::Load(d, vectors + i * words_));
      hn::Store(sum, d, vectors + i * words_);
      if (kBoth) hn::Store(hn::Or(sum, missing_rows), d, left + i * words_);
    }
  }

  template <uint32_t kLevel, uint32_t kDepth>
  HWY_INLINE void Descend(const uint16_t* vectors, V* plane) const {
    if constexpr (kLevel < kDepth) {
      plane[kLevel] = Select<kLevel>(vectors + (1u << kLevel), plane);
      Descend<kLevel + 1, kDepth>(vectors, plane);
    }
  }

  // The answers to the question that each row meets among 2^kLevels, by the planes of the levels before.
  template <uint32_t kLevels>
  HWY_INLINE V Select(const uint16_t* vectors, const V* plane) const {
    if constexpr (kLevels == 0) {
      return hn::Load(D(), bits_ + size_t{*vectors} * words_);
    } else {
      const V right = Select<kLevels - 1>(vectors, plane + 1);
      const V left = Select<kLevels - 1>(vectors + (1u << (kLevels - 1)), plane + 1);
      return ChooseBits(*plane, left, right);
    }
  }

  const SlicedTrees& sliced_;
  const HeapTrees& trees_;
  const size_t words_;
  uint64_t* bits_;
};

#if HWY_TARGET <= HWY_AVX3
// Looks the leaves up in vector registers: 16 in each, 16 rows at a time.
template <uint32_t kDepth>
HWY_INLINE void AddFromRegisters(const uint64_t* planes, size_t words, const float* leaves, size_t count,
                                 float* margins) {
  static_assert(kDepth <= 6);
  const hn::ScalableTag<float> df;
  const hn::RebindToUnsigned<decltype(df)> du;
  for (size_t row = 0; row < count; row += hn::Lanes(df)) {
    const auto bits = [&](uint32_t level) {
      return hn::LoadMaskBits(du, reinterpret_cast<const uint8_t*>(planes + level * words) + row / 8);
    };
    auto index = hn::Zero(du);
    for (uint32_t i = 0; i < std::min(4u, kDepth); ++i) {
      index = hn::Or(index, hn::IfThenElseZero(bits(kDepth - 1 - i), hn::Set(du, 1u << i)));
    }
    const auto indices = hn::IndicesFromVec(df, index);
    const auto lookup = [&](uint32_t table) {
      return hn::TableLookupLanes(hn::LoadU(df, leaves + table * 16), indices);
    };
    auto value = lookup(0);
    if constexpr (kDepth == 5) value = hn::IfThenElse(hn::RebindMask(df, bits(0)), lookup(1), value);
    if constexpr (kDepth == 6) {
      const auto low = hn::RebindMask(df, bits(1));
      value = hn::IfThenElse(low, lookup(1), value);
      value = hn::IfThenElse(hn::RebindMask(df, bits(0)), hn::IfThenElse(low, lookup(3), lookup(2)), value);
    }
    hn::StoreU(hn::Add(hn::LoadU(df, margins + row), value), df, margins + row);
  }
}
#endif

#if HWY_TARGET == HWY_SCALAR
// The numbers of the leaves of rows [row, row + RowsAtOnce()).
HWY_INLINE size_t RowsAtOnce() { return 1; }
template <uint32_t kDepth>
HWY_INLINE void NumberLeaves(const uint64_t* planes, size_t words, size_t row, uint8_t* numbers) {
  uint32_t number = 0;
  for (uint32_t level = 0; level < kDepth; ++level) {
    number = 2 * number + (planes[level * words + row / 64] >> (row % 64) & 1);
  }
  *numbers = static_cast<uint8_t>(number);
}
#else
HWY_INLINE size_t RowsAtOnce() { return hn::Lanes(hn::CappedTag<uint8_t, 32>()); }
template <uint32_t kDepth>
HWY_INLINE void NumberLeaves(const uint64_t* planes, size_t words, size_t row, uint8_t* numbers) {
  const hn::CappedTag<uint8_t, 32> d;
  auto number = hn::Zero(d);
  for (uint32_t level = 0; level < kDepth; ++level) {
    const auto* bits = reinterpret_cast<const uint8_t*>(planes + level * words) + row / 8;
    const auto bit = hn::Set(d, static_cast<uint8_t>(1u << (kDepth - 1 - level)));
    number = hn::Or(number, hn::IfThenElseZero(hn::LoadMaskBits(d, bits), bit));
  }
  hn::Store(number, d, numbers);
}
#endif

// Adds the leaves that the planes (of `words` words) name to `count` margins, a multiple of the lanes.
template <uint32_t kDepth>
void AddLeaves(const uint64_t* planes, size_t words, const float* leaves, size_t count, float* margins) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (kDepth <= 6) return AddFromRegisters<kDepth>(planes, words, leaves, count, margins);
#endif
  alignas(64) uint8_t numbers[64];
  for (size_t row = 0; row < count; row += RowsAtOnce()) {
    NumberLeaves<kDepth>(planes, words, row, numbers);
    for (size_t i = 0; i < RowsAtOnce(); ++i) margins[row + i] += leaves[numbers[i]];
  }
}

template <uint32_t kDepth, class D>
void AddTrees(const SlicedTrees& sliced, const Rows& rows, TreeRange range, float* margins,
              BlockBuffers& buffers) {
  const uint32_t width = sliced.num_outputs;
  const size_t max_rows = Block<D>::MaxRows();
  const size_t words = hn::Lanes(D());
  Block<D> block(sliced, buffers);
  alignas(64) uint64_t planes[HeapTrees::kMaxDepth * kMaxBlockRows / 64 + 8];
  for (size_t first = 0; first < rows.count; first += max_rows) {
    const size_t count = std::min(max_rows, rows.count - first);
    // Lookups go in whole vectors.
    const size_t rounded = std::min(max_rows, (count + 31) / 32 * 32);
    block.Ask(rows.data + first * rows.stride, rows.stride, count);
    float* sums = buffers.margins.data();
    float* out = margins + first * width;
    for (size_t row = 0; row < count; ++row) {
      for (uint32_t i = 0; i < width; ++i) sums[i * max_rows + row] = out[row * width + i];
    }
    for (uint32_t tree = range.begin; tree < range.end; ++tree) {
      block.template FindPlanes<kDepth>(tree, planes);
      AddLeaves<kDepth>(planes, words, sliced.trees->leaves.data() + (size_t{tree} << kDepth), rounded,
                        sums + sliced.trees->outputs[tree] * max_rows);
    }
    for (size_t row = 0; row < count; ++row) {
      for (uint32_t i = 0; i < width; ++i) out[row * width + i] = sums[i * max_rows + row];
    }
  }
}

template <uint32_t kDepth>
void AddTreesOfDepth(const SlicedTrees& sliced, const Rows& rows, TreeRange range, float* margins,
                     BlockBuffers& buffers) {
  if (sliced.trees->depth != kDepth) {
    if constexpr (kDepth > 1) AddTreesOfDepth<kDepth - 1>(sliced, rows, range, margins, buffers);
  } else if (rows.count <= 64) {
    AddTrees<kDepth, hn::CappedTag<uint64_t, 1>>(sliced, rows, range, margins, buffers);
  } else {
    AddTrees<kDepth, hn::CappedTag<uint64_t, 4>>(sliced, rows, range, margins, buffers);
  }
}

void SliceTrees(const SlicedTrees& sliced, const Rows& rows, TreeRange range, float* margins,
                BlockBuffers& buffers) {
  AddTreesOfDepth<HeapTrees::kMaxDepth>(sliced, rows, range, margins, buffers);
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

HWY_EXPORT(SliceTrees);

class BitSlicer final : public Kernel {
 public:
  BitSlicer(const HeapTrees& trees, uint32_t num_outputs) {
    sliced_.trees = &trees;
    sliced_.num_outputs = num_outputs;
    for (size_t slot = 0; slot <= trees.ranks.num_slots(); ++slot) {
      sliced_.first.push_back(sliced_.num_vectors);
      const uint32_t count = slot < trees.ranks.num_slots() ? trees.ranks.CountOf(slot) : 255;
      sliced_.num_vectors += count + 2;
    }
    sliced_.vectors.resize(size_t{trees.num_trees()} << trees.depth);
    for (uint32_t tree = 0; tree < trees.num_trees(); ++tree) FillTree(tree);
  }

  std::string_view Name() const override { return "bit_slicer"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    HWY_DYNAMIC_DISPATCH(SliceTrees)(sliced_, rows, trees, margins, Buffers());
  }

  size_t MemoryBytes() const override {
    return sliced_.vectors.capacity() * sizeof(uint16_t) + sliced_.first.capacity() * sizeof(uint32_t);
  }

 private:
  void FillTree(uint32_t tree) {
    const HeapTrees& trees = *sliced_.trees;
    uint16_t* vectors = sliced_.vectors.data() + (size_t{tree} << trees.depth);
    for (uint32_t level = 0; level < trees.depth; ++level) {
      for (uint32_t place = 1u << level; place < 2u << level; ++place) {
        const RankTable::Question question = trees.At(tree, place, level);
        vectors[place] = static_cast<uint16_t>(sliced_.first[question.slot] + question.rank);
      }
    }
  }

  BlockBuffers& Buffers() const {
    static thread_local BlockBuffers buffers;
    const size_t words = size_t{sliced_.num_vectors} * kMaxBlockRows / 64;
    if (buffers.num_words < words) {
      buffers.bits = hwy::AllocateAligned<uint64_t>(words);
      buffers.num_words = words;
    }
    const size_t margins = size_t{sliced_.num_outputs} * kMaxBlockRows;
    if (buffers.margins.size() < margins) buffers.margins.resize(margins);
    return buffers;
  }

  SlicedTrees sliced_;
};

}  // namespace

std::unique_ptr<const Kernel> MakeBitSlicer(const HeapTrees& trees, uint32_t num_outputs) {
  return std::make_unique<BitSlicer>(trees, num_outputs);
}

}  // namespace espalier
#endif  // HWY_ONCE
