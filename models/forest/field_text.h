// Texts of a model file: parsed strictly, and shown in messages.
#ifndef ESPALIER_MODELS_FOREST_FIELD_TEXT_H_
#define ESPALIER_MODELS_FOREST_FIELD_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace espalier {

// Text of a file for a message: short, in quotes, and on one line.
std::string Quoted(std::string_view text);

// `text` without the space around it.
std::string_view Trimmed(std::string_view text);

// The whole of `text` as an integer from `min` to `max`; INVALID_ARGUMENT names `field`.
absl::StatusOr<int64_t> ParseInteger(std::string_view field, std::string_view text, int64_t min, int64_t max);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FIELD_TEXT_H_
