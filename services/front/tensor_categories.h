// BYTES tensors as the category codes that a forest eats: the names are those of the model that answers.
#ifndef ESPALIER_SERVICES_FRONT_TENSOR_CATEGORIES_H_
#define ESPALIER_SERVICES_FRONT_TENSOR_CATEGORIES_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "models/forest/category_names.h"
#include "services/front/infer_request.h"

namespace espalier {

// The fewest bytes that `count` elements can take: a length before each, and perhaps no text.
uint64_t SmallestBytesPayload(uint64_t count, bool raw);

// Writes the codes of `count` names to out[0], out[stride], out[2 * stride], ...; an empty text is missing.
// INVALID_ARGUMENT names the tensor, and the row and the text of a category that the model does not know.
absl::Status ReadCategories(const InferTensor& tensor, uint64_t count, bool raw, const CategoryNames& names,
                            uint32_t feature, float* out, size_t stride);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_TENSOR_CATEGORIES_H_
