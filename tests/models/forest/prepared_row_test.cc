#include "models/forest/prepared_row.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "gtest/gtest.h"

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<uint32_t> Prepare(const RowLayout& layout, const std::vector<float>& row) {
  // One byte off any alignment.
  std::vector<std::byte> bytes(row.size() * sizeof(float) + 1);
  std::memcpy(bytes.data() + 1, row.data(), row.size() * sizeof(float));
  std::vector<uint32_t> slots(layout.num_slots());
  layout.Prepare(bytes.data() + 1, slots.data());
  return slots;
}

TEST(PreparedRowTest, KeysAreOrderedAsNumbersAre) {
  const float kAscending[] = {-kInfinity, -3.4e38f, -1.0f, -1e-38f, -1e-45f, 0.0f,
                              1e-45f,     1e-38f,   0.5f,  1.0f,    3.4e38f, kInfinity};
  for (const float a : kAscending) {
    for (const float b : kAscending) EXPECT_EQ(a < b, FloatKey(a) < FloatKey(b)) << a << " " << b;
    EXPECT_GT(FloatKey(a), kMissingGoesLeft);
    EXPECT_LT(FloatKey(a), kMissingGoesRight);
  }
  EXPECT_EQ(FloatKey(-0.0f), FloatKey(0.0f));
}

TEST(PreparedRowTest, MissingHasTheSmallestAndTheLargestKey) {
  const RowLayout layout(3, {0, 1, 2}, {});
  uint32_t odd_nan = 0xffc12345u;  // any NaN is missing, whatever its sign and payload
  const std::vector<uint32_t> slots = Prepare(layout, {kNaN, 2.0f, std::bit_cast<float>(odd_nan)});
  for (const uint32_t i : {0u, 2u}) {
    EXPECT_EQ(slots[layout.NumericSlot(i, true)], kMissingGoesLeft);
    EXPECT_EQ(slots[layout.NumericSlot(i, false)], kMissingGoesRight);
  }
  EXPECT_EQ(slots[layout.NumericSlot(1, true)], FloatKey(2.0f));
  EXPECT_EQ(slots[layout.NumericSlot(1, false)], FloatKey(2.0f));
  EXPECT_EQ(slots[0], 0xffffffffu);
}

TEST(PreparedRowTest, OnlyFeaturesInUseHaveSlots) {
  const RowLayout layout(1000, {3, 700}, {999});
  EXPECT_EQ(layout.num_slots(), 7u);
  std::vector<float> row(1000, 0.0f);
  row[3] = 3;
  row[700] = -7;
  row[999] = 9;
  const std::vector<uint32_t> slots = Prepare(layout, row);
  EXPECT_EQ(slots[layout.NumericSlot(0, true)], FloatKey(3));
  EXPECT_EQ(slots[layout.NumericSlot(1, false)], FloatKey(-7));
  EXPECT_EQ(slots[layout.CategorySlot(0, true)], 9u);
  EXPECT_EQ(layout.FeatureOf(layout.NumericSlot(1, true)), 700u);
  EXPECT_EQ(layout.FeatureOf(layout.NumericSlot(1, false)), 700u);
  EXPECT_EQ(layout.FeatureOf(layout.CategorySlot(0, false)), 999u);
}

TEST(PreparedRowTest, CategoriesAreCutToWholeNumbersAndBounded) {
  const RowLayout layout(1, {}, {0});
  const auto category = [&](float value, bool default_left) {
    return Prepare(layout, {value})[layout.CategorySlot(0, default_left)];
  };
  EXPECT_EQ(category(7.9f, true), 7u);
  EXPECT_EQ(category(-0.0f, true), 0u);
  EXPECT_EQ(category(16777215.0f, false), 16777215u);
  for (const float value : {-0.5f, -1.0f, 16777216.0f, kInfinity, -kInfinity, 3e38f}) {
    EXPECT_EQ(category(value, true), kNoCategory) << value;
    EXPECT_EQ(category(value, false), kNoCategory) << value;
  }
  EXPECT_EQ(category(kNaN, true), kNoCategory);
  EXPECT_EQ(category(kNaN, false), kMissingCategoryGoesRight);
}

}  // namespace
}  // namespace espalier
