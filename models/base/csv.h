// Reads comma-separated values as RFC 4180 writes them: quoted fields may hold commas, line ends and doubled
// quotes; lines end in LF or CRLF; a byte order mark and empty lines at the end are skipped.
//
//   CsvReader reader(bytes);
//   std::vector<std::string_view> fields;
//   while (reader.Next(fields)) { ... }
//   ESPALIER_RETURN_IF_ERROR(reader.status());
#ifndef ESPALIER_MODELS_BASE_CSV_H_
#define ESPALIER_MODELS_BASE_CSV_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace espalier {

// Not thread-safe; does not own the bytes.
class CsvReader {
 public:
  // `bytes` begin on a line of this number.
  explicit CsvReader(std::string_view bytes, uint64_t first_line = 1);

  // Reads the next record. False at the end and after an error: status() tells them apart. The views are good
  // until the next call.
  bool Next(std::vector<std::string_view>& fields);

  // INVALID_ARGUMENT names the line of a quote that is never closed or is followed by text.
  const absl::Status& status() const { return status_; }

  // The line, from 1, on which the last record began.
  uint64_t line() const { return record_line_; }

  // What has not been read yet.
  std::string_view rest() const { return rest_; }

 private:
  bool ReadField(std::string_view& field);
  bool ReadQuoted(std::string_view& field);
  bool SkipLineEnd();

  std::string_view rest_;
  uint64_t line_;
  uint64_t record_line_ = 0;
  std::deque<std::string> unescaped_;
  absl::Status status_;
};

// Where a name stands in a header row, if it does.
std::optional<size_t> FindColumn(const std::vector<std::string>& header, std::string_view name);

// A number as our tables hold it: surrounding blanks are ignored, and empty, NA and NaN (in any case) are
// missing and read as NaN. Nothing if it is no number. Infinities are numbers.
std::optional<double> ParseNumber(std::string_view text);

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_CSV_H_
