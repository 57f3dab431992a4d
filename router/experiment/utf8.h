// Whether text is UTF-8.
#ifndef ESPALIER_ROUTER_EXPERIMENT_UTF8_H_
#define ESPALIER_ROUTER_EXPERIMENT_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace espalier {

// A code point and its length in bytes; length 0 when the bytes are malformed (cut short, overlong, a
// surrogate, beyond U+10FFFF).
struct Utf8Character {
  uint32_t code_point = 0;
  size_t length = 0;
};

// The first character of `text`, which is not empty.
constexpr Utf8Character DecodeUtf8(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (length == 0 || text.size() < length) return {};
  uint32_t code_point = lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    code_point = code_point << 6 | (byte & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[length] || code_point > 0x10FFFF || surrogate) return {};
  return {code_point, length};
}

constexpr bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = DecodeUtf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_UTF8_H_
