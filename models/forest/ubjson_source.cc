#include "models/forest/ubjson_source.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/strings/escaping.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr size_t kQuotedBytes = 12;

// Bytes of a value of the type `marker`; 0 when the type is no number of fixed size.
size_t NumberSize(char marker) {
  switch (marker) {
    case 'i':
    case 'U':
      return 1;
    case 'I':
      return 2;
    case 'l':
    case 'd':
      return 4;
    case 'L':
    case 'D':
      return 8;
    default:
      return 0;
  }
}

// Calls `visit` with a value of the C++ type that `marker` stands for; false for any other marker.
template <typename Visit>
bool VisitNumberType(char marker, Visit visit) {
  switch (marker) {
    case 'i':
      return visit(int8_t{}), true;
    case 'U':
      return visit(uint8_t{}), true;
    case 'I':
      return visit(int16_t{}), true;
    case 'l':
      return visit(int32_t{}), true;
    case 'L':
      return visit(int64_t{}), true;
    case 'd':
      return visit(float{}), true;
    case 'D':
      return visit(double{}), true;
    default:
      return false;
  }
}

// The big-endian number at `bytes`.
template <typename T>
T Load(const char* bytes) {
  using Bits = std::conditional_t<
      sizeof(T) == 1, uint8_t,
      std::conditional_t<sizeof(T) == 2, uint16_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>>;
  static_assert(sizeof(T) == sizeof(Bits));
  Bits bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 2) bits = __builtin_bswap16(bits);
    if constexpr (sizeof(T) == 4) bits = __builtin_bswap32(bits);
    if constexpr (sizeof(T) == 8) bits = __builtin_bswap64(bits);
  }
  return std::bit_cast<T>(bits);
}

template <typename Value, typename Stored>
bool Fits(Stored value) {
  if constexpr (std::is_integral_v<Value>) {
    return value >= std::numeric_limits<Value>::min() && value <= std::numeric_limits<Value>::max();
  } else {
    return true;
  }
}

// A double that float32 cannot hold becomes infinite, as in XGBoost.
float ToFloat(double value) {
  if (std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max()) {
    return value > 0 ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
  }
  return static_cast<float>(value);
}

template <typename Value, typename Stored>
Value Convert(Stored value) {
  if constexpr (std::is_same_v<Stored, double>) {
    return ToFloat(value);
  } else {
    return static_cast<Value>(value);
  }
}

}  // namespace

UbjsonSource::UbjsonSource(std::string_view bytes)
    : begin_(bytes.data()), end_(bytes.data() + bytes.size()), at_(bytes.data()) {}

absl::Status UbjsonSource::Expected(std::string_view what) const {
  const size_t place = at_ - begin_;
  if (at_ == end_) return InvalidArgument("byte ", place, ": expected ", what, ", found the end of the file");
  const std::string_view rest(at_, std::min(Remaining(), kQuotedBytes));
  return InvalidArgument("byte ", place, ": expected ", what, ", found ", absl::CHexEscape(ToAbsl(rest)));
}

char UbjsonSource::NextMarker() {
  while (at_ != end_ && *at_ == 'N') ++at_;
  return at_ == end_ ? '\0' : *at_;
}

absl::StatusOr<DocumentSource::Kind> UbjsonSource::Peek() {
  const char marker = NextMarker();
  return marker == '{' ? Kind::kObject : marker == '[' ? Kind::kArray : Kind::kScalar;
}

absl::StatusOr<UbjsonSource::Container> UbjsonSource::ReadHeader() {
  Container container;
  if (at_ != end_ && *at_ == '$') {
    ++at_;
    if (at_ == end_ || NumberSize(*at_) == 0) return Expected("a numeric type after $");
    container.type = *at_++;
    if (at_ == end_ || *at_ != '#') return Expected("# after a type");
  }
  if (at_ != end_ && *at_ == '#') {
    ++at_;
    ESPALIER_ASSIGN_OR_RETURN(container.remaining, ReadLength());
    // Every item needs a byte at least, so that a count can never promise more than the file holds.
    const size_t item = container.type == 0 ? 1 : NumberSize(container.type);
    if (static_cast<uint64_t>(container.remaining) > Remaining() / item) {
      return Expected(StrCat(container.remaining, " items, as declared"));
    }
  }
  return container;
}

absl::Status UbjsonSource::Enter(char marker, std::string_view what) {
  if (NextMarker() != marker) return Expected(what);
  if (depth_ == kMaxDepth) return Expected(StrCat("at most ", kMaxDepth, " nested objects and arrays"));
  ++at_;
  ESPALIER_ASSIGN_OR_RETURN(const Container container, ReadHeader());
  if (container.type != 0) return Expected(StrCat(what, " whose items say their types"));
  open_[depth_++] = container;
  return absl::OkStatus();
}

absl::StatusOr<bool> UbjsonSource::NextItem(char closing) {
  Container& container = open_[depth_ - 1];
  if (container.remaining > 0) {
    --container.remaining;
    return true;
  }
  if (container.remaining < 0) {
    if (NextMarker() != closing) return true;
    ++at_;
  }
  --depth_;
  return false;
}

absl::StatusOr<bool> UbjsonSource::NextKey(std::string& key) {
  ESPALIER_ASSIGN_OR_RETURN(const bool more, NextItem('}'));
  if (!more) return false;
  NextMarker();
  ESPALIER_ASSIGN_OR_RETURN(const std::string_view bytes, ReadBytes());
  key.assign(bytes);
  return true;
}

absl::StatusOr<int64_t> UbjsonSource::ReadInteger(char marker) {
  int64_t value = 0;
  const size_t size = NumberSize(marker);
  if (size == 0 || marker == 'd' || marker == 'D') return Expected("an integer after its type");
  if (Remaining() < size) return Expected("an integer of that type");
  VisitNumberType(marker, [&](auto type) {
    if constexpr (std::is_integral_v<decltype(type)>) value = int64_t{Load<decltype(type)>(at_)};
  });
  at_ += size;
  return value;
}

absl::StatusOr<int64_t> UbjsonSource::ReadLength() {
  const char* const start = at_;
  if (at_ == end_) return Expected("a length");
  ESPALIER_ASSIGN_OR_RETURN(const int64_t length, ReadInteger(*at_++));
  if (length >= 0) return length;
  at_ = start;
  return Expected("a length that is not negative");
}

// What follows a length: the bytes of a string or a key.
absl::StatusOr<std::string_view> UbjsonSource::ReadBytes() {
  ESPALIER_ASSIGN_OR_RETURN(const int64_t length, ReadLength());
  if (static_cast<uint64_t>(length) > Remaining()) return Expected(StrCat(length, " bytes of text"));
  const std::string_view bytes(at_, length);
  at_ += length;
  return bytes;
}

absl::Status UbjsonSource::ReadText(std::string& text) {
  const char marker = NextMarker();
  if (marker == 'S' || marker == 'H') {
    ++at_;
    ESPALIER_ASSIGN_OR_RETURN(const std::string_view bytes, ReadBytes());
    text.assign(bytes);
    return absl::OkStatus();
  }
  const char* const value = at_ + 1;
  if (marker == '{' || marker == '[') return Expected("a string or a number");
  ESPALIER_RETURN_IF_ERROR(SkipScalar(marker));
  if (marker == 'C') {
    text.assign(1, *value);
  } else if (marker == 'T' || marker == 'F' || marker == 'Z') {
    const std::string_view word = marker == 'T' ? "true" : marker == 'F' ? "false" : "null";
    text = word;
  } else {
    VisitNumberType(marker, [&](auto type) {
      std::array<char, 32> buffer;
      const auto result = std::to_chars(buffer.begin(), buffer.end(), Load<decltype(type)>(value));
      text.assign(buffer.begin(), result.ptr);
    });
  }
  return absl::OkStatus();
}

// Steps over a value that is neither object nor array.
absl::Status UbjsonSource::SkipScalar(char marker) {
  if (at_ == end_) return Expected("a value");
  if (marker == 'S' || marker == 'H') {
    ++at_;
    return ReadBytes().status();
  }
  const bool empty = marker == 'Z' || marker == 'T' || marker == 'F';
  const size_t size = marker == 'C' ? 1 : NumberSize(marker);
  if (!empty && size == 0) return Expected("a value");
  if (Remaining() < 1 + size) return Expected("a whole value");
  at_ += 1 + size;
  return absl::OkStatus();
}

absl::Status UbjsonSource::ReadOne(int32_t& value) {
  const char marker = NextMarker();
  if (marker == 'T' || marker == 'F') {
    value = marker == 'T';
    ++at_;
    return absl::OkStatus();
  }
  if (at_ == end_) return Expected("an integer");
  const char* const start = at_++;
  ESPALIER_ASSIGN_OR_RETURN(const int64_t integer, ReadInteger(marker));
  if (!Fits<int32_t>(integer)) {
    at_ = start;
    return Expected("an integer of 32 bits");
  }
  value = static_cast<int32_t>(integer);
  return absl::OkStatus();
}

absl::Status UbjsonSource::ReadOne(float& value) {
  const char marker = NextMarker();
  const size_t size = NumberSize(marker);
  if (size == 0) return Expected("a number");
  if (Remaining() < 1 + size) return Expected("a whole number");
  VisitNumberType(marker, [&](auto type) { value = Convert<float>(Load<decltype(type)>(at_ + 1)); });
  at_ += 1 + size;
  return absl::OkStatus();
}

// The caller has checked that `count` values of the type are there.
template <typename Value>
absl::Status UbjsonSource::ReadTyped(char type, size_t count, std::vector<Value>& values) {
  bool fit = true;
  values.resize(count);
  const bool known = VisitNumberType(type, [&](auto stored) {
    using Stored = decltype(stored);
    if constexpr (std::is_integral_v<Value> && !std::is_integral_v<Stored>) {
      fit = count == 0;
    } else {
      for (size_t i = 0; i < count; ++i) {
        const Stored number = Load<Stored>(at_ + i * sizeof(Stored));
        fit &= Fits<Value>(number);
        values[i] = Convert<Value>(number);
      }
    }
  });
  if (!known || !fit) return Expected("integers of 32 bits");
  at_ += count * NumberSize(type);
  return absl::OkStatus();
}

template <typename Value>
absl::Status UbjsonSource::ReadArray(std::vector<Value>& values, size_t max_count) {
  values.clear();
  if (NextMarker() != '[') return Expected("an array");
  if (depth_ == kMaxDepth) return Expected(StrCat("at most ", kMaxDepth, " nested objects and arrays"));
  const char* const start = at_++;
  ESPALIER_ASSIGN_OR_RETURN(const Container container, ReadHeader());
  if (container.remaining > 0 && static_cast<uint64_t>(container.remaining) > max_count) {
    at_ = start;
    return Expected(StrCat("at most ", max_count, " values"));
  }
  if (container.type != 0) return ReadTyped(container.type, container.remaining, values);
  open_[depth_++] = container;
  while (true) {
    ESPALIER_ASSIGN_OR_RETURN(const bool more, NextElement());
    if (!more) return absl::OkStatus();
    if (values.size() == max_count) return Expected(StrCat("at most ", max_count, " values"));
    ESPALIER_RETURN_IF_ERROR(ReadOne(values.emplace_back()));
  }
}

absl::Status UbjsonSource::ReadIntegers(std::vector<int32_t>& values, size_t max_count) {
  return ReadArray(values, max_count);
}

absl::Status UbjsonSource::ReadFloats(std::vector<float>& values, size_t max_count) {
  return ReadArray(values, max_count);
}

absl::Status UbjsonSource::ReadFloatsAt(size_t position, std::vector<float>& values, size_t max_count) {
  const char* const cursor = std::exchange(at_, begin_ + position);
  ESPALIER_RETURN_IF_ERROR(ReadFloats(values, max_count));
  at_ = cursor;
  return absl::OkStatus();
}

absl::Status UbjsonSource::SkipValue() {
  std::array<bool, kMaxDepth> is_object;
  const size_t base = depth_;
  do {
    if (depth_ > base) {
      const bool object = is_object[depth_ - 1];
      ESPALIER_ASSIGN_OR_RETURN(const bool more, NextItem(object ? '}' : ']'));
      if (!more) continue;
      if (object) {
        NextMarker();
        ESPALIER_RETURN_IF_ERROR(ReadBytes().status());
      }
    }
    const char marker = NextMarker();
    if (marker != '{' && marker != '[') {
      ESPALIER_RETURN_IF_ERROR(SkipScalar(marker));
      continue;
    }
    if (depth_ == kMaxDepth) return Expected(StrCat("at most ", kMaxDepth, " nested objects and arrays"));
    ++at_;
    ESPALIER_ASSIGN_OR_RETURN(const Container container, ReadHeader());
    if (container.type != 0) {
      at_ += container.remaining * NumberSize(container.type);
      if (marker == '{') return Expected("an object whose values say their types, before this");
      continue;
    }
    is_object[depth_] = marker == '{';
    open_[depth_++] = container;
  } while (depth_ > base);
  return absl::OkStatus();
}

absl::Status UbjsonSource::Finish() {
  return NextMarker() == '\0' && at_ == end_ ? absl::OkStatus() : Expected("the end of the file");
}

}  // namespace espalier
