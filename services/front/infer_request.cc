#include "services/front/infer_request.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/front/wire.h"

namespace espalier {
namespace {

// Field numbers of ModelInferRequest and its parts (proto/inference/inference.proto).
namespace request_field {
constexpr uint32_t kModelName = 1, kModelVersion = 2, kId = 3, kParameters = 4, kInputs = 5, kOutputs = 6,
                   kRaw = 7;
}
namespace tensor_field {
constexpr uint32_t kName = 1, kDatatype = 2, kShape = 3, kParameters = 4, kContents = 5;
}
namespace parameter_field {
constexpr uint32_t kBool = 1, kInt64 = 2, kString = 3, kDouble = 4, kUint64 = 5;
}

constexpr std::array<std::pair<std::string_view, DataType>, 14> kDataTypes = {{{"FP32", DataType::kFp32},
                                                                               {"FP64", DataType::kFp64},
                                                                               {"INT32", DataType::kInt32},
                                                                               {"INT64", DataType::kInt64},
                                                                               {"BYTES", DataType::kBytes},
                                                                               {"BOOL", DataType::kBool},
                                                                               {"UINT8", DataType::kUint8},
                                                                               {"UINT16", DataType::kUint16},
                                                                               {"UINT32", DataType::kUint32},
                                                                               {"UINT64", DataType::kUint64},
                                                                               {"INT8", DataType::kInt8},
                                                                               {"INT16", DataType::kInt16},
                                                                               {"FP16", DataType::kFp16},
                                                                               {"BF16", DataType::kBf16}}};

absl::Status Malformed(std::string_view where) {
  return InvalidArgument("request is not a ModelInferRequest: ", where, " is malformed");
}

bool ParseParameterValue(std::string_view bytes, InferParameter& out) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(parameter_field::kString, WireType::kBytes)) {
      out.value = reader.bytes();
    } else if (reader.Is(parameter_field::kBool, WireType::kVarint)) {
      out.value = reader.number() != 0;
    } else if (reader.Is(parameter_field::kInt64, WireType::kVarint)) {
      out.value = static_cast<int64_t>(reader.number());
    } else if (reader.Is(parameter_field::kUint64, WireType::kVarint)) {
      // Beyond int64 only a double can carry it on.
      const uint64_t number = reader.number();
      if (number <= static_cast<uint64_t>(INT64_MAX)) {
        out.value = static_cast<int64_t>(number);
      } else {
        out.value = static_cast<double>(number);
      }
    } else if (reader.Is(parameter_field::kDouble, WireType::kFixed64)) {
      double number;
      std::memcpy(&number, reader.bytes().data(), sizeof(number));
      out.value = number;
    }
  }
  return reader.ok();
}

// One map entry {key = 1, value = 2}.
bool ParseParameter(std::string_view bytes, InferParameter& out) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      out.name = reader.bytes();
    } else if (reader.Is(2, WireType::kBytes)) {
      if (!ParseParameterValue(reader.bytes(), out)) return false;
    }
  }
  return reader.ok();
}

// What no request needs. Each of these takes more memory here than it takes bytes in the message, where two
// may be enough.
constexpr size_t kMaxDims = 16;
constexpr size_t kMaxInputs = size_t{1} << 17;
constexpr size_t kMaxOutputs = 64;
constexpr size_t kMaxParameters = 4096;

absl::Status CheckCount(std::string_view what, size_t count, size_t allowed) {
  if (count < allowed) return absl::OkStatus();
  return InvalidArgument("the request has more than ", allowed, " ", what);
}

// A shape may come packed or not. `begin` is where the tensor's dimensions begin.
absl::Status ParseShape(const WireReader& reader, size_t begin, std::vector<int64_t>& dims) {
  std::string_view packed = reader.type() == WireType::kBytes ? reader.bytes() : std::string_view();
  bool more = reader.type() == WireType::kVarint || !packed.empty();
  for (uint64_t dim = reader.number(); more; more = !packed.empty()) {
    if (!packed.empty() && !WireReader::TakeVarint(packed, dim)) return Malformed("a shape");
    if (dims.size() - begin == kMaxDims) {
      return InvalidArgument("a shape has more than ", kMaxDims, " dimensions");
    }
    dims.push_back(static_cast<int64_t>(dim));
  }
  return absl::OkStatus();
}

// What a tensor's or output's parameters may hold: nothing that would change the answer.
absl::Status CheckTensorParameter(std::string_view entry, std::string_view tensor) {
  InferParameter parameter;
  if (!ParseParameter(entry, parameter)) return Malformed("a tensor's parameter");
  if (parameter.name.starts_with("shared_memory")) {
    return Error(absl::StatusCode::kUnimplemented, "tensor '", tensor, "': parameter '", parameter.name,
                 "': shared memory is not supported; send the tensor in the request");
  }
  if (parameter.name == "classification") {
    return InvalidArgument("output '", tensor,
                           "': parameter 'classification' is not supported; ask for output 'class'");
  }
  return absl::OkStatus();
}

}  // namespace

DataType ParseDataType(std::string_view name) {
  for (const auto& [text, type] : kDataTypes) {
    if (text == name) return type;
  }
  return DataType::kUnknown;
}

size_t DataTypeSize(DataType type) {
  switch (type) {
    case DataType::kBool:
    case DataType::kUint8:
    case DataType::kInt8:
      return 1;
    case DataType::kUint16:
    case DataType::kInt16:
    case DataType::kFp16:
    case DataType::kBf16:
      return 2;
    case DataType::kUint32:
    case DataType::kInt32:
    case DataType::kFp32:
      return 4;
    case DataType::kUint64:
    case DataType::kInt64:
    case DataType::kFp64:
      return 8;
    case DataType::kBytes:
    case DataType::kUnknown:
      return 0;
  }
  return 0;
}

void InferRequest::Clear() {
  model_name = model_version = id = {};
  parameters.clear();
  inputs.clear();
  outputs.clear();
  raw = false;
  dims_.clear();
  raw_contents_.clear();
}

absl::Status InferRequest::Parse(std::string_view bytes) {
  Clear();
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.type() != WireType::kBytes) continue;
    switch (reader.field()) {
      case request_field::kModelName:
        model_name = reader.bytes();
        break;
      case request_field::kModelVersion:
        model_version = reader.bytes();
        break;
      case request_field::kId:
        id = reader.bytes();
        break;
      case request_field::kParameters:
        ESPALIER_RETURN_IF_ERROR(CheckCount("parameters", parameters.size(), kMaxParameters));
        if (!ParseParameter(reader.bytes(), parameters.emplace_back())) return Malformed("a parameter");
        break;
      case request_field::kInputs:
        ESPALIER_RETURN_IF_ERROR(CheckCount("inputs", inputs.size(), kMaxInputs));
        ESPALIER_RETURN_IF_ERROR(ParseInput(reader.bytes()));
        break;
      case request_field::kOutputs:
        ESPALIER_RETURN_IF_ERROR(CheckCount("outputs", outputs.size(), kMaxOutputs));
        ESPALIER_RETURN_IF_ERROR(ParseOutput(reader.bytes()));
        break;
      case request_field::kRaw:
        ESPALIER_RETURN_IF_ERROR(CheckCount("raw_input_contents", raw_contents_.size(), kMaxInputs));
        raw_contents_.push_back(reader.bytes());
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return Malformed("the message");
  return AttachRaw();
}

uint64_t InferRequest::PeekRows(std::string_view bytes) {
  WireReader reader(bytes);
  while (reader.Next()) {
    if (!reader.Is(request_field::kInputs, WireType::kBytes)) continue;
    WireReader input(reader.bytes());
    while (input.Next()) {
      if (input.field() != tensor_field::kShape) continue;
      std::string_view packed = input.bytes();
      uint64_t rows = input.number();
      if (input.type() == WireType::kBytes && !WireReader::TakeVarint(packed, rows)) return 0;
      return std::min<uint64_t>(rows, bytes.size());
    }
  }
  return 0;
}

std::string_view InferRequest::PeekId(std::string_view bytes) {
  std::string_view id;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(request_field::kId, WireType::kBytes)) id = reader.bytes();
  }
  return id;
}

absl::Status InferRequest::ParseInput(std::string_view bytes) {
  InferTensor& tensor = inputs.emplace_back();
  tensor.dims_begin = static_cast<uint32_t>(dims_.size());
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.field() == tensor_field::kShape) {
      ESPALIER_RETURN_IF_ERROR(ParseShape(reader, tensor.dims_begin, dims_));
      continue;
    }
    if (reader.type() != WireType::kBytes) continue;
    switch (reader.field()) {
      case tensor_field::kName:
        tensor.name = reader.bytes();
        break;
      case tensor_field::kDatatype:
        tensor.datatype_name = reader.bytes();
        break;
      case tensor_field::kParameters:
        ESPALIER_RETURN_IF_ERROR(CheckTensorParameter(reader.bytes(), tensor.name));
        break;
      case tensor_field::kContents:
        tensor.contents = reader.bytes();
        tensor.has_contents = true;
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return Malformed("an input");
  tensor.dims_count = static_cast<uint32_t>(dims_.size()) - tensor.dims_begin;
  tensor.datatype = ParseDataType(tensor.datatype_name);
  return absl::OkStatus();
}

absl::Status InferRequest::ParseOutput(std::string_view bytes) {
  std::string_view& name = outputs.emplace_back();
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.Is(1, WireType::kBytes)) {
      name = reader.bytes();
    } else if (reader.Is(2, WireType::kBytes)) {
      ESPALIER_RETURN_IF_ERROR(CheckTensorParameter(reader.bytes(), name));
    }
  }
  return reader.ok() ? absl::OkStatus() : Malformed("an output");
}

absl::Status InferRequest::AttachRaw() {
  raw = !raw_contents_.empty();
  if (!raw) return absl::OkStatus();
  if (raw_contents_.size() != inputs.size()) {
    return InvalidArgument("raw_input_contents has ", raw_contents_.size(), " entries for ", inputs.size(),
                           " inputs; one an input is needed");
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].has_contents) {
      return InvalidArgument("input '", inputs[i].name,
                             "': contents and raw_input_contents are both set; use one of them");
    }
    inputs[i].raw = raw_contents_[i];
  }
  return absl::OkStatus();
}

const InferParameter* InferRequest::FindParameter(std::string_view name) const {
  const auto found = std::find_if(parameters.rbegin(), parameters.rend(),
                                  [name](const InferParameter& parameter) { return parameter.name == name; });
  return found == parameters.rend() ? nullptr : &*found;
}

}  // namespace espalier
