// The rows that a caller of the C interface hands over, checked, and as the float32 rows that a Forest reads.
#ifndef ESPALIER_MODELS_FOREST_C_API_INPUT_ROWS_H_
#define ESPALIER_MODELS_FOREST_C_API_INPUT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "espalier/forest.h"
#include "models/forest/forest.h"

namespace espalier {

// A view; what it points at is the caller's and must outlive it.
class InputRows {
 public:
  // INVALID_ARGUMENT for rows that contradict themselves or a model of `num_features`. Reads the offsets of
  // CSR rows, but no values.
  static absl::StatusOr<InputRows> Create(const espalier_rows* rows, uint32_t num_features);

  size_t count() const { return rows_.num_rows; }

  // How many rows one Read() may take so that its scratch stays small: all of them where none is needed.
  size_t ChunkRows() const;

  // Rows [begin, begin + count): where they lie, if they are dense float32, else converted into `scratch`,
  // which grows as needed and must live as long as the result. INVALID_ARGUMENT for a number that float32
  // cannot hold, and for a column that the model does not have.
  absl::StatusOr<Rows> Read(size_t begin, size_t count, std::vector<float>* scratch) const;

 private:
  explicit InputRows(const espalier_rows& rows) : rows_(rows) {}

  bool InPlace() const { return rows_.layout == ESPALIER_DENSE && rows_.type == ESPALIER_FLOAT32; }
  // One row of float64.
  absl::Status ReadDense(size_t row, float* out) const;
  absl::Status ReadSparse(size_t row, float* out) const;

  // Of dense rows, row_stride is set.
  espalier_rows rows_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_C_API_INPUT_ROWS_H_
