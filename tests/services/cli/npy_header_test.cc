#include "services/cli/npy_header.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file of the given version around a dictionary.
std::string Npy(char version, const std::string& dictionary) {
  std::string bytes = "\x93NUMPY";
  bytes += version;
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(dictionary.size() >> (8 * i));
  return bytes + dictionary;
}

std::string ErrorOf(const std::string& bytes) { return std::string(Message(ParseNpyHeader(bytes).status())); }

TEST(NpyHeaderTest, ReadsWhatNumpyWrites) {
  const std::string bytes = Npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }     \n");
  const absl::StatusOr<NpyHeader> header = ParseNpyHeader(bytes + "array");
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->type, "<f4");
  EXPECT_FALSE(header->fortran_order);
  EXPECT_THAT(header->shape, ElementsAre(3, 4));
  EXPECT_EQ(header->data_begin, bytes.size());
}

TEST(NpyHeaderTest, ReadsLaterVersionsAndOtherOrders) {
  for (const char version : {2, 3}) {
    const absl::StatusOr<NpyHeader> header =
        ParseNpyHeader(Npy(version, "{'shape':(7,),'fortran_order':True,'descr':\">i8\"}"));
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->type, ">i8");
    EXPECT_TRUE(header->fortran_order);
    EXPECT_THAT(header->shape, ElementsAre(7));
  }
  EXPECT_THAT(ParseNpyHeader(Npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}"))->shape,
              ElementsAre());
}

TEST(NpyHeaderTest, RefusesWhatIsNone) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("not in NumPy's format"));
  EXPECT_THAT(ErrorOf("\x93NUMPY\x01"), HasSubstr("not in NumPy's format"));
  EXPECT_THAT(ErrorOf(Npy(9, "{}          ")), HasSubstr("version 9"));
  EXPECT_THAT(ErrorOf(Npy(1, "{'descr': '<f4', 'shape': (1, 2)}").substr(0, 20)), HasSubstr("ends within"));
  EXPECT_THAT(ErrorOf(Npy(1, "{'fortran_order': False, 'shape': (1, 2)}")), HasSubstr("no 'descr'"));
  EXPECT_THAT(ErrorOf(Npy(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}")),
              HasSubstr("records"));
  for (const char* shape :
       {"(", "(1", "(1 2)", "(-1,)", "(99999999999999999999,)", "x", "(1,2,3,4,5,6,7,8,9)"}) {
    EXPECT_THAT(ErrorOf(Npy(1, StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': ", shape, "}"))),
                HasSubstr("is no shape"))
        << shape;
  }
}

TEST(NpyHeaderTest, WritesWhatItReads) {
  for (const std::vector<uint64_t>& shape :
       std::vector<std::vector<uint64_t>>{{5}, {0, 3}, {18446744073709551615u, 2, 9}}) {
    const std::string bytes = MakeNpyHeader("<i4", shape);
    const absl::StatusOr<NpyHeader> header = ParseNpyHeader(bytes);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->shape, shape);
    EXPECT_EQ(header->type, "<i4");
    EXPECT_EQ(header->data_begin, bytes.size());
    EXPECT_EQ(bytes.size() % 64, 0u);
  }
  EXPECT_EQ(MakeNpyHeader("<f4", {0, 3}).size(), MakeNpyHeader("<f4", {18446744073709551615u, 3}).size());
}

}  // namespace
}  // namespace espalier
