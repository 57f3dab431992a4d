#include "models/forest/prepared_row.h"

#include <cstring>
#include <utility>

namespace espalier {
namespace {

uint32_t LoadBits(const std::byte* row, uint32_t feature) {
  uint32_t bits;
  std::memcpy(&bits, row + size_t{feature} * sizeof(bits), sizeof(bits));
  return bits;
}

bool IsNaN(uint32_t bits) { return static_cast<int32_t>(bits & 0x7fffffffu) > 0x7f800000; }

// Turns the bits in left[0, count) into keys, there and in right[0, count). Written without branches, so that
// the compiler makes it a vector loop.
void MakeKeys(size_t count, uint32_t* __restrict left, uint32_t* __restrict right) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = left[i];
    const uint32_t key = FloatKey(std::bit_cast<float>(bits));
    const uint32_t missing = IsNaN(bits) ? 0xffffffffu : 0u;
    left[i] = key & ~missing;
    right[i] = key | missing;
  }
}

}  // namespace

RowLayout::RowLayout(uint32_t num_features, std::vector<uint32_t> numeric, std::vector<uint32_t> categorical)
    : numeric_(std::move(numeric)),
      categorical_(std::move(categorical)),
      dense_(!numeric_.empty() && numeric_.back() + 1 == numeric_.size() && numeric_.back() < num_features) {}

uint32_t RowLayout::FeatureOf(uint32_t slot) const {
  if (slot < first_category_slot()) return numeric_[(slot - 1) % numeric_.size()];
  return categorical_[(slot - first_category_slot()) % categorical_.size()];
}

void RowLayout::Prepare(const std::byte* row, uint32_t* slots) const {
  slots[0] = 0xffffffffu;
  const size_t numeric = numeric_.size();
  uint32_t* left = slots + 1;
  if (dense_) {
    std::memcpy(left, row, numeric * sizeof(uint32_t));
  } else {
    for (size_t i = 0; i < numeric; ++i) left[i] = LoadBits(row, numeric_[i]);
  }
  MakeKeys(numeric, left, left + numeric);

  const size_t categorical = categorical_.size();
  uint32_t* category = slots + first_category_slot();
  for (size_t i = 0; i < categorical; ++i) {
    const uint32_t bits = LoadBits(row, categorical_[i]);
    const float value = std::bit_cast<float>(bits);
    const bool valid = value >= 0.0f && value < static_cast<float>(kCategoryLimit);
    category[i] = valid ? static_cast<uint32_t>(value) : kNoCategory;
    category[i + categorical] = IsNaN(bits) ? kMissingCategoryGoesRight : category[i];
  }
}

size_t RowLayout::MemoryBytes() const {
  return (numeric_.capacity() + categorical_.capacity()) * sizeof(uint32_t);
}

}  // namespace espalier
