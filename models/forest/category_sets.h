// The categories that go right, for every categorical split of a forest, as bitmaps.
#ifndef ESPALIER_MODELS_FOREST_CATEGORY_SETS_H_
#define ESPALIER_MODELS_FOREST_CATEGORY_SETS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/prepared_row.h"

namespace espalier {

// Append-only while a forest is compiled, immutable afterwards.
class CategorySets {
 public:
  // Adds a set and returns its number. Categories may come in any order. A bitmap spans the smallest to the
  // largest category; INVALID_ARGUMENT when all bitmaps together would be far larger than the sets listed.
  absl::StatusOr<uint32_t> Add(std::span<const uint32_t> categories);

  // Whether (0 or 1) the content of a category slot (prepared_row.h) goes left at a node with this set. Free
  // of branches.
  uint32_t GoesLeft(uint32_t set, uint32_t slot_value) const {
    const Set& s = sets_[set];
    const uint32_t bit = slot_value - s.first;  // wraps around to a large number below the first
    const uint32_t inside = bit < s.size;
    const uint32_t word = words_[s.begin + (inside ? bit >> 5 : 0)];
    return 1 ^ ((inside & (word >> (bit & 31))) | (slot_value == kMissingCategoryGoesRight));
  }

  size_t MemoryBytes() const { return sets_.capacity() * sizeof(Set) + words_.capacity() * sizeof(uint32_t); }

 private:
  struct Set {
    uint32_t begin = 0;  // in words_
    uint32_t first = 0;  // the category of the first bit, a multiple of 32
    uint32_t size = 0;   // bits
  };

  // Set 0 and word 0 are empty, so that a walk may look there when it does not matter.
  std::vector<Set> sets_ = {Set{}};
  std::vector<uint32_t> words_ = {0};
  uint64_t listed_ = 0;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_CATEGORY_SETS_H_
