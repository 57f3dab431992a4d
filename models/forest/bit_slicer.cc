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

// With more outputs than this, trees are added one after the other, whatever their output.
inline constexpr uint32_t kMaxGroupedOutputs = 32;

// Buffers of a thread for one block.
struct BlockBuffers {
  // A vector of bits for each question, by its number.
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

  Block(const HeapTrees& trees, BlockBuffers& buffers)
      : trees_(trees), words_(hn::Lanes(D())), bits_(buffers.bits.get()) {}

  // Bits of all questions, for `count` rows.
  void Ask(const std::byte* data, size_t stride, size_t count) {
    std::memset(bits_, 0, words_ * sizeof(uint64_t));
    for (const QuestionTable::Part& part : trees_.questions.parts()) {
      const std::byte* column = data + size_t{part.feature} * sizeof(float);
      const bool has_right = part.right_first != QuestionTable::kNotAsked;
      const bool has_left = part.left_first != QuestionTable::kNotAsked;
      uint64_t* vectors = bits_ + (has_right ? part.right_first : part.left_first) * words_;
      alignas(64) uint64_t missing[kMaxBlockRows / 64] = {};
      SortRows(part, column, stride, count, has_right ? part.count : 0, vectors, missing);
      if (has_right && has_left) {
        Spread<true>(part.count, vectors, missing, bits_ + part.left_first * words_);
      } else {
        Spread<false>(part.count, vectors, missing, vectors);
      }
    }
    for (const QuestionTable::Sets& sets : trees_.questions.sets()) {
      const std::byte* column = data + size_t{sets.feature} * sizeof(float);
      for (size_t word = 0; word < words_; ++word) {
        const size_t first = 64 * word;
        if (first < count)
          AskSets(sets, column + first * stride, stride, std::min(count - first, size_t{64}), word);
      }
    }
  }

  // planes[level * words_]: one bit of the leaves' numbers, from the most significant on.
  template <uint32_t kDepth>
  void FindPlanes(uint32_t tree, uint64_t* planes) const {
    V plane[kDepth];
    constexpr uint32_t kTopLevels = std::min(kDepth, HeapTrees::kTopLevels);
    const Questions<kDepth - kTopLevels> questions = {trees_.tops() + (size_t{tree} << kTopLevels),
                                                      trees_.Blocks(tree)};
    Descend<0, kDepth>(questions, plane);
    for (uint32_t level = 0; level < kDepth; ++level) hn::Store(plane[level], D(), planes + level * words_);
  }

  // The leaves of `count` rows, from the tail nodes on to which the heap led them.
  void WalkTails(size_t count, float* leaves) const {
    constexpr size_t kRows = 16;
    for (size_t first = 0; first < count; first += kRows) {
      const HeapTrees::TailNode* at[kRows];
      for (size_t i = 0; i < kRows; ++i) at[i] = trees_.Tail(leaves[first + i]);
      const uint64_t* const bits = bits_ + first / 64;
      bool inner = true;
      while (inner) {
        inner = false;
        for (size_t i = 0; i < kRows; ++i) {
          const uint64_t answers = bits[at[i]->question * words_];
          at[i] += at[i]->right - (answers >> ((first + i) % 64) & 1);
          inner |= at[i]->right != 0;
        }
      }
      for (size_t i = 0; i < kRows; ++i) leaves[first + i] = at[i]->leaf;
    }
  }

 private:
  // The questions of a tree with this many levels of blocks.
  template <uint32_t kBlockLevels>
  struct Questions {
    const uint16_t* top;
    const uint16_t* blocks;

    // The first of the questions at the places from `place` on.
    HWY_INLINE uint16_t At(uint32_t place, uint32_t level) const {
      if (level < HeapTrees::kTopLevels) return top[place];
      const uint32_t below = level - HeapTrees::kTopLevels;
      const uint32_t block = (place >> below) - HeapTrees::kTopPlaces;
      return blocks[(block << kBlockLevels) + ((1u << below) | (place & ((1u << below) - 1)))];
    }
  };

  // The answers of up to 64 rows to the categorical questions of a feature, word `word` of the vectors.
  void AskSets(const QuestionTable::Sets& sets, const std::byte* column, size_t stride, size_t count,
               size_t word) {
    const uint64_t* rows[64];
    for (size_t i = 0; i < 64; ++i) {
      // Rows that are not there repeat the last one.
      float value;
      std::memcpy(&value, column + std::min(i, count - 1) * stride, sizeof(value));
      rows[i] = trees_.questions.Answers(sets, sets.RowOf(value));
    }
    uint64_t* vectors = bits_ + sets.first * words_ + word;
    for (uint32_t part = 0; part < sets.words(); ++part, vectors += 64 * words_) {
      uint64_t square[64];
      for (size_t i = 0; i < 64; ++i) square[i] = rows[i][part];
      Transpose(square);
      for (size_t i = 0; i < 64; ++i) vectors[i * words_] = square[i];
    }
  }

  // Bit k of word i becomes bit i of word k. (Warren, "Hacker's Delight", 7-3)
  static HWY_INLINE void Transpose(uint64_t* square) {
    TransposeBlocks<32>(square, 0x00000000ffffffffu);
    TransposeBlocks<16>(square, 0x0000ffff0000ffffu);
    TransposeBlocks<8>(square, 0x00ff00ff00ff00ffu);
    TransposeBlocks<4>(square, 0x0f0f0f0f0f0f0f0fu);
    TransposeBlocks<2>(square, 0x3333333333333333u);
    TransposeBlocks<1>(square, 0x5555555555555555u);
  }

  template <size_t kSize>
  static HWY_INLINE void TransposeBlocks(uint64_t* square, uint64_t low) {
    for (size_t block = 0; block < 64; block += 2 * kSize) {
      for (size_t i = block; i < block + kSize; ++i) {
        const uint64_t swap = (square[i] >> kSize ^ square[i + kSize]) & low;
        square[i] ^= swap << kSize;
        square[i + kSize] ^= swap;
      }
    }
  }

  // Sets the row's bit in vectors[rank + 1], and in `missing`.
  HWY_INLINE void SortRows(const QuestionTable::Part& part, const std::byte* column, size_t stride,
                           size_t count, uint32_t missing_rank, uint64_t* vectors, uint64_t* missing) {
    std::memset(vectors, 0, (size_t{part.count} + 2) * words_ * sizeof(uint64_t));
    const float* pivots = trees_.questions.thresholds() + part.pivots;
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

  template <uint32_t kLevel, uint32_t kDepth, class Q>
  HWY_INLINE void Descend(const Q& questions, V* plane) const {
    if constexpr (kLevel < kDepth) {
      plane[kLevel] = Select<kLevel, kLevel>(questions, 1u << kLevel, plane);
      Descend<kLevel + 1, kDepth>(questions, plane);
    }
  }

  // The answers to the question that each row meets among the 2^kLevels of a level from `place` on, by the
  // planes of the last levels before.
  template <uint32_t kLevels, uint32_t kLevel, class Q>
  HWY_INLINE V Select(const Q& questions, uint32_t place, const V* plane) const {
    if constexpr (kLevels == 0) {
      return hn::Load(D(), bits_ + size_t{questions.At(place, kLevel)} * words_);
    } else {
      const V right = Select<kLevels - 1, kLevel>(questions, place, plane + 1);
      const V left = Select<kLevels - 1, kLevel>(questions, place + (1u << (kLevels - 1)), plane + 1);
      return ChooseBits(*plane, left, right);
    }
  }

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

// The leaves that the planes (of `words` words) name for `count` rows, a multiple of RowsAtOnce().
template <uint32_t kDepth>
void FindLeaves(const uint64_t* planes, size_t words, const float* leaves, size_t count, float* out) {
  alignas(64) uint8_t numbers[64];
  for (size_t row = 0; row < count; row += RowsAtOnce()) {
    NumberLeaves<kDepth>(planes, words, row, numbers);
    // Bits, not numbers: they are copied as they are.
    for (size_t i = 0; i < RowsAtOnce(); ++i) std::memcpy(out + row + i, leaves + numbers[i], sizeof(float));
  }
}

// The numbers of leaves of `count` rows in one tree, kMaxBlockRows apart from those in the next.
template <uint32_t kDepth>
void NumberRows(const uint64_t* planes, size_t words, size_t count, uint8_t* numbers) {
  for (size_t row = 0; row < count; row += RowsAtOnce()) {
    NumberLeaves<kDepth>(planes, words, row, numbers + row);
  }
}

// Adds the leaves of kGroup trees, in their order, to the sums of one output.
inline constexpr size_t kGroup = 8;
HWY_INLINE void AddGroup(const uint8_t* numbers, const float* const* leaves, size_t count, float* sums) {
  const float* tree[kGroup];
  std::copy_n(leaves, kGroup, tree);
  for (size_t row = 0; row < count; ++row) {
    float sum = sums[row];
    for (size_t i = 0; i < kGroup; ++i) sum += tree[i][numbers[i * kMaxBlockRows + row]];
    sums[row] = sum;
  }
}

// Whether AddLeaves is faster one tree at a time.
template <uint32_t kDepth>
constexpr bool LeavesFitRegisters() {
  return HWY_TARGET <= HWY_AVX3 && kDepth <= 6;
}

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

// Adds the trees of one output, kGroup at a time.
template <uint32_t kDepth, class D>
void AddTreesOfOutput(const HeapTrees& trees, const Block<D>& block, TreeRange range, uint32_t output,
                      size_t count, float* sums) {
  alignas(64) uint64_t planes[HeapTrees::kMaxDepth * kMaxBlockRows / 64 + 8];
  alignas(64) uint8_t numbers[kGroup * kMaxBlockRows];
  const float* leaves[kGroup];
  size_t size = 0;
  for (uint32_t tree = range.begin; tree < range.end; ++tree) {
    if (trees.outputs[tree] != output) continue;
    block.template FindPlanes<kDepth>(tree, planes);
    NumberRows<kDepth>(planes, hn::Lanes(D()), count, numbers + size * kMaxBlockRows);
    leaves[size++] = trees.Leaves(tree);
    if (size < kGroup) continue;
    AddGroup(numbers, leaves, count, sums);
    size = 0;
  }
  for (size_t i = 0; i < size; ++i) {
    for (size_t row = 0; row < count; ++row) sums[row] += leaves[i][numbers[i * kMaxBlockRows + row]];
  }
}

template <uint32_t kDepth, class D>
void AddTrees(const HeapTrees& trees, uint32_t width, const Rows& rows, TreeRange range, float* margins,
              BlockBuffers& buffers) {
  const size_t max_rows = Block<D>::MaxRows();
  const size_t words = hn::Lanes(D());
  Block<D> block(trees, buffers);
  alignas(64) uint64_t planes[HeapTrees::kMaxDepth * kMaxBlockRows / 64 + 8];
  float leaves[kMaxBlockRows];
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
    // Outputs do not wait for each other: what counts is the order of an output's own trees.
    const bool grouped = !trees.HasTails() && !LeavesFitRegisters<kDepth>() && width <= kMaxGroupedOutputs;
    for (uint32_t output = 0; grouped && output < width; ++output) {
      AddTreesOfOutput<kDepth>(trees, block, range, output, rounded, sums + output * max_rows);
    }
    for (uint32_t tree = range.begin; !grouped && tree < range.end; ++tree) {
      block.template FindPlanes<kDepth>(tree, planes);
      float* tree_sums = sums + trees.outputs[tree] * max_rows;
      if (trees.HasTails()) {
        FindLeaves<kDepth>(planes, words, trees.Leaves(tree), rounded, leaves);
        block.WalkTails(rounded, leaves);
        for (size_t row = 0; row < rounded; ++row) tree_sums[row] += leaves[row];
      } else {
        AddLeaves<kDepth>(planes, words, trees.Leaves(tree), rounded, tree_sums);
      }
    }
    for (size_t row = 0; row < count; ++row) {
      for (uint32_t i = 0; i < width; ++i) out[row * width + i] = sums[i * max_rows + row];
    }
  }
}

template <uint32_t kDepth>
void AddTreesOfDepth(const HeapTrees& trees, uint32_t width, const Rows& rows, TreeRange range,
                     float* margins, BlockBuffers& buffers) {
  if (trees.depth != kDepth) {
    if constexpr (kDepth > 1) AddTreesOfDepth<kDepth - 1>(trees, width, rows, range, margins, buffers);
  } else if (rows.count <= 64) {
    AddTrees<kDepth, hn::CappedTag<uint64_t, 1>>(trees, width, rows, range, margins, buffers);
  } else {
    AddTrees<kDepth, hn::CappedTag<uint64_t, 4>>(trees, width, rows, range, margins, buffers);
  }
}

void SliceTrees(const HeapTrees& trees, uint32_t width, const Rows& rows, TreeRange range, float* margins,
                BlockBuffers& buffers) {
  AddTreesOfDepth<HeapTrees::kMaxDepth>(trees, width, rows, range, margins, buffers);
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
  BitSlicer(const HeapTrees& trees, uint32_t num_outputs) : trees_(trees), num_outputs_(num_outputs) {}

  std::string_view Name() const override { return "bit_slicer"; }

  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override {
    HWY_DYNAMIC_DISPATCH(SliceTrees)(trees_, num_outputs_, rows, trees, margins, Buffers());
  }

  size_t MemoryBytes() const override { return 0; }

 private:
  BlockBuffers& Buffers() const {
    static thread_local BlockBuffers buffers;
    const size_t words = trees_.questions.num_numbers() * kMaxBlockRows / 64;
    if (buffers.num_words < words) {
      buffers.bits = hwy::AllocateAligned<uint64_t>(words);
      buffers.num_words = words;
    }
    const size_t margins = size_t{num_outputs_} * kMaxBlockRows;
    if (buffers.margins.size() < margins) buffers.margins.resize(margins);
    return buffers;
  }

  const HeapTrees& trees_;
  const uint32_t num_outputs_;
};

}  // namespace

std::unique_ptr<const Kernel> MakeBitSlicer(const HeapTrees& trees, uint32_t num_outputs) {
  return std::make_unique<BitSlicer>(trees, num_outputs);
}

}  // namespace espalier
#endif  // HWY_ONCE
