// Rows of features from files, in chunks: .npy, CSV and LIBSVM.
//
//   ESPALIER_ASSIGN_OR_RETURN(auto source, OpenRows("flights.csv", {forest.num_features(),
//   forest.feature_names()})); std::vector<float> rows; while (true) {
//     ESPALIER_ASSIGN_OR_RETURN(const size_t count, source->Read(1024, rows));
//     if (count == 0) break;
//     ...
//   }
//
// Errors are INVALID_ARGUMENT and name the file and, for text, the line.
#ifndef ESPALIER_SERVICES_CLI_TABLE_IO_H_
#define ESPALIER_SERVICES_CLI_TABLE_IO_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/category_names.h"

namespace espalier {

// What a model wants of each row.
struct RowSchema {
  uint32_t num_features = 0;
  // Empty, or one a feature.
  std::vector<std::string> feature_names;
  // Null, or the model's; outlives the source.
  const CategoryNames* category_names = nullptr;
};

// Not thread-safe.
class RowSource {
 public:
  virtual ~RowSource() = default;

  // Replaces `rows` by up to max_rows rows of num_features values, NaN where missing, and returns their
  // number: 0 at the end.
  virtual absl::StatusOr<size_t> Read(size_t max_rows, std::vector<float>& rows) = 0;
};

// Opens a file by its content and name:
//   - NumPy's .npy: float32, C order, [rows, num_features];
//   - LIBSVM (.libsvm, .svm, or text whose first line is of that form): "label index:value ...", 0-based;
//   what
//     is absent is missing; the label may be absent too, qid:N and #comments are skipped;
//   - CSV otherwise: a header row; empty, NA and NaN are missing. If the model has feature names and the
//   header
//     has them all, columns are found by name and others ignored; else there must be num_features columns.
//     A feature whose categories have names takes names, all others numbers.
absl::StatusOr<std::unique_ptr<RowSource>> OpenRows(const std::string& path, const RowSchema& schema);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_TABLE_IO_H_
