#include "models/forest/float64_row.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "models/forest/prepared_row.h"

namespace espalier {
namespace {

// Up to here a number is 0 to LightGBM.
constexpr float kZeroThreshold = 1e-35f;

float LoadFloat(const std::byte* row, uint32_t feature) {
  float value;
  std::memcpy(&value, row + size_t{feature} * sizeof(value), sizeof(value));
  return value;
}

// The largest float32 that is not above x.
float Floor(double x) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (x < -kLargest) return -kInfinity;
  if (x >= kLargest) return std::isinf(x) ? kInfinity : kLargest;
  const auto nearest = static_cast<float>(x);
  return static_cast<double>(nearest) > x ? std::nextafter(nearest, -kInfinity) : nearest;
}

}  // namespace

uint32_t ThresholdKey(double threshold) { return FloatKey(Floor(threshold)) + 1; }

Float64Row::Reading Float64Row::ReadingOf(const TreeNode& split) {
  if (split.categorical) return kCategory;
  switch (split.missing) {
    case MissingKind::kNone:
      return kNaNIsZero;
    case MissingKind::kZero:
      return split.default_left ? kZeroGoesLeft : kZeroGoesRight;
    case MissingKind::kNaN:
      break;
  }
  return split.default_left ? kNaNGoesLeft : kNaNGoesRight;
}

void Float64Row::Use(const TreeNode& split) {
  std::vector<uint32_t>& used = used_[ReadingOf(split)];
  used.push_back(split.feature);
  // Kept to a small multiple of what is distinct.
  if (used.size() < 1024 || (used.size() & (used.size() - 1)) != 0) return;
  std::sort(used.begin(), used.end());
  used.erase(std::unique(used.begin(), used.end()), used.end());
}

void Float64Row::Finish() {
  for (size_t reading = 0; reading < kReadings; ++reading) {
    std::vector<uint32_t>& used = used_[reading];
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    begins_[reading] = static_cast<uint32_t>(num_slots());
    features_.insert(features_.end(), used.begin(), used.end());
    used = {};
  }
  begins_[kReadings] = static_cast<uint32_t>(num_slots());
  features_.shrink_to_fit();
}

uint32_t Float64Row::SlotOf(const TreeNode& split) const {
  const Reading reading = ReadingOf(split);
  const auto begin = features_.begin() + (begins_[reading] - 1);
  const auto end = features_.begin() + (begins_[reading + 1] - 1);
  return static_cast<uint32_t>(std::lower_bound(begin, end, split.feature) - features_.begin()) + 1;
}

// LightGBM cuts a category to an integer; scikit-learn knows integers only.
uint32_t Float64Row::CategoryOf(float value) const {
  const float lowest = dialect_ == Dialect::kLightGbm ? -1.0f : std::nextafter(0.0f, -1.0f);
  if (!(value > lowest && value < static_cast<float>(kCategoryLimit))) return kNoCategory;
  const auto category = static_cast<uint32_t>(static_cast<int32_t>(value));
  const bool whole = static_cast<float>(category) == value;
  return whole || dialect_ == Dialect::kLightGbm ? category : kNoCategory;
}

uint32_t Float64Row::KeyOf(Reading reading, float value) const {
  switch (reading) {
    case kNaNGoesLeft:
      return std::isnan(value) ? kMissingGoesLeft : FloatKey(value);
    case kNaNGoesRight:
      return std::isnan(value) ? kMissingGoesRight : FloatKey(value);
    case kNaNIsZero:
      return FloatKey(std::isnan(value) ? 0.0f : value);
    case kZeroGoesLeft:
      return std::isnan(value) || value == 0 ? kMissingGoesLeft : FloatKey(value);
    case kZeroGoesRight:
      return std::isnan(value) || value == 0 ? kMissingGoesRight : FloatKey(value);
    case kCategory:
      break;
  }
  return CategoryOf(value);
}

void Float64Row::Prepare(const std::byte* row, uint32_t* slots) const {
  slots[0] = 0xffffffffu;
  const float zero = dialect_ == Dialect::kLightGbm ? kZeroThreshold : 0.0f;
  for (size_t reading = 0; reading < kReadings; ++reading) {
    for (uint32_t slot = begins_[reading]; slot < begins_[reading + 1]; ++slot) {
      float value = LoadFloat(row, features_[slot - 1]);
      if (std::fabs(value) <= zero) value = 0.0f;
      slots[slot] = KeyOf(static_cast<Reading>(reading), value);
    }
  }
}

size_t Float64Row::MemoryBytes() const { return features_.capacity() * sizeof(uint32_t); }

}  // namespace espalier
