#include "models/base/log_text.h"

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(LogTextTest, StaysOnOneLineAndInItsQuotes) {
  EXPECT_EQ(QuotedForLog(""), "\"\"");
  EXPECT_EQ(QuotedForLog("it's 2 \xc3\xa9"), "\"it's 2 \xc3\xa9\"");
  EXPECT_EQ(QuotedForLog("a \"b\" \\ c"), "\"a \\\"b\\\" \\\\ c\"");
  EXPECT_EQ(QuotedForLog("a\nb\r\tc\x7f"), "\"a\\nb  c \"");
}

}  // namespace
}  // namespace espalier
