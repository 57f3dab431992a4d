#include "router/experiment/json_text.h"

#include <algorithm>
#include <string>

#include "models/base/strings.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

// The deepest nesting of brackets outside of strings.
int BracketDepth(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseJson(std::string_view text) {
  if (BracketDepth(text) > kMaxJsonDepth) {
    return InvalidArgument("JSON may be nested ", kMaxJsonDepth, " levels deep");
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    std::string_view why = error.what();
    // Without "[json.exception.parse_error.101] ".
    why.remove_prefix(std::min(why.size(), why.find("] ") + 2));
    return InvalidArgument("is no JSON: ", why);
  }
}

}  // namespace espalier
