// Small texts: folding of case, UTF-8, versions.
#include <string>

#include "gtest/gtest.h"
#include "router/experiment/lower_case.h"
#include "router/experiment/utf8.h"
#include "router/experiment/version_text.h"

namespace espalier {
namespace {

std::string Lower(std::string_view text) { return std::string(LowerCase(text).text()); }

TEST(LowerCaseTest, FoldsEveryScript) {
  EXPECT_EQ(Lower("AbC-1"), "abc-1");
  EXPECT_EQ(Lower("ÉÀÑ"), "éàñ");
  EXPECT_EQ(Lower("ПРИВЕТ"), "привет");
  EXPECT_EQ(Lower("ΑΒΓ"), "αβγ");
  EXPECT_EQ(Lower("日本"), "日本");
  EXPECT_EQ(Lower("𐐀"), "𐐨");
  EXPECT_EQ(Lower(std::string(1000, 'A')), std::string(1000, 'a'));
}

TEST(LowerCaseTest, KeepsMalformedBytes) {
  EXPECT_EQ(Lower("A\xFF\xC3"), "a\xFF\xC3");
  EXPECT_EQ(Lower("\xE9\x41"),
            "\xE9"
            "a");
}

TEST(Utf8Test, TellsWellFormedFromMalformed) {
  EXPECT_TRUE(IsUtf8("plain é 日 😀"));
  EXPECT_TRUE(IsUtf8(""));
  for (const std::string_view bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80", "\xF0\x9F\x98", "\xFF", "\xC3\x28"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(VersionTextTest, PadsNumbersAndMarksReleases) {
  EXPECT_EQ(PaddedVersionText("1.2.3"), "    1-    2-    3-~");
  EXPECT_EQ(PaddedVersionText("v1.2.3-rc.1+build.5"), "    1-    2-    3-rc-    1");
  EXPECT_EQ(PaddedVersionText("10000.0"), "10000-    0");
  EXPECT_EQ(PaddedVersionText("1234567"), "1234567");
  EXPECT_EQ(PaddedVersionText(""), "    0");
  EXPECT_EQ(PaddedVersionText("v"), "");
  EXPECT_EQ(PaddedVersionText("1.0.0-"), "    1-    0-    0-");
  EXPECT_EQ(PaddedVersionText("--"), "---~");
}

TEST(VersionTextTest, ComparesWithoutBuildingTheText) {
  for (const std::string a : {"1.2.3", "1.2.3-a", "1.10.0", "", "v2", "x.y", "1.2.3.4", "+b"}) {
    for (const std::string b : {"1.2.3", "1.2.3-a", "1.10.0", "", "v2", "x.y", "1.2.3.4", "+b"}) {
      const int expected = PaddedVersionText(a).compare(PaddedVersionText(b));
      const int actual = CompareVersion(a, PaddedVersionText(b));
      EXPECT_EQ(actual < 0, expected < 0) << a << " " << b;
      EXPECT_EQ(actual > 0, expected > 0) << a << " " << b;
    }
  }
}

}  // namespace
}  // namespace espalier
