#include "models/base/c_seam.h"

#include <stdexcept>
#include <string>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(CSeamTest, AStatusBecomesACodeAndAText) {
  ErrorText error;
  EXPECT_EQ(GuardedCall(error, [] { return absl::OkStatus(); }), 0);
  EXPECT_STREQ(error.text, "");
  EXPECT_EQ(GuardedCall(error, [] { return InvalidArgument("weight ", 3); }), 3);
  EXPECT_STREQ(error.text, "weight 3");
  EXPECT_EQ(GuardedCall(error, [] { return absl::OkStatus(); }), 0);
  EXPECT_STREQ(error.text, "weight 3") << "until the next call that fails";
}

TEST(CSeamTest, LongTextsAreCut) {
  ErrorText error;
  EXPECT_EQ(GuardedCall(error, [] { return absl::NotFoundError(std::string(5000, 'x')); }), 5);
  EXPECT_EQ(std::string(error.text), std::string(2047, 'x'));
}

TEST(CSeamTest, NoExceptionGetsOut) {
  ErrorText error;
  EXPECT_EQ(GuardedCall(error, []() -> absl::Status { throw std::bad_alloc(); }), 8);
  EXPECT_STREQ(error.text, "out of memory");
  EXPECT_EQ(GuardedCall(error, []() -> absl::Status { throw std::runtime_error("why"); }), 13);
  EXPECT_STREQ(error.text, "why");
  EXPECT_EQ(GuardedCall(error, []() -> absl::Status { throw 3; }), 13);
  EXPECT_STREQ(error.text, "an unknown exception");
}

}  // namespace
}  // namespace espalier
