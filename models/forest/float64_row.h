// A row made ready for trees of the float64 dialects: like prepared_row.h, with a slot for every way in which
// some split reads a feature.
//
// LightGBM and scikit-learn compare a float64 threshold with `x <= threshold`. Rows are float32, and so is
// the largest number that still goes left, which has a key: the comparison stays exact, and stays one of
// unsigned integers. What a split does with a missing value is in its slot, as is whether NaN is missing, or
// counts as 0, or whether 0 is missing (MissingKind).
#ifndef ESPALIER_MODELS_FOREST_FLOAT64_ROW_H_
#define ESPALIER_MODELS_FOREST_FLOAT64_ROW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/forest/ensemble.h"

namespace espalier {

// The key that a slot must be below for `x <= threshold`. `threshold` is not NaN.
uint32_t ThresholdKey(double threshold);

// Where the slots are. Slot 0 always holds the largest value. Immutable once built.
class Float64Row {
 public:
  explicit Float64Row(Dialect dialect = Dialect::kLightGbm) : dialect_(dialect) {}

  // Before the first Prepare(): says that a split reads this feature so. In any order, any number of times.
  void Use(const TreeNode& split);
  // Numbers the slots.
  void Finish();

  // The slot that a split reads; it must have been used.
  uint32_t SlotOf(const TreeNode& split) const;
  size_t num_slots() const { return 1 + features_.size(); }
  // Slots from here on hold categories.
  uint32_t first_category_slot() const { return begins_[kCategory]; }
  // The feature whose value a slot (other than 0) holds.
  uint32_t FeatureOf(uint32_t slot) const { return features_[slot - 1]; }

  // Fills num_slots() slots from float32 features at any alignment.
  void Prepare(const std::byte* row, uint32_t* slots) const;

  size_t MemoryBytes() const;

 private:
  // How a slot reads its feature. kZeroIsMissing and kNaNIsMissing come in both default directions.
  enum Reading : uint8_t {
    kNaNGoesLeft,
    kNaNGoesRight,
    kNaNIsZero,
    kZeroGoesLeft,
    kZeroGoesRight,
    kCategory
  };
  static constexpr size_t kReadings = 6;

  static Reading ReadingOf(const TreeNode& split);
  uint32_t KeyOf(Reading reading, float value) const;
  uint32_t CategoryOf(float value) const;

  Dialect dialect_;
  // Of the slots from 1 on: first all that are read in one way, then those of the next; each ascending.
  std::vector<uint32_t> features_;
  // The first slot of each way, and the number of slots.
  std::array<uint32_t, kReadings + 1> begins_ = {};
  // While building: the features of each way.
  std::array<std::vector<uint32_t>, kReadings> used_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FLOAT64_ROW_H_
