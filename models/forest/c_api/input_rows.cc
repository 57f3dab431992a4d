#include "models/forest/c_api/input_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "models/base/caller_struct.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// Elements of scratch that a chunk may need, unless a single row is larger.
constexpr size_t kChunkElements = size_t{1} << 18;
constexpr size_t kChunkRows = 256;

// What the struct had in the first version.
constexpr size_t kFirstSize = offsetof(espalier_rows, num_values) + sizeof(espalier_rows::num_values);

size_t ValueSize(int32_t type) { return type == ESPALIER_FLOAT64 ? sizeof(double) : sizeof(float); }

double LoadDouble(const std::byte* values, size_t index) {
  double number;
  std::memcpy(&number, values + index * sizeof(number), sizeof(number));
  return number;
}

// Rounds to the nearest float32, as XGBoost does; false for a finite number that became infinite.
bool Narrow(double number, float* out) {
  *out = static_cast<float>(number);
  return !std::isinf(*out) || std::isinf(number);
}

absl::Status CheckNarrow(double number, size_t row, size_t column) {
  float unused;
  if (Narrow(number, &unused)) return absl::OkStatus();
  return InvalidArgument("row ", row, ", column ", column, " is ", number, ", which float32 cannot hold");
}

absl::Status CheckEnumerators(const espalier_rows& rows) {
  if (rows.layout != ESPALIER_DENSE && rows.layout != ESPALIER_CSR) {
    return InvalidArgument("espalier_rows.layout is ", rows.layout,
                           ", must be ESPALIER_DENSE (0) or ESPALIER_CSR (1)");
  }
  if (rows.type != ESPALIER_FLOAT32 && rows.type != ESPALIER_FLOAT64) {
    return InvalidArgument("espalier_rows.type is ", rows.type,
                           ", must be ESPALIER_FLOAT32 (0) or ESPALIER_FLOAT64 (1)");
  }
  return absl::OkStatus();
}

// Sets a stride of 0, and refuses rows that could not lie in memory.
absl::Status CheckDense(espalier_rows& rows) {
  size_t row_bytes = 0;
  if (__builtin_mul_overflow(rows.num_columns, ValueSize(rows.type), &row_bytes)) {
    return InvalidArgument("espalier_rows.num_columns is ", rows.num_columns, ", which is too large");
  }
  if (rows.row_stride == 0) rows.row_stride = row_bytes;
  if (rows.row_stride < row_bytes) {
    return InvalidArgument("espalier_rows.row_stride is ", rows.row_stride, " bytes, must be 0 or at least ",
                           row_bytes, " (", rows.num_columns, " columns)");
  }
  size_t bytes = 0;
  if (__builtin_mul_overflow(rows.num_rows, rows.row_stride, &bytes) ||
      bytes > std::numeric_limits<ptrdiff_t>::max()) {
    return InvalidArgument("espalier_rows.num_rows is ", rows.num_rows, ", which is too large for rows of ",
                           rows.row_stride, " bytes");
  }
  if (rows.values == nullptr && bytes != 0) return InvalidArgument("espalier_rows.values is NULL");
  return absl::OkStatus();
}

absl::Status CheckOffsets(const espalier_rows& rows) {
  uint64_t last = 0;
  for (size_t i = 0; i <= rows.num_rows; ++i) {
    const uint64_t offset = rows.row_offsets[i];
    if (offset < last || offset > rows.num_values) {
      return InvalidArgument("espalier_rows.row_offsets[", i, "] is ", offset, ", must be ", last, " to ",
                             rows.num_values, " (num_values)");
    }
    last = offset;
  }
  return absl::OkStatus();
}

absl::Status CheckSparse(const espalier_rows& rows) {
  if (rows.row_stride != 0) {
    return InvalidArgument("espalier_rows.row_stride is ", rows.row_stride, ", must be 0 for ESPALIER_CSR");
  }
  if (rows.num_rows == 0) return absl::OkStatus();
  if (rows.row_offsets == nullptr) return InvalidArgument("espalier_rows.row_offsets is NULL");
  // No memory holds more than this, and i * 8 must not wrap around below.
  constexpr size_t kMost = std::numeric_limits<ptrdiff_t>::max() / sizeof(uint64_t) - 1;
  if (rows.num_rows > kMost || rows.num_values > kMost) {
    return InvalidArgument("espalier_rows.num_rows is ", rows.num_rows, " and num_values is ",
                           rows.num_values, ", at most ", kMost, " are possible");
  }
  if (rows.num_values != 0 && rows.values == nullptr) return InvalidArgument("espalier_rows.values is NULL");
  if (rows.num_values != 0 && rows.columns == nullptr)
    return InvalidArgument("espalier_rows.columns is NULL");
  return CheckOffsets(rows);
}

}  // namespace

absl::StatusOr<InputRows> InputRows::Create(const espalier_rows* rows, uint32_t num_features) {
  ESPALIER_ASSIGN_OR_RETURN(espalier_rows copy, CopyIn("espalier_rows", rows, kFirstSize));
  ESPALIER_RETURN_IF_ERROR(CheckEnumerators(copy));
  if (copy.num_columns != num_features) {
    return InvalidArgument("espalier_rows.num_columns is ", copy.num_columns, ", must be the model's ",
                           num_features, " features");
  }
  ESPALIER_RETURN_IF_ERROR(copy.layout == ESPALIER_DENSE ? CheckDense(copy) : CheckSparse(copy));
  return InputRows(copy);
}

size_t InputRows::ChunkRows() const {
  if (InPlace()) return std::max<size_t>(rows_.num_rows, 1);
  return std::clamp<size_t>(kChunkElements / std::max<size_t>(rows_.num_columns, 1), 1, kChunkRows);
}

absl::StatusOr<Rows> InputRows::Read(size_t begin, size_t count, std::vector<float>* scratch) const {
  if (InPlace()) {
    const auto* const first = static_cast<const std::byte*>(rows_.values);
    return Rows{first + begin * rows_.row_stride, count, rows_.row_stride};
  }
  const size_t width = rows_.num_columns;
  if (scratch->size() < count * width) scratch->resize(count * width);
  for (size_t i = 0; i < count; ++i) {
    float* const out = scratch->data() + i * width;
    ESPALIER_RETURN_IF_ERROR(rows_.layout == ESPALIER_DENSE ? ReadDense(begin + i, out)
                                                            : ReadSparse(begin + i, out));
  }
  return Rows{reinterpret_cast<const std::byte*>(scratch->data()), count, width * sizeof(float)};
}

absl::Status InputRows::ReadDense(size_t row, float* out) const {
  const std::byte* const values = static_cast<const std::byte*>(rows_.values) + row * rows_.row_stride;
  bool fits = true;
  for (size_t column = 0; column < rows_.num_columns; ++column) {
    fits &= Narrow(LoadDouble(values, column), &out[column]);
  }
  for (size_t column = 0; !fits && column < rows_.num_columns; ++column) {
    ESPALIER_RETURN_IF_ERROR(CheckNarrow(LoadDouble(values, column), row, column));
  }
  return absl::OkStatus();
}

absl::Status InputRows::ReadSparse(size_t row, float* out) const {
  std::fill_n(out, rows_.num_columns, std::numeric_limits<float>::quiet_NaN());
  const auto* const values = static_cast<const std::byte*>(rows_.values);
  for (uint64_t i = rows_.row_offsets[row]; i < rows_.row_offsets[row + 1]; ++i) {
    const uint32_t column = rows_.columns[i];
    if (column >= rows_.num_columns) {
      return InvalidArgument("espalier_rows.columns[", i, "] is ", column, ", the model has ",
                             rows_.num_columns, " features");
    }
    if (rows_.type == ESPALIER_FLOAT32) {
      std::memcpy(&out[column], values + i * sizeof(float), sizeof(float));
    } else if (const double number = LoadDouble(values, i); !Narrow(number, &out[column])) {
      return CheckNarrow(number, row, column);
    }
  }
  return absl::OkStatus();
}

}  // namespace espalier
