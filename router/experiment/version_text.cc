#include "router/experiment/version_text.h"

#include <algorithm>

namespace espalier {
namespace {

constexpr std::string_view kSeparators = "-.";
constexpr size_t kNumberWidth = 5;

bool IsNumber(std::string_view part) {
  return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
}

size_t CountParts(std::string_view version) {
  const auto is_separator = [](char c) { return kSeparators.find(c) != std::string_view::npos; };
  return 1 + static_cast<size_t>(std::count_if(version.begin(), version.end(), is_separator));
}

}  // namespace

PaddedVersion::PaddedVersion(std::string_view version) : rest_(version.empty() ? "0" : version) {
  if (rest_.front() == 'v') rest_.remove_prefix(1);
  rest_ = rest_.substr(0, rest_.find('+'));
  release_ = CountParts(rest_) == 3;
  StartPart();
}

void PaddedVersion::StartPart() {
  const size_t end = rest_.find_first_of(kSeparators);
  part_ = rest_.substr(0, end);
  more_parts_ = end != std::string_view::npos;
  rest_ = more_parts_ ? rest_.substr(end + 1) : std::string_view();
  if (!more_parts_ && release_) {
    rest_ = "~";
    more_parts_ = true;
    release_ = false;
  }
  padding_ = IsNumber(part_) && part_.size() < kNumberWidth ? kNumberWidth - part_.size() : 0;
}

int PaddedVersion::Next() {
  if (padding_ > 0) {
    --padding_;
    return ' ';
  }
  if (!part_.empty()) {
    const auto c = static_cast<unsigned char>(part_.front());
    part_.remove_prefix(1);
    return c;
  }
  if (!more_parts_) return -1;
  StartPart();
  return '-';
}

std::string PaddedVersionText(std::string_view version) {
  std::string text;
  PaddedVersion padded(version);
  for (int c = padded.Next(); c >= 0; c = padded.Next()) text.push_back(static_cast<char>(c));
  return text;
}

int CompareVersion(std::string_view version, std::string_view padded) {
  PaddedVersion reader(version);
  for (const char expected : padded) {
    const int difference = reader.Next() - static_cast<unsigned char>(expected);
    if (difference != 0) return difference;
  }
  return reader.Next() < 0 ? 0 : 1;
}

}  // namespace espalier
