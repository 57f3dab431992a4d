// Writes a table of numbers row by row, as NumPy's .npy or as CSV.
//
// The file appears under its name when it is complete; an abandoned writer leaves nothing.
#ifndef ESPALIER_SERVICES_CLI_TABLE_WRITER_H_
#define ESPALIER_SERVICES_CLI_TABLE_WRITER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// What a row of the table is.
struct TableShape {
  // Of a row in .npy: empty for one number a row.
  std::vector<uint64_t> row_shape;
  // Of a row in CSV: a name for each number.
  std::vector<std::string> column_names;
  // Whether the numbers are int32 or float64; else float32.
  bool integers = false;
  bool doubles = false;
};

// Whether a table can be written under this name: it ends in .npy or .csv.
bool IsTablePath(const std::string& path);

class TableWriter {
 public:
  // Starts a file; the format is that of the path's end. INVALID_ARGUMENT unless IsTablePath(path).
  static absl::StatusOr<std::unique_ptr<TableWriter>> Create(const std::string& path, TableShape shape);

  // Deletes what was written unless Finish() succeeded.
  virtual ~TableWriter() = default;

  // Whole rows in the file's form; one of the three, as the shape says. Floats have as many digits as tell
  // them from their neighbours. Thread-safe.
  virtual std::string Encode(std::span<const float> values) const = 0;
  virtual std::string Encode(std::span<const double> values) const = 0;
  virtual std::string Encode(std::span<const int32_t> values) const = 0;

  // Adds what Encode() made. One thread at a time, as Finish().
  virtual absl::Status Append(std::string_view rows) = 0;

  // Completes the file and gives it its name.
  virtual absl::Status Finish() = 0;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_TABLE_WRITER_H_
