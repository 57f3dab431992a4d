#include "models/forest/field_text.h"

#include <charconv>

#include "absl/strings/escaping.h"
#include "models/base/strings.h"

namespace espalier {

std::string Quoted(std::string_view text) {
  return StrCat("\"", absl::Utf8SafeCHexEscape(ToAbsl(text.substr(0, 40))), text.size() > 40 ? "..." : "",
                "\"");
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

absl::StatusOr<int64_t> ParseInteger(std::string_view field, std::string_view text, int64_t min,
                                     int64_t max) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < min || value > max) {
    return InvalidArgument(field, " ", Quoted(text), ": must be an integer from ", min, " to ", max);
  }
  return value;
}

}  // namespace espalier
