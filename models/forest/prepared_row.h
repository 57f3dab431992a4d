// A row made ready for walking: every question that a node can ask has become one unsigned comparison.
//
// A float becomes a uint32 key of the same order (-0 counts as 0, as `<` has it), and each feature gets two
// slots: one in which a missing value has the smallest key and one in which it has the largest. A node reads
// the slot of its default direction, so that the walk has no case for NaN. Features with categorical splits
// have two more slots that hold the category as a number.
#ifndef ESPALIER_MODELS_FOREST_PREPARED_ROW_H_
#define ESPALIER_MODELS_FOREST_PREPARED_ROW_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace espalier {

// Order-preserving key of a number: x < y exactly where FloatKey(x) < FloatKey(y), for all but NaN.
inline uint32_t FloatKey(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  if (bits == 0x80000000u) bits = 0;
  return bits ^ (static_cast<uint32_t>(static_cast<int32_t>(bits) >> 31) | 0x80000000u);
}

// Keys of missing values; no number has them.
inline constexpr uint32_t kMissingGoesLeft = 0;
inline constexpr uint32_t kMissingGoesRight = 0xffffffffu;
// In a category slot: a value that is in no set, and the missing value that goes right.
inline constexpr uint32_t kNoCategory = 0xffffffffu;
inline constexpr uint32_t kMissingCategoryGoesRight = 0xfffffffeu;

// XGBoost reads every category at or above this (and every negative number) as in no set.
inline constexpr uint32_t kCategoryLimit = 1u << 24;

// Where the slots are. Only features that a tree asks have some; slot 0 always holds the largest value.
// Immutable.
class RowLayout {
 public:
  RowLayout() = default;
  // Ascending indices of the features in numeric and in categorical splits.
  RowLayout(uint32_t num_features, std::vector<uint32_t> numeric, std::vector<uint32_t> categorical);

  size_t num_slots() const { return 1 + 2 * (numeric_.size() + categorical_.size()); }
  // Slots from here on hold categories.
  uint32_t first_category_slot() const { return static_cast<uint32_t>(1 + 2 * numeric_.size()); }

  // The slot that a node with this default direction reads, for the i-th numeric or categorical feature.
  uint32_t NumericSlot(uint32_t i, bool default_left) const {
    return static_cast<uint32_t>(1 + i + (default_left ? 0 : numeric_.size()));
  }
  uint32_t CategorySlot(uint32_t i, bool default_left) const {
    return static_cast<uint32_t>(first_category_slot() + i + (default_left ? 0 : categorical_.size()));
  }
  // The feature whose value a slot (other than 0) holds.
  uint32_t FeatureOf(uint32_t slot) const;

  // Fills num_slots() slots from num_features float32 at any alignment.
  void Prepare(const std::byte* row, uint32_t* slots) const;

  size_t MemoryBytes() const;

 private:
  std::vector<uint32_t> numeric_;
  std::vector<uint32_t> categorical_;
  // numeric_ is 0, 1, 2, ...: the row can be copied whole.
  bool dense_ = false;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_PREPARED_ROW_H_
