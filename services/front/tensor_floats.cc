#include "services/front/tensor_floats.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/front/wire.h"

namespace espalier {
namespace {

constexpr uint64_t kMaxElements = uint64_t{1} << 40;

// The field of InferTensorContents that holds a datatype; 0 for none.
uint32_t ContentsField(DataType type) {
  switch (type) {
    case DataType::kBool:
      return 1;
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32:
      return 2;
    case DataType::kInt64:
      return 3;
    case DataType::kUint8:
    case DataType::kUint16:
    case DataType::kUint32:
      return 4;
    case DataType::kUint64:
      return 5;
    case DataType::kFp32:
      return 6;
    case DataType::kFp64:
      return 7;
    case DataType::kBytes:
      return 8;
    default:
      return 0;
  }
}

constexpr std::string_view kContentsNames[] = {"",
                                               "bool_contents",
                                               "int_contents",
                                               "int64_contents",
                                               "uint_contents",
                                               "uint64_contents",
                                               "fp32_contents",
                                               "fp64_contents",
                                               "bytes_contents"};

float HalfToFloat(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1f;
  const uint32_t mantissa = half & 0x3ff;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float denormal = std::ldexp(static_cast<float>(mantissa), -24);
  return sign != 0 ? -denormal : denormal;
}

// Converts one number; false when float32 cannot stand for it.
template <typename T>
bool Convert(T value, float& out) {
  out = static_cast<float>(value);
  if constexpr (std::is_same_v<T, double>) return !std::isinf(out) || std::isinf(value);
  // x86's long double holds every 64-bit integer and every float exactly.
  if constexpr (std::is_integral_v<T>)
    return static_cast<long double>(out) == static_cast<long double>(value);
  return true;
}

template <typename T>
absl::Status NotRepresentable(const InferTensor& tensor, uint64_t index, T value) {
  return InvalidArgument("input '", tensor.name, "': element ", index, " is ", value,
                         ", which FP32 cannot hold", std::is_integral_v<T> ? " exactly" : "");
}

// Puts converted elements where they belong and counts them. After the first refusal it takes nothing more,
// whoever goes on adding: there is room for `count` elements and no more.
class FloatSink {
 public:
  FloatSink(const InferTensor& tensor, uint64_t count, float* out, size_t stride)
      : tensor_(tensor), count_(count), out_(out), stride_(stride) {}

  template <typename T>
  bool Add(T value) {
    if (!status_.ok()) return false;
    if (taken_ >= count_) return Refuse(TooMany());
    if (!Convert(value, out_[taken_ * stride_])) return Refuse(NotRepresentable(tensor_, taken_, value));
    ++taken_;
    return true;
  }

  bool Refuse(absl::Status status) {
    status_ = std::move(status);
    return false;
  }

  absl::Status Finish() const {
    if (!status_.ok()) return status_;
    if (taken_ == count_) return absl::OkStatus();
    return InvalidArgument("input '", tensor_.name, "': contents hold ", taken_,
                           " elements, the shape needs ", count_);
  }

  const InferTensor& tensor() const { return tensor_; }
  // Why nothing more is taken; OK while all is well.
  const absl::Status& status() const { return status_; }

 private:
  absl::Status TooMany() const {
    return InvalidArgument("input '", tensor_.name, "': contents hold more than the ", count_,
                           " elements that the shape needs");
  }

  const InferTensor& tensor_;
  const uint64_t count_;
  float* const out_;
  const size_t stride_;
  uint64_t taken_ = 0;
  absl::Status status_;
};

template <typename T>
T Load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

template <typename T>
bool AddRaw(std::string_view bytes, FloatSink& sink) {
  for (size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    if (!sink.Add(Load<T>(bytes.data() + at))) return false;
  }
  return true;
}

bool AddHalf(std::string_view bytes, FloatSink& sink) {
  for (size_t at = 0; at < bytes.size(); at += 2) {
    if (!sink.Add(HalfToFloat(Load<uint16_t>(bytes.data() + at)))) return false;
  }
  return true;
}

bool AddBrainFloat(std::string_view bytes, FloatSink& sink) {
  for (size_t at = 0; at < bytes.size(); at += 2) {
    const uint32_t bits = static_cast<uint32_t>(Load<uint16_t>(bytes.data() + at)) << 16;
    if (!sink.Add(std::bit_cast<float>(bits))) return false;
  }
  return true;
}

bool AddBool(std::string_view bytes, FloatSink& sink) {
  for (const char byte : bytes) {
    if (!sink.Add(static_cast<uint8_t>(byte != 0))) return false;
  }
  return true;
}

void AddAllRaw(const InferTensor& tensor, FloatSink& sink) {
  switch (tensor.datatype) {
    case DataType::kBool:
      AddBool(tensor.raw, sink);
      break;
    case DataType::kUint8:
      AddRaw<uint8_t>(tensor.raw, sink);
      break;
    case DataType::kUint16:
      AddRaw<uint16_t>(tensor.raw, sink);
      break;
    case DataType::kUint32:
      AddRaw<uint32_t>(tensor.raw, sink);
      break;
    case DataType::kUint64:
      AddRaw<uint64_t>(tensor.raw, sink);
      break;
    case DataType::kInt8:
      AddRaw<int8_t>(tensor.raw, sink);
      break;
    case DataType::kInt16:
      AddRaw<int16_t>(tensor.raw, sink);
      break;
    case DataType::kInt32:
      AddRaw<int32_t>(tensor.raw, sink);
      break;
    case DataType::kInt64:
      AddRaw<int64_t>(tensor.raw, sink);
      break;
    case DataType::kFp16:
      AddHalf(tensor.raw, sink);
      break;
    case DataType::kBf16:
      AddBrainFloat(tensor.raw, sink);
      break;
    case DataType::kFp32:
      AddRaw<float>(tensor.raw, sink);
      break;
    case DataType::kFp64:
      AddRaw<double>(tensor.raw, sink);
      break;
    case DataType::kBytes:
    case DataType::kUnknown:
      break;
  }
}

template <typename T>
bool AddInRange(int64_t value, FloatSink& sink) {
  if (value < std::numeric_limits<T>::min() || value > std::numeric_limits<T>::max()) {
    return sink.Refuse(InvalidArgument("input '", sink.tensor().name, "': value ", value,
                                       " is outside of datatype ", sink.tensor().datatype_name));
  }
  return sink.Add(static_cast<T>(value));
}

bool AddVarint(uint64_t value, FloatSink& sink) {
  switch (sink.tensor().datatype) {
    case DataType::kBool:
      return sink.Add(static_cast<uint8_t>(value != 0));
    case DataType::kInt8:
      return AddInRange<int8_t>(static_cast<int32_t>(value), sink);
    case DataType::kInt16:
      return AddInRange<int16_t>(static_cast<int32_t>(value), sink);
    case DataType::kInt32:
      return sink.Add(static_cast<int32_t>(value));
    case DataType::kInt64:
      return sink.Add(static_cast<int64_t>(value));
    case DataType::kUint8:
      return AddInRange<uint8_t>(static_cast<uint32_t>(value), sink);
    case DataType::kUint16:
      return AddInRange<uint16_t>(static_cast<uint32_t>(value), sink);
    case DataType::kUint32:
      return sink.Add(static_cast<uint32_t>(value));
    default:
      return sink.Add(value);
  }
}

absl::Status MalformedContents(const InferTensor& tensor) {
  return InvalidArgument("input '", tensor.name, "': contents are malformed");
}

// One occurrence of fp32_contents or fp64_contents, packed or not.
template <typename T>
absl::Status AddFloatField(const WireReader& reader, FloatSink& sink) {
  const WireType unpacked = sizeof(T) == 4 ? WireType::kFixed32 : WireType::kFixed64;
  const bool is_packed = reader.type() == WireType::kBytes && reader.bytes().size() % sizeof(T) == 0;
  if (!is_packed && reader.type() != unpacked) return MalformedContents(sink.tensor());
  AddRaw<T>(reader.bytes(), sink);
  return sink.status();
}

// One occurrence of the right field, packed or not; the sink's refusal ends the reading.
absl::Status AddField(const WireReader& reader, FloatSink& sink) {
  const InferTensor& tensor = sink.tensor();
  if (tensor.datatype == DataType::kFp32) return AddFloatField<float>(reader, sink);
  if (tensor.datatype == DataType::kFp64) return AddFloatField<double>(reader, sink);
  if (reader.type() == WireType::kVarint) {
    AddVarint(reader.number(), sink);
    return sink.status();
  }
  if (reader.type() != WireType::kBytes) return MalformedContents(tensor);
  std::string_view packed = reader.bytes();
  uint64_t value = 0;
  while (!packed.empty()) {
    if (!WireReader::TakeVarint(packed, value)) return MalformedContents(tensor);
    if (!AddVarint(value, sink)) break;
  }
  return sink.status();
}

absl::Status CheckContentsField(const InferTensor& tensor, uint32_t field, uint32_t expected) {
  if (field == expected || field > 8) return absl::OkStatus();
  return InvalidArgument("input '", tensor.name, "': ", kContentsNames[field], " do not belong to datatype ",
                         tensor.datatype_name, "; ",
                         expected == 0 ? std::string_view("raw_input_contents are needed")
                                       : std::string_view(kContentsNames[expected]),
                         expected == 0 ? "" : " do");
}

absl::Status AddAllContents(const InferTensor& tensor, FloatSink& sink) {
  const uint32_t expected = ContentsField(tensor.datatype);
  WireReader reader(tensor.contents);
  while (reader.Next()) {
    ESPALIER_RETURN_IF_ERROR(CheckContentsField(tensor, reader.field(), expected));
    if (reader.field() == expected) ESPALIER_RETURN_IF_ERROR(AddField(reader, sink));
  }
  return reader.ok() ? absl::OkStatus() : MalformedContents(tensor);
}

absl::Status CheckRawSize(const InferTensor& tensor, uint64_t count) {
  const uint64_t expected = count * DataTypeSize(tensor.datatype);
  if (tensor.raw.size() == expected) return absl::OkStatus();
  return InvalidArgument("input '", tensor.name, "': raw contents have ", tensor.raw.size(), " bytes; ",
                         count, " elements of ", tensor.datatype_name, " need ", expected);
}

}  // namespace

absl::Status CheckDataType(const InferTensor& tensor) {
  if (tensor.datatype == DataType::kUnknown) {
    return InvalidArgument("input '", tensor.name, "': datatype '", tensor.datatype_name,
                           "' is unknown; allowed are BOOL, INT8-64, UINT8-64, FP16, BF16, FP32, FP64");
  }
  if (tensor.datatype == DataType::kBytes) {
    return InvalidArgument(
        "input '", tensor.name,
        "': datatype BYTES is for the names of categories, in a tensor named like its feature; "
        "here numbers are needed");
  }
  return absl::OkStatus();
}

absl::Status CheckPayload(const InferTensor& tensor, uint64_t count, bool raw) {
  ESPALIER_RETURN_IF_ERROR(CheckDataType(tensor));
  if (raw) return CheckRawSize(tensor, count);
  // Every element takes a byte at least.
  if (tensor.contents.size() >= count) return absl::OkStatus();
  return InvalidArgument("input '", tensor.name, "': the shape needs ", count,
                         " elements, the contents hold ", tensor.has_contents ? "fewer" : "none");
}

absl::StatusOr<uint64_t> ElementCount(const InferTensor& tensor, std::span<const int64_t> dims) {
  uint64_t count = 1;
  for (const int64_t dim : dims) {
    if (dim < 0) {
      return InvalidArgument("input '", tensor.name, "': shape has dimension ", dim,
                             "; dimensions must be >= 0");
    }
    if (dim != 0 && count > kMaxElements / static_cast<uint64_t>(dim)) {
      return InvalidArgument("input '", tensor.name, "': the product of the shape's dimensions exceeds ",
                             kMaxElements, " elements");
    }
    count *= static_cast<uint64_t>(dim);
  }
  return count;
}

absl::StatusOr<std::optional<std::string_view>> FloatsInPlace(const InferTensor& tensor, uint64_t count,
                                                              bool raw) {
  if (tensor.datatype != DataType::kFp32) return std::nullopt;
  if (raw) {
    ESPALIER_RETURN_IF_ERROR(CheckRawSize(tensor, count));
    return tensor.raw;
  }
  WireReader reader(tensor.contents);
  if (!reader.Next() || !reader.Is(ContentsField(DataType::kFp32), WireType::kBytes)) return std::nullopt;
  const std::string_view floats = reader.bytes();
  if (reader.Next() || !reader.ok() || floats.size() != count * sizeof(float)) return std::nullopt;
  return floats;
}

absl::Status ReadFloats(const InferTensor& tensor, uint64_t count, bool raw, float* out, size_t stride) {
  ESPALIER_RETURN_IF_ERROR(CheckDataType(tensor));
  FloatSink sink(tensor, count, out, stride);
  if (raw) {
    ESPALIER_RETURN_IF_ERROR(CheckRawSize(tensor, count));
    AddAllRaw(tensor, sink);
  } else {
    ESPALIER_RETURN_IF_ERROR(AddAllContents(tensor, sink));
  }
  return sink.Finish();
}

}  // namespace espalier
