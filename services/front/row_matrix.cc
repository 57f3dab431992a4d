#include "services/front/row_matrix.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/front/tensor_categories.h"
#include "services/front/tensor_floats.h"

namespace espalier {
namespace {

constexpr std::string_view kBaseMargin = "base_margin";

// Elements that a buffer keeps from request to request: 1 MiB.
constexpr size_t kKeptElements = size_t{1} << 18;

std::string ShapeText(std::span<const int64_t> dims) {
  std::string text = "[";
  for (const int64_t dim : dims) absl::StrAppend(&text, text.size() > 1 ? "," : "", dim);
  return text + "]";
}

std::string VersionText(const LoadedModel& version) {
  return StrCat("model '", version.name, "' version ", version.version);
}

// What a column declares must have been sent, before anything of that size is allocated. Text is taken by
// features with categories.
absl::Status CheckColumnPayload(const InferTensor& tensor, uint64_t count, bool raw) {
  if (tensor.datatype != DataType::kBytes) return CheckPayload(tensor, count, raw);
  const uint64_t smallest = SmallestBytesPayload(count, raw);
  const size_t size = raw ? tensor.raw.size() : tensor.contents.size();
  if (size >= smallest) return absl::OkStatus();
  return InvalidArgument("input '", tensor.name, "': ", count, " elements of BYTES need at least ", smallest,
                         " bytes, the contents have ", size);
}

absl::Status CheckRowCount(uint64_t rows, const LoadedModel& version, const RowRules& rules) {
  if (rows == 0) return InvalidArgument("the request has no rows; at least one is needed");
  if (rows > rules.max_rows) {
    return Error(absl::StatusCode::kResourceExhausted, "the request has ", rows, " rows; at most ",
                 rules.max_rows, " are allowed");
  }
  const auto max_batch = static_cast<uint64_t>(version.signature.max_batch_size);
  if (max_batch > 0 && rows > max_batch) {
    return InvalidArgument("the request has ", rows, " rows; max_batch_size of ", VersionText(version),
                           " is ", max_batch);
  }
  return absl::OkStatus();
}

// The rows of a tensor of shape [n] or [n,1].
absl::StatusOr<uint64_t> ColumnRows(const InferRequest& request, const InferTensor& tensor) {
  const std::span<const int64_t> dims = request.Dims(tensor);
  if (dims.empty() || dims.size() > 2 || (dims.size() == 2 && dims[1] != 1)) {
    return InvalidArgument("input '", tensor.name, "': shape ", ShapeText(dims),
                           "; one tensor per feature needs [n] or [n,1]");
  }
  return ElementCount(tensor, dims);
}

const InferTensor* FindBaseMargin(const InferRequest& request, const LoadedModel& version) {
  if (version.feature_index.contains(ToAbsl(kBaseMargin))) return nullptr;
  for (const InferTensor& tensor : request.inputs) {
    if (tensor.name == kBaseMargin) return &tensor;
  }
  return nullptr;
}

// The one tensor that holds all rows, or null when there is one tensor per feature.
const InferTensor* FindMatrix(const InferRequest& request, const InferTensor* margin,
                              const LoadedModel& version) {
  const InferTensor* matrix = nullptr;
  for (const InferTensor& tensor : request.inputs) {
    if (&tensor == margin) continue;
    if (matrix != nullptr) return nullptr;
    matrix = &tensor;
  }
  if (matrix == nullptr || request.Dims(*matrix).size() != 2) return nullptr;
  if (matrix->datatype == DataType::kBytes && version.feature_index.contains(ToAbsl(matrix->name)))
    return nullptr;
  const bool fits = request.Dims(*matrix)[1] == static_cast<int64_t>(version.forest->num_features());
  return fits || !version.feature_index.contains(ToAbsl(matrix->name)) ? matrix : nullptr;
}

// [n] for one output, [n, outputs] for any number of them.
bool IsMarginShape(std::span<const int64_t> dims, uint64_t rows, uint32_t outputs) {
  if (dims.empty() || dims[0] != static_cast<int64_t>(rows)) return false;
  return dims.size() == 1 ? outputs == 1 : dims.size() == 2 && dims[1] == int64_t{outputs};
}

absl::Status UnknownColumn(const InferTensor& tensor, const LoadedModel& version) {
  if (version.feature_index.empty()) {
    return InvalidArgument("input '", tensor.name, "': ", VersionText(version),
                           " has no feature names; it takes one tensor, of shape [n,",
                           version.forest->num_features(), "]");
  }
  return InvalidArgument("input '", tensor.name, "': no version of model '", version.name,
                         "' that this request could reach has such a column");
}

// Why the inputs are not the one matrix that a model without feature names takes.
absl::Status NotOneMatrix(const InferRequest& request, const InferTensor* margin,
                          const LoadedModel& version) {
  const InferTensor* first = nullptr;
  for (const InferTensor& tensor : request.inputs) {
    if (&tensor == margin) continue;
    if (first != nullptr) return UnknownColumn(tensor, version);
    first = &tensor;
  }
  if (first == nullptr) return InvalidArgument("the request has no input but base_margin");
  return InvalidArgument("input '", first->name, "': shape ", ShapeText(request.Dims(*first)), "; ",
                         VersionText(version), " needs one tensor of shape [n,",
                         version.forest->num_features(), "]");
}

}  // namespace

absl::Status RowMatrix::Assemble(const InferRequest& request, const LoadedModel& version,
                                 const RowRules& rules) {
  base_margin_ = {};
  if (request.inputs.empty()) return InvalidArgument("the request has no inputs");
  const InferTensor* margin = FindBaseMargin(request, version);
  if (const InferTensor* matrix = FindMatrix(request, margin, version); matrix != nullptr) {
    ESPALIER_RETURN_IF_ERROR(UseMatrix(request, *matrix, version, rules));
  } else {
    ESPALIER_RETURN_IF_ERROR(GatherColumns(request, margin, version, rules));
  }
  return margin == nullptr ? absl::OkStatus() : UseBaseMargin(request, *margin, version);
}

void RowMatrix::Trim() {
  if (matrix_.capacity() > kKeptElements) matrix_ = std::vector<float>();
  if (margin_.capacity() > kKeptElements) margin_ = std::vector<float>();
}

absl::Status RowMatrix::UseMatrix(const InferRequest& request, const InferTensor& tensor,
                                  const LoadedModel& version, const RowRules& rules) {
  const std::span<const int64_t> dims = request.Dims(tensor);
  if (rules.by_name_only) {
    return InvalidArgument("input '", tensor.name, "': the variants of the experiment on model '",
                           version.name, "' differ in their features; send one tensor per feature, by name");
  }
  ESPALIER_ASSIGN_OR_RETURN(const uint64_t count, ElementCount(tensor, dims));
  const uint32_t features = version.forest->num_features();
  if (dims[1] != static_cast<int64_t>(features)) {
    return InvalidArgument("input '", tensor.name, "': shape ", ShapeText(dims), "; ", VersionText(version),
                           " needs [n,", features, "]");
  }
  ESPALIER_RETURN_IF_ERROR(CheckRowCount(dims[0], version, rules));
  ESPALIER_RETURN_IF_ERROR(CheckPayload(tensor, count, request.raw));
  ESPALIER_ASSIGN_OR_RETURN(const auto in_place, FloatsInPlace(tensor, count, request.raw));
  rows_ = {.data = nullptr, .count = static_cast<size_t>(dims[0]), .stride = features * sizeof(float)};
  if (in_place.has_value()) {
    rows_.data = reinterpret_cast<const std::byte*>(in_place->data());
    return absl::OkStatus();
  }
  matrix_.resize(count);
  rows_.data = reinterpret_cast<const std::byte*>(matrix_.data());
  return ReadFloats(tensor, count, request.raw, matrix_.data(), 1);
}

absl::Status RowMatrix::PlaceColumns(const InferRequest& request, const InferTensor* margin,
                                     const LoadedModel& version, const RowRules& rules) {
  columns_.assign(version.forest->num_features(), nullptr);
  for (const InferTensor& tensor : request.inputs) {
    if (&tensor == margin) continue;
    const auto found = version.feature_index.find(ToAbsl(tensor.name));
    if (found == version.feature_index.end()) {
      if (rules.reachable_columns != nullptr && rules.reachable_columns->contains(ToAbsl(tensor.name)))
        continue;
      return UnknownColumn(tensor, version);
    }
    if (columns_[found->second] != nullptr) {
      return InvalidArgument("input '", tensor.name, "' is there twice; each column is sent once");
    }
    columns_[found->second] = &tensor;
  }
  const auto missing = std::find(columns_.begin(), columns_.end(), nullptr);
  if (missing == columns_.end()) return absl::OkStatus();
  return InvalidArgument("column '", version.forest->feature_names()[missing - columns_.begin()],
                         "' is missing: ", VersionText(version), " needs it");
}

absl::Status RowMatrix::GatherColumns(const InferRequest& request, const InferTensor* margin,
                                      const LoadedModel& version, const RowRules& rules) {
  if (version.feature_index.empty()) {
    return NotOneMatrix(request, margin, version);
  }
  ESPALIER_RETURN_IF_ERROR(PlaceColumns(request, margin, version, rules));
  uint64_t rows = 0;
  const InferTensor* first = nullptr;
  for (const InferTensor& tensor : request.inputs) {
    if (&tensor == margin) continue;
    ESPALIER_ASSIGN_OR_RETURN(const uint64_t count, ColumnRows(request, tensor));
    if (first != nullptr && count != rows) {
      return InvalidArgument("input '", tensor.name, "' has ", count, " rows, input '", first->name, "' has ",
                             rows, "; all columns need the same number");
    }
    rows = count;
    first = &tensor;
    ESPALIER_RETURN_IF_ERROR(CheckColumnPayload(tensor, count, request.raw));
  }
  ESPALIER_RETURN_IF_ERROR(CheckRowCount(rows, version, rules));
  const size_t width = columns_.size();
  matrix_.resize(rows * width);
  for (size_t column = 0; column < width; ++column) {
    const InferTensor& tensor = *columns_[column];
    float* const out = matrix_.data() + column;
    ESPALIER_RETURN_IF_ERROR(tensor.datatype == DataType::kBytes
                                 ? ReadCategories(tensor, rows, request.raw, version.forest->category_names(),
                                                  static_cast<uint32_t>(column), out, width)
                                 : ReadFloats(tensor, rows, request.raw, out, width));
  }
  rows_ = {.data = reinterpret_cast<const std::byte*>(matrix_.data()),
           .count = rows,
           .stride = width * sizeof(float)};
  return absl::OkStatus();
}

absl::Status RowMatrix::UseBaseMargin(const InferRequest& request, const InferTensor& tensor,
                                      const LoadedModel& version) {
  const uint32_t outputs = version.forest->num_outputs();
  if (!IsMarginShape(request.Dims(tensor), rows_.count, outputs)) {
    return InvalidArgument("input 'base_margin': shape ", ShapeText(request.Dims(tensor)), "; ", rows_.count,
                           " rows of ", VersionText(version), " need [", rows_.count,
                           outputs == 1 ? StrCat("] or [", rows_.count) : "", ",", outputs, "]");
  }
  if (tensor.datatype != DataType::kFp32) {
    return InvalidArgument("input 'base_margin': datatype '", tensor.datatype_name, "'; FP32 is needed");
  }
  const uint64_t count = rows_.count * outputs;
  ESPALIER_RETURN_IF_ERROR(CheckPayload(tensor, count, request.raw));
  margin_.resize(count);
  ESPALIER_RETURN_IF_ERROR(ReadFloats(tensor, count, request.raw, margin_.data(), 1));
  // A row that starts at no number ends at none, and what is judged by its score with it.
  const auto nan =
      std::find_if(margin_.begin(), margin_.end(), [](float margin) { return std::isnan(margin); });
  if (nan != margin_.end()) {
    const size_t row = static_cast<size_t>(nan - margin_.begin()) / version.forest->num_outputs();
    return InvalidArgument("input 'base_margin': row ", row, ": NaN is no margin to start from");
  }
  base_margin_ = margin_;
  return absl::OkStatus();
}

}  // namespace espalier
