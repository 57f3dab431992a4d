#include "models/forest/category_sets.h"

#include <algorithm>

#include "models/base/strings.h"

namespace espalier {
namespace {

// Bitmaps may take this many words, and as many again for each category listed: real partitions list about
// half of the categories that they span.
constexpr uint64_t kFreeWords = uint64_t{16} << 20;
constexpr uint64_t kWordsPerCategory = 16;

}  // namespace

absl::StatusOr<uint32_t> CategorySets::Add(std::span<const uint32_t> categories) {
  uint32_t smallest = kCategoryLimit;
  uint32_t largest = 0;
  for (const uint32_t category : categories) {
    if (category >= kCategoryLimit) continue;  // no row can have it
    smallest = std::min(smallest, category);
    largest = std::max(largest, category);
  }
  Set set;
  set.begin = static_cast<uint32_t>(words_.size());
  if (smallest <= largest && smallest < kCategoryLimit) {
    set.first = smallest & ~31u;
    set.size = largest + 1 - set.first;
  }
  const size_t words = std::max<size_t>((set.size + 31) / 32, 1);
  listed_ += categories.size();
  if (words_.size() + words > kFreeWords + listed_ * kWordsPerCategory ||
      words_.size() + words > UINT32_MAX) {
    return InvalidArgument("category sets span ", (words_.size() + words) * 32, " categories but list ",
                           listed_, ": too sparse");
  }
  words_.resize(words_.size() + words);
  for (const uint32_t category : categories) {
    if (category >= kCategoryLimit) continue;
    const uint32_t bit = category - set.first;
    words_[set.begin + bit / 32] |= 1u << (bit % 32);
  }
  sets_.push_back(set);
  return static_cast<uint32_t>(sets_.size() - 1);
}

}  // namespace espalier
