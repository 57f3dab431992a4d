// Tensor elements as the float32 that a forest eats.
//
// FP64 is rounded to the nearest float32 as XGBoost does, and refused where that overflows; integers and
// booleans are refused where float32 cannot hold them exactly. NaN is missing, infinities are ordinary
// values.
#ifndef ESPALIER_SERVICES_FRONT_TENSOR_FLOATS_H_
#define ESPALIER_SERVICES_FRONT_TENSOR_FLOATS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/front/infer_request.h"

namespace espalier {

// The number of elements that `dims` describe. INVALID_ARGUMENT for a negative dimension or a product above
// 2^40, naming the tensor.
absl::StatusOr<uint64_t> ElementCount(const InferTensor& tensor, std::span<const int64_t> dims);

// Whether `tensor` is of a type that numbers can be made of. INVALID_ARGUMENT naming the tensor and the type.
absl::Status CheckDataType(const InferTensor& tensor);

// Whether what a shape of `count` elements declares could have been sent: to be asked before room for it is
// made. INVALID_ARGUMENT for types that are no numbers, raw contents of another size, and typed contents of
// fewer bytes than elements.
absl::Status CheckPayload(const InferTensor& tensor, uint64_t count, bool raw);

// The `count` float32 elements in place, when they lie in the message as they are needed: raw FP32, or typed
// contents packed in one piece. Otherwise nullopt. INVALID_ARGUMENT when the size of raw FP32 does not fit.
absl::StatusOr<std::optional<std::string_view>> FloatsInPlace(const InferTensor& tensor, uint64_t count,
                                                              bool raw);

// Converts `count` elements to out[0], out[stride], out[2 * stride], ... INVALID_ARGUMENT naming the tensor,
// the element and the reason; BYTES and unknown types are refused.
absl::Status ReadFloats(const InferTensor& tensor, uint64_t count, bool raw, float* out, size_t stride);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_TENSOR_FLOATS_H_
