#include "models/base/fnv.h"

#include "gtest/gtest.h"

namespace espalier {
namespace {

// Published test vectors of the FNV authors.
TEST(FnvTest, AgreesWithPublishedVectors) {
  EXPECT_EQ(Fnv1a32(""), 0x811c9dc5u);
  EXPECT_EQ(Fnv1a32("a"), 0xe40c292cu);
  EXPECT_EQ(Fnv1a32("foobar"), 0xbf9cf968u);
}

TEST(FnvTest, ContinuesFromAnEarlierState) { EXPECT_EQ(Fnv1a32("bar", Fnv1a32("foo")), Fnv1a32("foobar")); }

}  // namespace
}  // namespace espalier
