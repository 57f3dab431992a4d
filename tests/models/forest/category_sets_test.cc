#include "models/forest/category_sets.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(CategorySetsTest, WhatIsInTheSetGoesRight) {
  CategorySets sets;
  const std::vector<std::vector<uint32_t>> lists = {{0}, {31, 32, 33}, {70, 5}, {}, {100, 16777215}};
  for (const std::vector<uint32_t>& list : lists) {
    const absl::StatusOr<uint32_t> set = sets.Add(list);
    ASSERT_TRUE(set.ok());
    for (uint32_t category = 0; category < 200; ++category) {
      const bool in_set = std::find(list.begin(), list.end(), category) != list.end();
      EXPECT_EQ(sets.GoesLeft(*set, category), !in_set) << category;
    }
    EXPECT_EQ(sets.GoesLeft(*set, kNoCategory), 1u);
    EXPECT_EQ(sets.GoesLeft(*set, kMissingCategoryGoesRight), 0u);
  }
  EXPECT_EQ(sets.GoesLeft(5, 16777215), 0u);
  EXPECT_EQ(sets.GoesLeft(5, 16777214), 1u);
}

TEST(CategorySetsTest, CategoriesThatNoRowCanHaveAreDropped) {
  CategorySets sets;
  const absl::StatusOr<uint32_t> set = sets.Add(std::vector<uint32_t>{3, kCategoryLimit, 0xffffffffu});
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(sets.GoesLeft(*set, 3), 0u);
  EXPECT_EQ(sets.GoesLeft(*set, kNoCategory), 1u);
  EXPECT_LT(sets.MemoryBytes(), 1000u);
}

TEST(CategorySetsTest, SmallListsMayNotTakeMuchMemory) {
  CategorySets sets;
  const std::vector<uint32_t> far_apart = {0, kCategoryLimit - 1};
  absl::Status status = absl::OkStatus();
  for (int i = 0; i < 1000 && status.ok(); ++i) status = sets.Add(far_apart).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(sets.MemoryBytes(), size_t{200} << 20);
}

}  // namespace
}  // namespace espalier
