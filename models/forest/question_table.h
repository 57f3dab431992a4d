// The distinct questions of a forest, numbered: each is asked of a row once, however many nodes ask it.
//
// Questions of one feature that send a missing value the same way have neighbouring numbers.
//
// A numeric one: with the sorted distinct thresholds t_1 < ... < t_n of a feature, the rank of a value x is
// the number of thresholds at or below it, and `x < t_j` is `rank < j`: exact for every float. So of the
// numbers first + 0, first + 1, ..., first + n the row answers those above first + rank with yes (to go left)
// and the others with no. A missing value has rank 0 where it goes left and rank n where it goes right. More
// than 255 thresholds of a feature are parts, in which a value outside of the part has rank 0 or n.
//
// A categorical one: every category of the feature has a row of bits, one for each distinct set that splits
// ask for, which says whether it goes left. So has every other value, and the missing one.
//
// Number 0 is the question that every row answers with no.
#ifndef ESPALIER_MODELS_FOREST_QUESTION_TABLE_H_
#define ESPALIER_MODELS_FOREST_QUESTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/forest/ensemble.h"

namespace espalier {

// Immutable once built (question_table_builder.h).
class QuestionTable {
 public:
  static constexpr size_t kMaxNumbers = 1u << 16;
  static constexpr size_t kMaxThresholds = 255;
  // Thresholds are searched by two comparisons of this many at once: first the last one of each bucket, then
  // those in one bucket. Unused places are NaN, which no value reaches.
  static constexpr size_t kBucket = 16;
  static constexpr uint32_t kNotAsked = 0xffffffffu;

  // Up to 255 neighbouring thresholds of a feature.
  struct Part {
    uint32_t feature = 0;
    // Where in thresholds() the pivots are; the buckets follow.
    uint32_t pivots = 0;
    // The rank of a missing value that goes right.
    uint32_t count = 0;
    // The first of count + 2 numbers, for each way of a missing value; kNotAsked where no node has that way.
    // The last number of each run is for the rows that say no to all.
    uint32_t left_first = kNotAsked;
    uint32_t right_first = kNotAsked;
  };

  // The categorical questions of a feature, of both ways of a missing value.
  struct Sets {
    uint32_t feature = 0;
    uint32_t first = 0;
    uint32_t count = 0;
    // Categories from 0 on that have a row of their own; then the row of other values, and the missing one's.
    uint32_t span = 0;
    // Where in bits() the rows are.
    size_t begin = 0;

    uint32_t words() const { return (count + 63) / 64; }
    // The row of a value. What is no category of any set goes with the others, as XGBoost has it.
    uint32_t RowOf(float value) const {
      const bool inside = value >= 0.0f && value < static_cast<float>(span);
      return inside ? static_cast<uint32_t>(value) : span + static_cast<uint32_t>(value != value);
    }
  };

  // Numbers, those of no question included; at most kMaxNumbers.
  size_t num_numbers() const { return num_numbers_; }
  const std::vector<Part>& parts() const { return parts_; }
  const float* thresholds() const { return thresholds_.data(); }
  const std::vector<Sets>& sets() const { return sets_; }
  // The answers of the i-th row of `sets`: bit k is that to question first + k.
  const uint64_t* Answers(const Sets& sets, uint32_t row) const {
    return bits_.data() + sets.begin + size_t{row} * sets.words();
  }

  // Makes the node ask the question with this number (not 0), as a file would have it; appends a set to the
  // categories.
  void Describe(uint32_t number, TreeNode& node, std::vector<uint32_t>& categories) const;

  size_t MemoryBytes() const;

 private:
  friend class QuestionTableBuilder;

  std::vector<Part> parts_;
  std::vector<float> thresholds_;
  std::vector<Sets> sets_;
  std::vector<uint64_t> bits_;
  size_t num_numbers_ = 1;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_QUESTION_TABLE_H_
