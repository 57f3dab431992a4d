// Rows and nodes as ranks: one byte each, and still exact.
//
// With the sorted distinct thresholds t_1 < ... < t_n of a feature, the rank of a value x is the number of
// thresholds at or below it, and a node that asks `x < t_j` asks `rank < j`. For each feature there are up to
// two slots, one for each direction in which nodes send a missing value: there it has rank 0, below every
// node's, or n, below none. A node with rank 0 sends every row right. More than 255 thresholds are parts with
// slots of their own, in which a value outside of the part has rank 0 or n.
#ifndef ESPALIER_MODELS_FOREST_RANK_TABLE_H_
#define ESPALIER_MODELS_FOREST_RANK_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/forest/node_table.h"

namespace espalier {

// Immutable once built.
class RankTable {
 public:
  static constexpr size_t kMaxThresholds = 255;
  static constexpr size_t kMaxSlots = 256;
  // Thresholds are searched by two comparisons of this many at once: first the last one of each bucket, then
  // those in one bucket. Unused places are NaN, which no value reaches.
  static constexpr size_t kBucket = 16;

  // Up to 255 neighbouring thresholds of a feature.
  struct Part {
    // The feature.
    uint32_t index = 0;
    // Where in thresholds() the pivots are; the buckets follow.
    uint32_t pivots = 0;
    // The rank of a missing value that goes right.
    uint8_t count = 0;
    // num_slots() where no node asks for this direction.
    uint16_t left_slot = 0;
    uint16_t right_slot = 0;
  };

  // How a node asks.
  struct Question {
    uint8_t slot = 0;
    uint8_t rank = 0;
  };

  // Nothing for a forest with categorical splits, or with more slots than a byte can tell apart. On success
  // `questions` has one for each node of the table; those of leaves mean nothing.
  template <typename Node>
  static std::optional<RankTable> Build(const NodeTable<Node>& table, std::vector<Question>& questions);

  size_t num_slots() const { return counts_.size(); }
  // Thresholds of the part that a slot holds.
  uint8_t CountOf(size_t slot) const { return counts_[slot]; }
  const std::vector<Part>& parts() const { return parts_; }
  const float* thresholds() const { return thresholds_.data(); }

  size_t MemoryBytes() const;

 private:
  // Appends the parts for the thresholds of a feature (their keys, ascending and distinct), with slots for
  // the directions that nodes ask.
  void AddFeature(uint32_t index, std::span<const uint32_t> keys, bool left, bool right);

  std::vector<Part> parts_;
  std::vector<float> thresholds_;
  // One a slot.
  std::vector<uint8_t> counts_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_RANK_TABLE_H_
