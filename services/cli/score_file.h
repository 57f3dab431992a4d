// A file of rows in, a file of scores out, on every core: while parts of the input are read, predicted and
// encoded, the next ones are cut off and the ones before are written, in order.
#ifndef ESPALIER_SERVICES_CLI_SCORE_FILE_H_
#define ESPALIER_SERVICES_CLI_SCORE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/forest/forest.h"
#include "services/cli/table_io.h"
#include "services/cli/table_writer.h"

namespace espalier {

// What is made of each part.
struct ScorePlan {
  // Elements a row, and whether they are int32 or float64; else float32.
  size_t width = 1;
  bool integers = false;
  bool doubles = false;
  // Fill out[row * width]; thread-safe. The one of the three of which the elements are.
  std::function<absl::Status(const Rows&, std::span<float>)> predict;
  std::function<absl::Status(const Rows&, std::span<double>)> predict_doubles;
  std::function<absl::Status(const Rows&, std::span<int32_t>)> predict_integers;
  size_t part_rows = 1024;
  uint32_t threads = 1;
  // Called after each part that was written, with the bytes of the input so far; may be empty.
  std::function<void(uint64_t rows, size_t bytes)> on_progress;
};

// Returns the number of rows. The error is that of the first part that has one; nothing behind it is written.
absl::StatusOr<uint64_t> ScoreFile(const ScorePlan& plan, RowSource& source, TableWriter& writer);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_SCORE_FILE_H_
