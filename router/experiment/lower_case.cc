#include "router/experiment/lower_case.h"

#include <clocale>
#include <cstdint>
#include <cwctype>

#include "router/experiment/utf8.h"

namespace espalier {
namespace {

// The C library's Unicode tables, whatever the process's locale is; null where C.UTF-8 is not installed.
locale_t UnicodeLocale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

uint32_t LowerOf(uint32_t code_point) {
  if (code_point < 0x80) return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
  const locale_t locale = UnicodeLocale();
  return locale == nullptr ? code_point : towlower_l(code_point, locale);
}

void Encode(uint32_t code_point, absl::InlinedVector<char, 256>& out) {
  const auto tail = [&](int shift) { out.push_back(static_cast<char>(0x80 | (code_point >> shift & 0x3F))); };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

LowerCase::LowerCase(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character character = DecodeUtf8(text);
    if (character.length == 0) {
      bytes_.push_back(text[0]);
      text.remove_prefix(1);
      continue;
    }
    Encode(LowerOf(character.code_point), bytes_);
    text.remove_prefix(character.length);
  }
}

}  // namespace espalier
