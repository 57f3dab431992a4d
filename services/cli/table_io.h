// Rows of features from files, in parts: .npy, CSV and LIBSVM.
//
//   ESPALIER_ASSIGN_OR_RETURN(auto source, OpenRows("flights.csv", {forest.num_features()}));
//   for (RowPart part = source->Next(1024); !part.bytes.empty(); part = source->Next(1024)) {
//     std::vector<float> values;
//     ESPALIER_ASSIGN_OR_RETURN(const Rows rows, source->Read(part, values));
//     ...
//   }
//
// To cut the file is cheap, to read a part is not: parts can be read by several threads.
//
// Errors are INVALID_ARGUMENT and name the file and, for text, the line.
#ifndef ESPALIER_SERVICES_CLI_TABLE_IO_H_
#define ESPALIER_SERVICES_CLI_TABLE_IO_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/category_names.h"
#include "models/forest/forest.h"

namespace espalier {

// What a model wants of each row.
struct RowSchema {
  uint32_t num_features = 0;
  // Empty, or one a feature.
  std::vector<std::string> feature_names;
  // Null, or the model's; outlives the source.
  const CategoryNames* category_names = nullptr;
};

// Whole rows of a file; the bytes live as long as their source.
struct RowPart {
  std::string_view bytes;
  // Of text: the line on which it begins, from 1.
  uint64_t first_line = 1;
};

class RowSource {
 public:
  virtual ~RowSource() = default;

  // Cuts off the next rows: max_rows, or what is left; a little more where empty lines follow. Empty at the
  // end. One thread at a time.
  virtual RowPart Next(size_t max_rows) = 0;

  // The rows of a part, NaN where missing: where they lie in the file, or in `values`, whose content is
  // replaced. Thread-safe.
  virtual absl::StatusOr<Rows> Read(const RowPart& part, std::vector<float>& values) const = 0;

  // Bytes of all parts together.
  virtual size_t size() const = 0;
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
