// JSON from outside, within limits.
#ifndef ESPALIER_ROUTER_EXPERIMENT_JSON_TEXT_H_
#define ESPALIER_ROUTER_EXPERIMENT_JSON_TEXT_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"

namespace espalier {

// Levels of nesting that a JSON value may have, so that nothing that walks it recursively runs out of stack.
inline constexpr int kMaxJsonDepth = 128;

// The value that `text` holds. INVALID_ARGUMENT says where the text goes wrong.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_JSON_TEXT_H_
