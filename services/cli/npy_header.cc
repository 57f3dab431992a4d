#include "services/cli/npy_header.h"

#include <charconv>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

std::string_view TrimLeft(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// What follows `'key':` in a Python dictionary.
absl::StatusOr<std::string_view> ValueOf(std::string_view dictionary, std::string_view key) {
  const size_t at = dictionary.find(StrCat("'", key, "'"));
  if (at == std::string_view::npos) return InvalidArgument("the header has no '", key, "'");
  const std::string_view rest = TrimLeft(dictionary.substr(at + key.size() + 2));
  if (rest.empty() || rest.front() != ':') return InvalidArgument("'", key, "' of the header has no value");
  return TrimLeft(rest.substr(1));
}

absl::StatusOr<std::vector<uint64_t>> ParseShape(std::string_view text) {
  std::vector<uint64_t> shape;
  text.remove_prefix(text.starts_with("(") ? 1 : 0);
  while (true) {
    text = TrimLeft(text);
    if (text.starts_with(")")) return shape;
    uint64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc() || shape.size() == 8) return InvalidArgument("the header's shape is no shape");
    shape.push_back(size);
    text = TrimLeft(text.substr(end - text.data()));
    if (text.starts_with(",")) {
      text.remove_prefix(1);
    } else if (!text.starts_with(")")) {
      return InvalidArgument("the header's shape is no shape");
    }
  }
}

}  // namespace

bool IsNpy(std::string_view bytes) { return bytes.starts_with(kMagic); }

absl::StatusOr<NpyHeader> ParseNpyHeader(std::string_view bytes) {
  if (!IsNpy(bytes) || bytes.size() < 12) return InvalidArgument("is not in NumPy's format");
  const int version = static_cast<unsigned char>(bytes[6]);
  if (version < 1 || version > 3) return InvalidArgument("has version ", version, ", known are 1 to 3");
  const size_t length_bytes = version == 1 ? 2 : 4;
  const size_t begin = 8 + length_bytes;
  const size_t length = LittleEndian(bytes.substr(8, length_bytes));
  if (length > bytes.size() - begin) return InvalidArgument("ends within its header");
  const std::string_view dictionary = bytes.substr(begin, length);

  NpyHeader header;
  header.data_begin = begin + length;
  ESPALIER_ASSIGN_OR_RETURN(const std::string_view type, ValueOf(dictionary, "descr"));
  const size_t quote = type.find_first_of("'\"", 1);
  const bool quoted = type.starts_with("'") || type.starts_with("\"");
  if (!quoted || quote == std::string_view::npos) {
    return InvalidArgument("holds records, must hold float32");
  }
  header.type = type.substr(1, quote - 1);
  ESPALIER_ASSIGN_OR_RETURN(const std::string_view order, ValueOf(dictionary, "fortran_order"));
  header.fortran_order = !order.starts_with("False");
  ESPALIER_ASSIGN_OR_RETURN(const std::string_view shape, ValueOf(dictionary, "shape"));
  ESPALIER_ASSIGN_OR_RETURN(header.shape, ParseShape(shape));
  return header;
}

std::string MakeNpyHeader(std::string_view type, const std::vector<uint64_t>& shape) {
  std::string sizes;
  for (const uint64_t size : shape) sizes += StrCat(sizes.empty() ? "" : " ", size, ",");
  // As NumPy: a tuple of one keeps its comma.
  if (shape.size() > 1) sizes.pop_back();
  std::string dictionary =
      StrCat("{'descr': '", type, "', 'fortran_order': False, 'shape': (", sizes, "), }");
  // Room for the longest numbers.
  const size_t longest = 80 + shape.size() * 22 + kMagic.size();
  const size_t total = (longest + kAlignment - 1) / kAlignment * kAlignment;
  dictionary.resize(total - 10 - 1, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += '\x01';
  header += '\0';
  header += static_cast<char>(dictionary.size() & 0xff);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

}  // namespace espalier
