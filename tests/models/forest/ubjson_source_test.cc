#include "models/forest/ubjson_source.h"

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

// A literal with its zero bytes.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

absl::Status Integers(std::string_view bytes, std::vector<int32_t>& values, size_t max_count = kMany) {
  UbjsonSource source(bytes);
  ESPALIER_RETURN_IF_ERROR(source.ReadIntegers(values, max_count));
  return source.Finish();
}

absl::Status Floats(std::string_view bytes, std::vector<float>& values) {
  UbjsonSource source(bytes);
  ESPALIER_RETURN_IF_ERROR(source.ReadFloats(values, kMany));
  return source.Finish();
}

std::string Text(std::string_view bytes) {
  UbjsonSource source(bytes);
  std::string text;
  const absl::Status status = source.ReadText(text);
  return status.ok() && source.Finish().ok() ? text : StrCat("error: ", Message(status));
}

absl::Status Skip(std::string_view bytes) {
  UbjsonSource source(bytes);
  ESPALIER_RETURN_IF_ERROR(source.SkipValue());
  return source.Finish();
}

TEST(UbjsonSourceTest, ReadsTypedArraysOfEveryType) {
  std::vector<int32_t> values;
  ASSERT_TRUE(Integers(Bytes("[$i#i\x02\xff\x7f"), values).ok());
  EXPECT_THAT(values, ElementsAre(-1, 127));
  ASSERT_TRUE(Integers(Bytes("[$U#U\x01\xff"), values).ok());
  EXPECT_THAT(values, ElementsAre(255));
  ASSERT_TRUE(Integers(Bytes("[$I#I\x00\x01\xff\xfe"), values).ok());
  EXPECT_THAT(values, ElementsAre(-2));
  ASSERT_TRUE(Integers(Bytes("[$l#l\x00\x00\x00\x02\x00\x00\x01\x00\x80\x00\x00\x00"), values).ok());
  EXPECT_THAT(values, ElementsAre(256, INT32_MIN));
  ASSERT_TRUE(
      Integers(Bytes("[$L#L\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x7f\xff\xff\xff"), values).ok());
  EXPECT_THAT(values, ElementsAre(INT32_MAX));
  ASSERT_TRUE(Integers(Bytes("[$l#i\x00"), values).ok());
  EXPECT_THAT(values, IsEmpty());
}

TEST(UbjsonSourceTest, ReadsArraysWhoseItemsSayTheirTypes) {
  std::vector<int32_t> values;
  ASSERT_TRUE(Integers(Bytes("[i\x01U\xffTFNI\x01\x00L\x00\x00\x00\x00\x00\x00\x00\x05]"), values).ok());
  EXPECT_THAT(values, ElementsAre(1, 255, 1, 0, 256, 5));
  ASSERT_TRUE(Integers(Bytes("[#i\x02i\x01i\x02"), values).ok());
  EXPECT_THAT(values, ElementsAre(1, 2));
  ASSERT_TRUE(Integers("[]", values).ok());
  EXPECT_THAT(values, IsEmpty());
}

TEST(UbjsonSourceTest, ReadsNumbers) {
  std::vector<float> values;
  ASSERT_TRUE(Floats(Bytes("[$d#i\x02\x3f\x00\x00\x00\xff\x80\x00\x00"), values).ok());
  EXPECT_THAT(values, ElementsAre(0.5f, -INFINITY));
  ASSERT_TRUE(Floats(Bytes("[d\x3f\x80\x00\x00"
                           "D\x3f\xd0\x00\x00\x00\x00\x00\x00i\xff]"),
                     values)
                  .ok());
  EXPECT_THAT(values, ElementsAre(1.0f, 0.25f, -1.0f));
  // The largest double is beyond float32.
  ASSERT_TRUE(Floats(Bytes("[$D#i\x01\x7f\xef\xff\xff\xff\xff\xff\xff"), values).ok());
  EXPECT_THAT(values, ElementsAre(INFINITY));
}

TEST(UbjsonSourceTest, ReadsText) {
  EXPECT_EQ(Text(Bytes("Si\x03one")), "one");
  EXPECT_EQ(Text(Bytes("SL\x00\x00\x00\x00\x00\x00\x00\x00")), "");
  EXPECT_EQ(Text(Bytes("Ca")), "a");
  EXPECT_EQ(Text(Bytes("i\xfe")), "-2");
  EXPECT_EQ(Text(Bytes("d\x3f\x00\x00\x00")), "0.5");
  EXPECT_EQ(Text("T"), "true");
}

TEST(UbjsonSourceTest, WalksObjectsWithAndWithoutACount) {
  for (const std::string& bytes : {Bytes("{i\x01"
                                         "a[$U#i\x01\x07i\x01"
                                         "b{}}"),
                                   Bytes("{#i\x02i\x01"
                                         "a[#i\x01U\x07U\x01"
                                         "b{#i\x00")}) {
    UbjsonSource source(bytes);
    std::string key;
    std::vector<int32_t> values;
    ASSERT_TRUE(source.EnterObject().ok());
    ASSERT_TRUE(*source.NextKey(key));
    EXPECT_EQ(key, "a");
    EXPECT_EQ(*source.Peek(), DocumentSource::Kind::kArray);
    ASSERT_TRUE(source.ReadIntegers(values, kMany).ok());
    EXPECT_THAT(values, ElementsAre(7));
    ASSERT_TRUE(*source.NextKey(key));
    EXPECT_EQ(key, "b");
    ASSERT_TRUE(source.SkipValue().ok());
    EXPECT_FALSE(*source.NextKey(key));
    EXPECT_TRUE(source.Finish().ok());
    EXPECT_TRUE(Skip(bytes).ok());
  }
}

TEST(UbjsonSourceTest, RefusesACountThatTheFileCannotHold) {
  std::vector<int32_t> values;
  const std::string huge = Bytes("\x7f\xff\xff\xff\xff\xff\xff\xff");
  for (const std::string& bytes :
       {"[$l#L" + huge, "[#L" + huge, "[$U#L" + huge + "\x01\x02", "[$L#i\x02" + Bytes("\0")}) {
    EXPECT_THAT(Message(Integers(bytes, values)), HasSubstr("items, as declared")) << bytes;
    EXPECT_THAT(Message(Skip(bytes)), HasSubstr("items, as declared")) << bytes;
  }
  EXPECT_THAT(Message(Skip("{#L" + huge)), HasSubstr("items, as declared"));
  EXPECT_THAT(Message(Skip("SL" + huge)), HasSubstr("bytes of text"));
  EXPECT_THAT(Message(Skip("SL\xff" + huge)), HasSubstr("not negative"));
  EXPECT_THAT(Message(Integers(Bytes("[$U#i\x03\x01\x02\x03"), values, 2)), HasSubstr("at most 2 values"));
}

TEST(UbjsonSourceTest, RefusesTypesWithoutSizeInTypedContainers) {
  for (const char type : {'Z', 'T', 'F', 'N', '[', '{', 'S', 'C', 'H', 'x', ']'}) {
    const std::string count = Bytes("#l\x7f\xff\xff\xff");
    EXPECT_THAT(Message(Skip(std::string("[$") + type + count)), HasSubstr("a numeric type")) << type;
  }
  EXPECT_EQ(Skip(Bytes("{$U#i\x01i\x01"
                       "a\x07"))
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Skip(Bytes("[$U\x01")).code(), absl::StatusCode::kInvalidArgument);
}

TEST(UbjsonSourceTest, RefusesWhatIsNoInteger) {
  std::vector<int32_t> values;
  EXPECT_THAT(Message(Integers(Bytes("[$d#i\x01\x3f\x80\x00\x00"), values)),
              HasSubstr("integers of 32 bits"));
  EXPECT_THAT(Message(Integers(Bytes("[$L#i\x01\x00\x00\x00\x00\x80\x00\x00\x00"), values)),
              HasSubstr("integers of 32 bits"));
  EXPECT_THAT(Message(Integers(Bytes("[L\x00\x00\x00\x00\x80\x00\x00\x00]"), values)),
              HasSubstr("an integer of 32 bits"));
  for (const std::string& bytes :
       {Bytes("[d\x3f\x80\x00\x00]"),
        Bytes("[Si\x01"
              "1]"),
        Bytes("[Z]"), Bytes("[i"), Bytes("["), Bytes("[i\x01"), Bytes("i\x01"), Bytes(""), Bytes("[I\x01")}) {
    EXPECT_EQ(Integers(bytes, values).code(), absl::StatusCode::kInvalidArgument) << bytes;
  }
}

TEST(UbjsonSourceTest, NestingIsBounded) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Skip(nested(DocumentSource::kMaxDepth)).ok());
  EXPECT_THAT(Message(Skip(nested(DocumentSource::kMaxDepth + 1))), HasSubstr("at most 64 nested"));
  EXPECT_THAT(Message(Skip(std::string(100'000, '['))), HasSubstr("at most 64 nested"));
  const std::string deep = nested(1000);
  UbjsonSource source(deep);
  absl::Status status;
  while (status.ok()) status = source.EnterArray();
  EXPECT_THAT(Message(status), HasSubstr("at most 64 nested"));
}

TEST(UbjsonSourceTest, WhatWasSkippedCanStillBeRead) {
  const std::string bytes(
      "{i\x01"
      "a[$U#U\x02\x03\x02"
      "i\x01"
      "bi\x07}",
      18);
  UbjsonSource source(bytes);
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
  EXPECT_EQ(values, (std::vector<float>{3, 2}));
  EXPECT_FALSE(*source.NextKey(key));
  EXPECT_TRUE(source.Finish().ok());
}

}  // namespace
}  // namespace espalier
