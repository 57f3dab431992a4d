#include "models/forest/json_source.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr size_t kQuotedBytes = 24;

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool EndsScalar(char c) { return c == ',' || c == ']' || c == '}' || IsSpace(c); }

// Whether each byte is a bracket or a quote.
constexpr std::array<bool, 256> kStructural = [] {
  std::array<bool, 256> structural{};
  for (const unsigned char c : {'[', ']', '{', '}', '"'}) structural[c] = true;
  return structural;
}();

bool IsStructural(char c) { return kStructural[static_cast<unsigned char>(c)]; }

void AppendUtf8(uint32_t code, std::string& text) {
  const auto append = [&](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  const auto tail = [&](int shift) { append(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    append(code);
  } else if (code < 0x800) {
    append(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    append(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    append(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool IsHighSurrogate(uint32_t code) { return code >= 0xD800 && code < 0xDC00; }
bool IsLowSurrogate(uint32_t code) { return code >= 0xDC00 && code < 0xE000; }

}  // namespace

JsonSource::JsonSource(std::string_view bytes)
    : begin_(bytes.data()), end_(bytes.data() + bytes.size()), at_(bytes.data()) {}

absl::Status JsonSource::Expected(std::string_view what) const {
  const size_t place = at_ - begin_;
  if (at_ == end_) return InvalidArgument("byte ", place, ": expected ", what, ", found the end of the file");
  const std::string_view rest(at_, std::min<size_t>(end_ - at_, kQuotedBytes));
  return InvalidArgument("byte ", place, ": expected ", what, ", found ", absl::CHexEscape(ToAbsl(rest)));
}

void JsonSource::SkipSpace() {
  while (at_ != end_ && IsSpace(*at_)) ++at_;
}

bool JsonSource::Take(std::string_view word) {
  const std::string_view rest(at_, end_ - at_);
  if (rest.substr(0, word.size()) != word) return false;
  at_ += word.size();
  return true;
}

absl::StatusOr<DocumentSource::Kind> JsonSource::Peek() {
  SkipSpace();
  if (at_ == end_) return Expected("a value");
  return *at_ == '{' ? Kind::kObject : *at_ == '[' ? Kind::kArray : Kind::kScalar;
}

absl::Status JsonSource::Enter(char bracket, std::string_view what) {
  SkipSpace();
  if (at_ == end_ || *at_ != bracket) return Expected(what);
  if (depth_ == kMaxDepth) return Expected(StrCat("at most ", kMaxDepth, " nested objects and arrays"));
  ++at_;
  ++depth_;
  first_ = true;
  return absl::OkStatus();
}

absl::StatusOr<bool> JsonSource::NextItem(char bracket) {
  SkipSpace();
  if (at_ != end_ && *at_ == bracket) {
    ++at_;
    --depth_;
    first_ = false;
    return false;
  }
  if (!first_) {
    if (at_ == end_ || *at_ != ',') return Expected(bracket == ']' ? "a comma or ]" : "a comma or }");
    ++at_;
  }
  first_ = false;
  return true;
}

absl::StatusOr<bool> JsonSource::NextKey(std::string& key) {
  ESPALIER_ASSIGN_OR_RETURN(const bool more, NextItem('}'));
  if (!more) return false;
  SkipSpace();
  ESPALIER_RETURN_IF_ERROR(ReadString(key));
  SkipSpace();
  if (at_ == end_ || *at_ != ':') return Expected("a colon");
  ++at_;
  return true;
}

absl::Status JsonSource::ReadText(std::string& text) {
  SkipSpace();
  if (at_ != end_ && *at_ == '"') return ReadString(text);
  const char* const start = at_;
  ESPALIER_RETURN_IF_ERROR(SkipScalar());
  text.assign(start, at_);
  return absl::OkStatus();
}

absl::Status JsonSource::ReadString(std::string& text) {
  if (at_ == end_ || *at_ != '"') return Expected("a string");
  ++at_;
  text.clear();
  while (true) {
    const char* const start = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') ++at_;
    text.append(start, at_);
    if (at_ == end_) return Expected("the end of a string");
    if (*at_++ == '"') return absl::OkStatus();
    ESPALIER_RETURN_IF_ERROR(ReadEscape(text));
  }
}

// The cursor stands after the backslash.
absl::Status JsonSource::ReadEscape(std::string& text) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (at_ == end_) return Expected("an escape");
  if (const size_t i = kNames.find(*at_); i != std::string_view::npos) {
    text.push_back(kMeanings[i]);
    ++at_;
    return absl::OkStatus();
  }
  if (!Take("u")) return Expected("an escape");
  ESPALIER_ASSIGN_OR_RETURN(uint32_t code, ReadHexDigits());
  if (IsHighSurrogate(code)) {
    if (!Take("\\u")) return Expected("the second half of a surrogate pair");
    ESPALIER_ASSIGN_OR_RETURN(const uint32_t low, ReadHexDigits());
    if (!IsLowSurrogate(low)) return Expected("a surrogate pair before this");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (IsLowSurrogate(code)) {
    return Expected("a surrogate pair before this");
  }
  AppendUtf8(code, text);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> JsonSource::ReadHexDigits() {
  uint32_t code = 0;
  const bool enough = end_ - at_ >= 4;
  const auto result = std::from_chars(at_, enough ? at_ + 4 : at_, code, 16);
  if (result.ec != std::errc() || result.ptr != at_ + 4) return Expected("four hexadecimal digits");
  at_ += 4;
  return code;
}

template <typename Value, typename ReadOne>
absl::Status JsonSource::ReadArray(std::vector<Value>& values, size_t max_count, ReadOne read_one) {
  values.clear();
  ESPALIER_RETURN_IF_ERROR(EnterArray());
  SkipSpace();
  if (Take("]")) {
    --depth_;
    first_ = false;
    return absl::OkStatus();
  }
  while (true) {
    SkipSpace();
    if (values.size() == max_count) return Expected(StrCat("at most ", max_count, " values"));
    Value value;
    ESPALIER_RETURN_IF_ERROR(read_one(value));
    values.push_back(value);
    SkipSpace();
    if (at_ == end_ || (*at_ != ',' && *at_ != ']')) return Expected("a comma or ]");
    if (*at_++ == ']') break;
  }
  --depth_;
  first_ = false;
  return absl::OkStatus();
}

absl::Status JsonSource::ReadInteger(int32_t& value) {
  if (at_ != end_ && (*at_ == 't' || *at_ == 'f')) {
    value = *at_ == 't';
    return Take("true") || Take("false") ? absl::OkStatus() : Expected("an integer or a boolean");
  }
  const auto result = std::from_chars(at_, end_, value);
  if (result.ec == std::errc::result_out_of_range) return Expected("an integer of 32 bits");
  if (result.ec != std::errc()) return Expected("an integer");
  at_ = result.ptr;
  return absl::OkStatus();
}

absl::Status JsonSource::ReadIntegers(std::vector<int32_t>& values, size_t max_count) {
  return ReadArray(values, max_count, [this](int32_t& value) { return ReadInteger(value); });
}

template <typename Number>
absl::Status JsonSource::ReadNumber(std::string_view what, Number& value) {
  // Correctly rounded straight to float32, as XGBoost's own reader is; a detour over double is not.
  const char* const digits = at_ != end_ && *at_ == '-' ? at_ + 1 : at_;
  if (digits != end_ && IsDigit(*digits)) {
    const auto result = std::from_chars(at_, end_, value);
    if (result.ec != std::errc()) return Expected(StrCat("a number in the range of ", what));
    at_ = result.ptr;
    return absl::OkStatus();
  }
  if (Take("NaN")) {
    value = std::numeric_limits<Number>::quiet_NaN();
  } else if (Take("Infinity")) {
    value = std::numeric_limits<Number>::infinity();
  } else if (Take("-Infinity")) {
    value = -std::numeric_limits<Number>::infinity();
  } else {
    return Expected("a number");
  }
  return absl::OkStatus();
}

absl::Status JsonSource::ReadFloats(std::vector<float>& values, size_t max_count) {
  return ReadArray(values, max_count, [this](float& value) { return ReadNumber("float32", value); });
}

absl::Status JsonSource::ReadDoubles(std::vector<double>& values, size_t max_count) {
  return ReadArray(values, max_count, [this](double& value) { return ReadNumber("float64", value); });
}

absl::Status JsonSource::ReadFloatsAt(size_t position, std::vector<float>& values, size_t max_count) {
  const char* const cursor = std::exchange(at_, begin_ + position);
  ESPALIER_RETURN_IF_ERROR(ReadFloats(values, max_count));
  at_ = cursor;
  return absl::OkStatus();
}

absl::Status JsonSource::SkipValue() {
  SkipSpace();
  if (at_ == end_) return Expected("a value");
  if (*at_ == '"') return SkipString();
  if (*at_ == '{' || *at_ == '[') return SkipContainer();
  return SkipScalar();
}

absl::Status JsonSource::SkipScalar() {
  constexpr std::string_view kOthers = "-NItfn";
  const char* const start = at_;
  while (at_ != end_ && !EndsScalar(*at_)) ++at_;
  const bool known = at_ != start && (IsDigit(*start) || kOthers.find(*start) != std::string_view::npos);
  if (known) return absl::OkStatus();
  at_ = start;
  return Expected("a value");
}

absl::Status JsonSource::SkipString() {
  for (++at_; at_ != end_; ++at_) {
    if (*at_ == '"') {
      ++at_;
      return absl::OkStatus();
    }
    if (*at_ == '\\' && ++at_ == end_) break;
  }
  return Expected("the end of a string");
}

absl::Status JsonSource::SkipContainer() {
  static_assert(kMaxDepth <= 64);
  uint64_t arrays =
      0;  // bit 0: whether the innermost open container is an array; bit 1: the one around it...
  size_t open = 0;
  do {
    // Most of what is skipped is arrays of numbers: look for brackets and quotes only.
    while (at_ != end_ && !IsStructural(*at_)) ++at_;
    if (at_ == end_) return Expected("the end of an object or array");
    if (*at_ == '"') {
      ESPALIER_RETURN_IF_ERROR(SkipString());
    } else if (*at_ == '[' || *at_ == '{') {
      if (depth_ + open == kMaxDepth) {
        return Expected(StrCat("at most ", kMaxDepth, " nested objects and arrays"));
      }
      arrays = arrays << 1 | (*at_ == '[' ? 1 : 0);
      ++open;
      ++at_;
    } else {
      if (*at_ != ((arrays & 1) != 0 ? ']' : '}')) return Expected((arrays & 1) != 0 ? "]" : "}");
      arrays >>= 1;
      --open;
      ++at_;
    }
  } while (open > 0);
  return absl::OkStatus();
}

absl::Status JsonSource::Finish() {
  SkipSpace();
  return at_ == end_ ? absl::OkStatus() : Expected("the end of the file");
}

}  // namespace espalier
