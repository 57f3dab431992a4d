#include "models/base/caller_struct.h"

#include <cstdint>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using testing::HasSubstr;

// The same struct as three versions of a header have it.
struct Old {
  size_t struct_size;
  uint64_t first;
};
struct Known {
  size_t struct_size;
  uint64_t first;
  uint64_t second;
};
struct New {
  size_t struct_size;
  uint64_t first;
  uint64_t second;
  uint64_t third;
};

template <typename T>
absl::StatusOr<Known> Read(const T& caller) {
  return CopyIn("thing", reinterpret_cast<const Known*>(&caller), sizeof(Old));
}

TEST(CallerStructTest, OlderCallerLacksFieldsThatAreZero) {
  const absl::StatusOr<Known> read = Read(Old{sizeof(Old), 7});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->first, 7u);
  EXPECT_EQ(read->second, 0u);
}

TEST(CallerStructTest, NewerCallerMayLeaveFurtherFieldsZero) {
  const absl::StatusOr<Known> read = Read(New{sizeof(New), 7, 8, 0});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->second, 8u);
}

TEST(CallerStructTest, NewerCallerMayNotAskForWhatIsNotThere) {
  const absl::StatusOr<Known> read = Read(New{sizeof(New), 7, 8, 9});
  EXPECT_EQ(read.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(Message(read.status())), HasSubstr("older than the header"));
}

TEST(CallerStructTest, SizesThatNoVersionHasAreRefused) {
  for (const size_t size :
       {size_t{0}, sizeof(Old) - 1, kMaxStructSize + 1, SIZE_MAX, size_t{__builtin_bswap64(sizeof(Known))}}) {
    const absl::StatusOr<Known> read = Read(Known{size, 7, 8});
    EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(std::string(Message(read.status())), HasSubstr("thing.struct_size is"));
  }
}

TEST(CallerStructTest, NullIsRefusedByName) {
  const absl::StatusOr<Known> read = CopyIn<Known>("thing", nullptr, sizeof(Old));
  EXPECT_EQ(Message(read.status()), "thing is NULL");
}

TEST(CallerStructTest, OlderCallerGetsTheFieldsThatItKnows) {
  Known out = {sizeof(Old), 1, 2};
  ASSERT_TRUE(CopyOut("thing", Known{0, 7, 8}, &out, sizeof(Old)).ok());
  EXPECT_EQ(out.struct_size, sizeof(Old));
  EXPECT_EQ(out.first, 7u);
  EXPECT_EQ(out.second, 2u);
}

TEST(CallerStructTest, NewerCallersFurtherFieldsBecomeZero) {
  New out = {sizeof(New), 1, 2, 3};
  ASSERT_TRUE(CopyOut("thing", Known{0, 7, 8}, reinterpret_cast<Known*>(&out), sizeof(Old)).ok());
  EXPECT_EQ(out.struct_size, sizeof(New));
  EXPECT_EQ(out.second, 8u);
  EXPECT_EQ(out.third, 0u);
}

TEST(CallerStructTest, NothingIsWrittenIntoASizeThatIsNone) {
  Known out = {sizeof(Old) - 1, 1, 2};
  EXPECT_EQ(Message(CopyOut("thing", Known{0, 7, 8}, &out, sizeof(Old))),
            "thing.struct_size is 15, must be sizeof(thing): 16 or more");
  EXPECT_EQ(out.first, 1u);
  EXPECT_EQ(Message(CopyOut<Known>("thing", Known{}, nullptr, sizeof(Old))), "thing is NULL");
}

}  // namespace
}  // namespace espalier
