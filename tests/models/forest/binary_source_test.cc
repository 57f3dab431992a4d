#include "models/forest/binary_source.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;

TEST(BinarySourceTest, ReadsRecordsOneBehindTheOtherAtAnyAlignment) {
  const std::string bytes("x\x01\0\0\0\x02\0\x03\0\x02\0\0\0\0\0\0\0hi", 19);
  BinarySource source(bytes, 1);
  uint32_t number = 0;
  ASSERT_TRUE(source.Read("number", number).ok());
  EXPECT_EQ(number, 1u);
  std::vector<uint16_t> numbers;
  ASSERT_TRUE(source.ReadMany("numbers", 2, numbers).ok());
  EXPECT_THAT(numbers, ElementsAre(2, 3));
  EXPECT_EQ(*source.ReadText("text"), "hi");
  EXPECT_TRUE(source.Finish().ok());
}

TEST(BinarySourceTest, ErrorsSayWhereAndHowMuchIsMissing) {
  const std::string bytes(
      "\xff\xff\xff\xff\xff\xff\xff\xff"
      "abc",
      11);
  BinarySource source(bytes);
  EXPECT_EQ(Message(source.ReadText("objective").status()),
            "byte 8: objective needs 18446744073709551615 x 1 bytes, 3 are left");
  std::vector<uint64_t> numbers;
  EXPECT_EQ(Message(source.ReadMany("nodes", SIZE_MAX / 2, numbers)),
            "byte 8: nodes needs 9223372036854775807 x 8 bytes, 3 are left");
  EXPECT_EQ(numbers.capacity(), 0u);
  EXPECT_EQ(Message(source.Finish()), "byte 8: expected the end of the file, found 3 more bytes");
}

}  // namespace
}  // namespace espalier
