// A ModelInferRequest as it lies in the received bytes: parsed, not copied.
//
//   InferRequest request;                       // reused: its vectors keep their capacity
//   ESPALIER_RETURN_IF_ERROR(request.Parse(bytes));
//
// Every view points into `bytes`. Not thread-safe; one a request thread.
#ifndef ESPALIER_SERVICES_FRONT_INFER_REQUEST_H_
#define ESPALIER_SERVICES_FRONT_INFER_REQUEST_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"

namespace espalier {

// An element type of the protocol.
enum class DataType : uint8_t {
  kUnknown,
  kBool,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFp16,
  kBf16,
  kFp32,
  kFp64,
  kBytes
};

// kUnknown for a name that is none.
DataType ParseDataType(std::string_view name);

// Bytes per element of raw contents; 0 for kBytes and kUnknown.
size_t DataTypeSize(DataType type);

// One entry of `parameters`. monostate: the entry has no value.
struct InferParameter {
  std::string_view name;
  std::variant<std::monostate, bool, int64_t, double, std::string_view> value;
};

// One entry of `inputs`.
struct InferTensor {
  std::string_view name;
  std::string_view datatype_name;
  DataType datatype = DataType::kUnknown;
  // Where the dimensions lie in InferRequest::dims.
  uint32_t dims_begin = 0;
  uint32_t dims_count = 0;
  bool has_contents = false;
  // The serialized InferTensorContents, when has_contents.
  std::string_view contents;
  // The buffer of raw_input_contents that belongs to this input.
  std::string_view raw;
};

class InferRequest {
 public:
  // INVALID_ARGUMENT when the bytes are no ModelInferRequest, or raw and typed contents contradict each
  // other.
  absl::Status Parse(std::string_view bytes);

  // The first dimension of the first input, and the request's id, without parsing the rest; 0 and empty when
  // there is none.
  static uint64_t PeekRows(std::string_view bytes);
  static std::string_view PeekId(std::string_view bytes);

  std::string_view model_name;
  std::string_view model_version;
  std::string_view id;
  std::vector<InferParameter> parameters;
  std::vector<InferTensor> inputs;
  // Names of the requested outputs.
  std::vector<std::string_view> outputs;
  // Whether the tensors came by raw_input_contents; the reply does likewise.
  bool raw = false;

  std::span<const int64_t> Dims(const InferTensor& tensor) const {
    return std::span(dims_).subspan(tensor.dims_begin, tensor.dims_count);
  }

  // The last parameter of that name, or null.
  const InferParameter* FindParameter(std::string_view name) const;

 private:
  void Clear();
  absl::Status ParseInput(std::string_view bytes);
  absl::Status ParseOutput(std::string_view bytes);
  absl::Status AttachRaw();

  std::vector<int64_t> dims_;
  std::vector<std::string_view> raw_contents_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_INFER_REQUEST_H_
