#include "router/experiment/attribute_value.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using nlohmann::json;

std::string Text(double number) {
  NumberBuffer buffer;
  return std::string(NumberText(number, buffer));
}

// From ECMAScript's Number::toString.
TEST(AttributeValueTest, NumbersAreWrittenAsJavaScriptDoes) {
  EXPECT_EQ(Text(0), "0");
  EXPECT_EQ(Text(-0.0), "0");
  EXPECT_EQ(Text(3), "3");
  EXPECT_EQ(Text(-1.5), "-1.5");
  EXPECT_EQ(Text(100000), "100000");
  EXPECT_EQ(Text(0.1), "0.1");
  EXPECT_EQ(Text(0.000001), "0.000001");
  EXPECT_EQ(Text(0.0000001), "1e-7");
  EXPECT_EQ(Text(1.5e-7), "1.5e-7");
  EXPECT_EQ(Text(1e20), "100000000000000000000");
  EXPECT_EQ(Text(123456789012345680000.0), "123456789012345680000");
  EXPECT_EQ(Text(1e21), "1e+21");
  EXPECT_EQ(Text(1.25e300), "1.25e+300");
  EXPECT_EQ(Text(5e-324), "5e-324");
  EXPECT_EQ(Text(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(Text(-1.2345678901234568e-300), "-1.2345678901234568e-300");
  EXPECT_EQ(Text(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(Text(std::nan("")), "NaN");
}

TEST(AttributeValueTest, TextsBecomeNumbersWhole) {
  const auto number = [](std::string_view text) { return AttributeNumber(text); };
  EXPECT_EQ(number("8"), 8);
  EXPECT_EQ(number(" -2.5e1\n"), -25);
  EXPECT_EQ(number("+3"), 3);
  EXPECT_EQ(number(""), 0);
  for (const std::string_view text : {"8x", "x", "1 2", "nan", "inf", "0x10", "1e999", "--1", "+-1"}) {
    EXPECT_TRUE(std::isnan(number(text))) << text;
  }
}

TEST(AttributeValueTest, JsonBecomesScalarsAndNodes) {
  const json node =
      json::parse(R"({"i": -3, "u": 18446744073709551615, "s": "x", "n": null, "a": [1], "o": {}})");
  const JsonAttributes attributes(node);
  EXPECT_EQ(std::get<int64_t>(attributes.Find("i")), -3);
  EXPECT_EQ(std::get<double>(attributes.Find("u")), 18446744073709551615.0);
  EXPECT_EQ(std::get<std::string_view>(attributes.Find("s")), "x");
  EXPECT_TRUE(IsNull(attributes.Find("n")));
  EXPECT_TRUE(IsNull(attributes.Find("missing")));
  EXPECT_EQ(AsArray(attributes.Find("a")), &node["a"]);
  EXPECT_EQ(AsObject(attributes.Find("o")), &node["o"]);
  EXPECT_TRUE(IsNull(JsonAttributes(json::array()).Find("x")));
}

// A source may hand out a null as a node of its own.
TEST(AttributeValueTest, ANullNodeIsNull) {
  const json null;
  const AttributeValue value = &null;
  NumberBuffer buffer;
  EXPECT_TRUE(IsNull(value));
  EXPECT_EQ(AttributeNumber(value), 0);
  EXPECT_FALSE(AttributeTruth(value));
  EXPECT_FALSE(AttributeText(value, buffer).has_value());
}

TEST(AttributeValueTest, TruthIsJavaScripts) {
  EXPECT_TRUE(AttributeTruth(std::string_view("false")));
  EXPECT_FALSE(AttributeTruth(std::string_view()));
  EXPECT_FALSE(AttributeTruth(int64_t{0}));
  EXPECT_FALSE(AttributeTruth(std::nan("")));
  EXPECT_TRUE(AttributeTruth(-0.5));
  EXPECT_FALSE(AttributeTruth(std::monostate()));
}

}  // namespace
}  // namespace espalier
