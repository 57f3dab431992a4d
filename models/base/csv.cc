#include "models/base/csv.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "absl/strings/match.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool IsMissing(std::string_view text) {
  return text.empty() || absl::EqualsIgnoreCase(ToAbsl(text), "NA") ||
         absl::EqualsIgnoreCase(ToAbsl(text), "NaN");
}

}  // namespace

CsvReader::CsvReader(std::string_view bytes, uint64_t first_line) : rest_(bytes), line_(first_line) {
  if (first_line == 1 && rest_.substr(0, kByteOrderMark.size()) == kByteOrderMark)
    rest_.remove_prefix(kByteOrderMark.size());
}

bool CsvReader::Next(std::vector<std::string_view>& fields) {
  fields.clear();
  unescaped_.clear();
  if (!status_.ok() || rest_.find_first_not_of("\r\n") == std::string_view::npos) return false;
  record_line_ = line_;
  while (true) {
    std::string_view field;
    if (!ReadField(field)) return false;
    fields.push_back(field);
    if (rest_.empty() || SkipLineEnd()) return true;
    rest_.remove_prefix(1);  // The comma.
  }
}

bool CsvReader::ReadField(std::string_view& field) {
  if (!rest_.empty() && rest_.front() == '"') return ReadQuoted(field);
  const size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
  field = rest_.substr(0, end);
  const bool ends_line = end == rest_.size() || rest_[end] == '\n';
  if (ends_line && !field.empty() && field.back() == '\r') field.remove_suffix(1);
  rest_.remove_prefix(end);
  return true;
}

bool CsvReader::ReadQuoted(std::string_view& field) {
  std::string& text = unescaped_.emplace_back();
  rest_.remove_prefix(1);
  while (true) {
    const size_t quote = rest_.find('"');
    if (quote == std::string_view::npos) {
      status_ = InvalidArgument("line ", record_line_, ": a quote is never closed");
      return false;
    }
    text.append(rest_.substr(0, quote));
    line_ += std::count(rest_.begin(), rest_.begin() + quote, '\n');
    rest_.remove_prefix(quote + 1);
    if (rest_.empty() || rest_.front() != '"') break;
    text.push_back('"');
    rest_.remove_prefix(1);
  }
  if (rest_.substr(0, 2) == "\r\n") rest_.remove_prefix(1);
  if (!rest_.empty() && rest_.front() != ',' && rest_.front() != '\n') {
    status_ = InvalidArgument("line ", line_, ": text follows a closing quote");
    return false;
  }
  field = text;
  return true;
}

bool CsvReader::SkipLineEnd() {
  if (rest_.front() != '\n') return false;
  rest_.remove_prefix(1);
  ++line_;
  return true;
}

std::optional<size_t> FindColumn(const std::vector<std::string>& header, std::string_view name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return found - header.begin();
}

std::optional<double> ParseNumber(std::string_view text) {
  text = Trim(text);
  if (IsMissing(text)) return std::numeric_limits<double>::quiet_NaN();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc()) return value;
  // Out of a double's range, from_chars gives no value; the nearest one is an infinity or a zero.
  if (error != std::errc::result_out_of_range) return std::nullopt;
  return std::strtod(std::string(text).c_str(), nullptr);
}

}  // namespace espalier
