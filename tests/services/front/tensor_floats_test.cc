#include "services/front/tensor_floats.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "services/front/wire.h"
#include "tests/testing/front_fixture.h"

namespace espalier {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

constexpr float kUntouched = -12345.0f;
// Elements behind the room that a tensor has; more than any test sends too many.
constexpr size_t kBehind = 64;

// How typed contents may lie in a message; protobuf's parsers have to take all of them.
enum class Layout { kPacked, kPackedPieces, kUnpacked };

struct Typed {
  const char* datatype;
  uint32_t field;
  // Bytes of an element; 0 for a varint.
  size_t width;
};

constexpr Typed kTyped[] = {{"BOOL", 1, 0},   {"INT8", 2, 0},  {"INT16", 2, 0},  {"INT32", 2, 0},
                            {"INT64", 3, 0},  {"UINT8", 4, 0}, {"UINT16", 4, 0}, {"UINT32", 4, 0},
                            {"UINT64", 5, 0}, {"FP32", 6, 4},  {"FP64", 7, 8}};

// The element 1 of a type.
std::string One(const Typed& type) {
  if (type.width == 4) {
    const float one = 1;
    return {reinterpret_cast<const char*>(&one), sizeof(one)};
  }
  if (type.width == 8) {
    const double one = 1;
    return {reinterpret_cast<const char*>(&one), sizeof(one)};
  }
  return "\x01";
}

// InferTensorContents of `count` ones.
std::string Ones(const Typed& type, size_t count, Layout layout) {
  std::string contents;
  WireWriter writer(contents);
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    all += One(type);
    if (layout == Layout::kPackedPieces) writer.Bytes(type.field, One(type));
    if (layout != Layout::kUnpacked) continue;
    const WireType wire = type.width == 4   ? WireType::kFixed32
                          : type.width == 8 ? WireType::kFixed64
                                            : WireType::kVarint;
    writer.Varint(type.field << 3 | static_cast<uint32_t>(wire));
    contents += One(type);
  }
  if (layout == Layout::kPacked) writer.Bytes(type.field, all);
  return contents;
}

// Reads `needed` elements out of `tensor` with `stride`, and expects nothing to be written beside them.
absl::Status Read(const InferTensor& tensor, size_t needed, size_t stride, bool raw) {
  const size_t room = (needed - 1) * stride + 1;
  std::vector<float> guarded(room + kBehind * stride, kUntouched);
  const absl::Status status = ReadFloats(tensor, needed, raw, guarded.data(), stride);
  for (size_t i = 0; i < guarded.size(); ++i) {
    const bool place = i < room && i % stride == 0;
    const float expected = place && (status.ok() || guarded[i] == 1.0f) ? 1.0f : kUntouched;
    EXPECT_EQ(guarded[i], expected) << i << " of " << room << ": " << status;
  }
  // The same without room behind, for a sanitizer to see.
  const auto exact = std::make_unique<float[]>(room);
  EXPECT_EQ(ReadFloats(tensor, needed, raw, exact.get(), stride), status);
  return status;
}

TEST(TensorFloatsTest, TypedContentsOfAnyLayoutHaveToFit) {
  constexpr size_t kNeeded = 24;
  for (const Typed& type : kTyped) {
    for (const Layout layout : {Layout::kPacked, Layout::kPackedPieces, Layout::kUnpacked}) {
      for (const size_t stride : {1, 3}) {
        for (const int excess : {-20, -2, -1, 0, 1, 2, 20}) {
          SCOPED_TRACE(StrCat(type.datatype, " layout ", static_cast<int>(layout), " stride ", stride,
                              " excess ", excess));
          const std::string contents = Ones(type, kNeeded + excess, layout);
          const InferTensor tensor{.name = "x",
                                   .datatype_name = type.datatype,
                                   .datatype = ParseDataType(type.datatype),
                                   .has_contents = true,
                                   .contents = contents};
          const absl::Status status = Read(tensor, kNeeded, stride, false);
          EXPECT_EQ(status.code(), excess == 0 ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument);
          if (excess == 0) continue;
          EXPECT_THAT(std::string(status.message()),
                      HasSubstr(excess < 0 ? StrCat("contents hold ", kNeeded + excess, " elements")
                                           : "contents hold more than the 24 elements"));
        }
      }
    }
  }
}

TEST(TensorFloatsTest, RawContentsOfAnyTypeHaveToFit) {
  constexpr size_t kNeeded = 24;
  for (const char* name : {"BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
                           "FP16", "BF16", "FP32", "FP64"}) {
    const size_t width = DataTypeSize(ParseDataType(name));
    for (const int excess : {-20, -2, -1, 1, 2, 20}) {
      SCOPED_TRACE(StrCat(name, " excess ", excess));
      const std::string raw((kNeeded + excess) * width, '\0');
      const InferTensor tensor{
          .name = "x", .datatype_name = name, .datatype = ParseDataType(name), .raw = raw};
      EXPECT_EQ(Read(tensor, kNeeded, 3, true).code(), absl::StatusCode::kInvalidArgument);
    }
    const std::string short_by_a_byte(kNeeded * width - 1, '\0');
    const InferTensor tensor{
        .name = "x", .datatype_name = name, .datatype = ParseDataType(name), .raw = short_by_a_byte};
    EXPECT_EQ(Read(tensor, kNeeded, 1, true).code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(TensorFloatsTest, NothingIsTakenAfterAnElementThatDoesNotFit) {
  std::string contents;
  WireWriter writer(contents);
  for (const uint64_t value : {1, 300, 1, 1, 1}) writer.Number(4, value);
  const InferTensor tensor{.name = "x",
                           .datatype_name = "UINT8",
                           .datatype = DataType::kUint8,
                           .has_contents = true,
                           .contents = contents};
  std::vector<float> out(8, kUntouched);
  const absl::Status status = ReadFloats(tensor, 2, false, out.data(), 1);
  EXPECT_THAT(std::string(status.message()), HasSubstr("value 300 is outside of datatype UINT8"));
  EXPECT_THAT(std::vector<float>(out.begin() + 1, out.end()), Each(kUntouched));
}

TEST(TensorFloatsTest, FloatsOfTheOtherWidthAreMalformed) {
  std::string contents;
  WireWriter(contents).Varint(6 << 3 | static_cast<uint32_t>(WireType::kFixed64));
  contents += std::string(8, '\0');
  const InferTensor tensor{.name = "x",
                           .datatype_name = "FP32",
                           .datatype = DataType::kFp32,
                           .has_contents = true,
                           .contents = contents};
  std::vector<float> out(2);
  EXPECT_THAT(std::string(ReadFloats(tensor, 2, false, out.data(), 1).message()), HasSubstr("malformed"));
}

}  // namespace
}  // namespace espalier
