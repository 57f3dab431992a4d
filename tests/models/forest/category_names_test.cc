#include "models/forest/category_names.h"

#include <cmath>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(CategoryNamesTest, NamesBecomeCodes) {
  const CategoryNames names({{}, {"red", "grün", "blue"}, {"10", "-7"}});
  EXPECT_FALSE(names.Has(0));
  EXPECT_TRUE(names.Has(1));
  EXPECT_FALSE(names.Has(3));
  EXPECT_EQ(names.Code(1, "red"), 0u);
  EXPECT_EQ(names.Code(1, "grün"), 1u);
  EXPECT_EQ(names.Code(1, "blue"), 2u);
  EXPECT_EQ(names.Code(2, "-7"), 1u);
  for (const char* unknown : {"", "a", "blu", "blues", "redd", "zzz", "Red"}) {
    EXPECT_EQ(names.Code(1, unknown), std::nullopt) << unknown;
  }
  EXPECT_EQ(names.Code(0, "red"), std::nullopt);
}

TEST(CategoryNamesTest, AnEmptyTextIsMissingUnlessItIsACategory) {
  const CategoryNames names({{"a"}, {"a", ""}});
  EXPECT_TRUE(std::isnan(*names.Value(0, "")));
  EXPECT_EQ(names.Value(1, ""), 1.0f);
  EXPECT_EQ(names.Value(0, "a"), 0.0f);
  EXPECT_EQ(names.Value(0, "b"), std::nullopt);
}

}  // namespace
}  // namespace espalier
