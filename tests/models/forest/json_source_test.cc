#include "models/forest/json_source.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr size_t kMany = 1000;

absl::Status Integers(std::string_view json, std::vector<int32_t>& values, size_t max_count = kMany) {
  JsonSource source(json);
  ESPALIER_RETURN_IF_ERROR(source.ReadIntegers(values, max_count));
  return source.Finish();
}

absl::Status Floats(std::string_view json, std::vector<float>& values) {
  JsonSource source(json);
  ESPALIER_RETURN_IF_ERROR(source.ReadFloats(values, kMany));
  return source.Finish();
}

absl::StatusOr<std::string> Text(std::string_view json) {
  JsonSource source(json);
  std::string text;
  ESPALIER_RETURN_IF_ERROR(source.ReadText(text));
  ESPALIER_RETURN_IF_ERROR(source.Finish());
  return text;
}

absl::Status Skip(std::string_view json) {
  JsonSource source(json);
  ESPALIER_RETURN_IF_ERROR(source.SkipValue());
  return source.Finish();
}

std::string Repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(JsonSourceTest, ReadsIntegersAndBooleans) {
  std::vector<int32_t> values;
  ASSERT_TRUE(Integers(" [ 1 ,-2,\n2147483647,-2147483648, true,false ] ", values).ok());
  EXPECT_THAT(values, ElementsAre(1, -2, INT32_MAX, INT32_MIN, 1, 0));
  ASSERT_TRUE(Integers("[]", values).ok());
  EXPECT_THAT(values, IsEmpty());
}

TEST(JsonSourceTest, RefusesWhatIsNoInteger) {
  std::vector<int32_t> values;
  EXPECT_THAT(Message(Integers("[1,2.5]", values)), HasSubstr("byte 4: expected a comma or ], found .5]"));
  EXPECT_THAT(Message(Integers("[2147483648]", values)), HasSubstr("expected an integer of 32 bits"));
  EXPECT_THAT(Message(Integers("[1,2,3]", values, 2)), HasSubstr("at most 2 values"));
  for (const char* json : {"[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[\"1\"]", "[+1]", "[tru]", "[null]",
                           "1", "{}", "", "[1]]", "[1}"}) {
    EXPECT_EQ(Integers(json, values).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(JsonSourceTest, ReadsNumbers) {
  std::vector<float> values;
  ASSERT_TRUE(Floats("[0,-1,5E-1,1.25e2,3.4028235E38,1E-45,-Infinity,Infinity]", values).ok());
  EXPECT_THAT(values, ElementsAre(0.0f, -1.0f, 0.5f, 125.0f, 3.4028235e38f, 1e-45f, -INFINITY, INFINITY));
  ASSERT_TRUE(Floats("[NaN]", values).ok());
  EXPECT_TRUE(std::isnan(values[0]));
}

TEST(JsonSourceTest, RefusesWhatIsNoNumberOrTooLarge) {
  std::vector<float> values;
  for (const char* json : {"[1e99]", "[1e-99]", "[nan]", "[inf]", "[-nan]", "[- 1]", "[.5]", "[0x10]", "[1e]",
                           "[--1]", "[\"1\"]", "[true]", "[Infinit]"}) {
    EXPECT_EQ(Floats(json, values).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(JsonSourceTest, ReadsTextOfStringsAndNumbers) {
  EXPECT_EQ(*Text(R"("a\"\\\/\b\f\n\r\t")"), "a\"\\/\b\f\n\r\t");
  EXPECT_EQ(*Text(R"("\u0041\u00e9\ud83c\udf33")"), "Aé🌳");
  EXPECT_EQ(*Text(" 5E-1 "), "5E-1");
  EXPECT_EQ(*Text("true"), "true");
  for (const char* json : {"\"", "\"\\", "\"\\u12", "\"\\u12g4\"", "\"\\ud83c\"", "\"\\udf33\"",
                           "\"\\ud83c\\u0041\"", "\"\\x\"", "{}", "[]", "x", ""}) {
    EXPECT_EQ(Text(json).status().code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(JsonSourceTest, WalksObjectsAndArrays) {
  JsonSource source(R"({"a":[{"b":1},[2]],"c":{}})");
  std::string key;
  ASSERT_TRUE(source.EnterObject().ok());
  ASSERT_TRUE(*source.NextKey(key));
  EXPECT_EQ(key, "a");
  EXPECT_EQ(*source.Peek(), DocumentSource::Kind::kArray);
  ASSERT_TRUE(source.EnterArray().ok());
  ASSERT_TRUE(*source.NextElement());
  EXPECT_EQ(*source.Peek(), DocumentSource::Kind::kObject);
  ASSERT_TRUE(source.SkipValue().ok());
  ASSERT_TRUE(*source.NextElement());
  std::vector<int32_t> values;
  ASSERT_TRUE(source.ReadIntegers(values, kMany).ok());
  EXPECT_FALSE(*source.NextElement());
  ASSERT_TRUE(*source.NextKey(key));
  EXPECT_EQ(key, "c");
  ASSERT_TRUE(source.EnterObject().ok());
  EXPECT_FALSE(*source.NextKey(key));
  EXPECT_FALSE(*source.NextKey(key));
  EXPECT_TRUE(source.Finish().ok());
}

TEST(JsonSourceTest, SkipsWhateverIsBalanced) {
  for (const char* json :
       {"{}", "[]", "1", "\"]\"", "null", R"({"a":[1,{"]":"}\""}],"b":nan})", "[[[[]]],{}]"}) {
    EXPECT_TRUE(Skip(json).ok()) << json << Skip(json);
  }
  for (const char* json : {"{", "[", "[}", "{]", "[[]", "[\"]", "]", "}", "", ",", "[]]", "\"", "hello"}) {
    EXPECT_EQ(Skip(json).code(), absl::StatusCode::kInvalidArgument) << json;
  }
}

TEST(JsonSourceTest, NestingIsBounded) {
  const auto nested = [](size_t depth) { return Repeated("[", depth) + Repeated("]", depth); };
  EXPECT_TRUE(Skip(nested(DocumentSource::kMaxDepth)).ok());
  EXPECT_THAT(Message(Skip(nested(DocumentSource::kMaxDepth + 1))), HasSubstr("at most 64 nested"));
  EXPECT_THAT(Message(Skip(Repeated("[{\"\":", 100'000))), HasSubstr("at most 64 nested"));
  const std::string deep = nested(1000);
  JsonSource source(deep);
  absl::Status status;
  while (status.ok()) status = source.EnterArray();
  EXPECT_THAT(Message(status), HasSubstr("at most 64 nested"));
}

TEST(JsonSourceTest, MessagesQuoteTheFileOnOneShortLine) {
  std::vector<int32_t> values;
  const std::string message(Message(Integers("[\n\x01\xff" + std::string(1000, 'x'), values)));
  EXPECT_LT(message.size(), 200u);
  EXPECT_THAT(message, HasSubstr("byte 2: expected an integer, found \\x01\\xff"));
}

TEST(JsonSourceTest, WhatWasSkippedCanStillBeRead) {
  JsonSource source(R"({"a": [1.5, 2], "b": 7})");
  std::string key;
  ASSERT_TRUE(source.EnterObject().ok());
  ASSERT_TRUE(*source.NextKey(key));
  const size_t position = source.Position();
  ASSERT_TRUE(source.SkipValue().ok());
  ASSERT_TRUE(*source.NextKey(key));
  std::string text;
  ASSERT_TRUE(source.ReadText(text).ok());
  EXPECT_EQ(text, "7");
  std::vector<float> values;
  ASSERT_TRUE(source.ReadFloatsAt(position, values, 2).ok());
  EXPECT_EQ(values, (std::vector<float>{1.5f, 2}));
  EXPECT_FALSE(*source.NextKey(key));
  EXPECT_TRUE(source.Finish().ok());
}

}  // namespace
}  // namespace espalier
