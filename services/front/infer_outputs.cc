#include "services/front/infer_outputs.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr std::string_view kIterations = "iterations";

// Elements that a buffer keeps from request to request: 1 MiB.
constexpr size_t kKeptElements = size_t{1} << 18;

std::optional<OutputKind> FurtherOutput(std::string_view name) {
  if (name == "margin") return OutputKind::kMargin;
  if (name == "class") return OutputKind::kClass;
  if (name == "leaf") return OutputKind::kLeaf;
  if (name == "contributions") return OutputKind::kContributions;
  return std::nullopt;
}

bool ParseNumber(std::string_view text, uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

absl::StatusOr<IterationRange> ParseIterations(const InferRequest& request, const Forest& forest) {
  const InferParameter* parameter = request.FindParameter(kIterations);
  if (parameter == nullptr) return IterationRange{};
  const auto* text = std::get_if<std::string_view>(&parameter->value);
  IterationRange range;
  const size_t colon = text == nullptr ? std::string_view::npos : text->find(':');
  if (colon == std::string_view::npos || !ParseNumber(text->substr(0, colon), range.begin) ||
      !ParseNumber(text->substr(colon + 1), range.end) || range.begin >= range.end ||
      range.end > forest.num_iterations()) {
    return InvalidArgument("parameter 'iterations'", text == nullptr ? "" : " '",
                           text == nullptr ? std::string_view() : *text, text == nullptr ? "" : "'",
                           ": a string \"A:B\" with 0 <= A < B <= ", forest.num_iterations(), " is needed");
  }
  return range;
}

// The last dimension of a tensor, or 0 when rows have one element and the dimension is left out.
void SetShape(const LoadedModel& version, uint64_t rows, size_t width, OutputTensor& tensor) {
  const bool is_main = tensor.name == version.signature.output;
  const uint32_t outputs = version.forest->num_outputs();
  tensor.dims[0] = static_cast<int64_t>(rows);
  tensor.dims_count = 1;
  if (tensor.kind == OutputKind::kContributions && outputs > 1) {
    tensor.dims[1] = outputs;
    tensor.dims[2] = static_cast<int64_t>(width / outputs);
    tensor.dims_count = 3;
  } else if (width != 1 || tensor.kind == OutputKind::kContributions || tensor.kind == OutputKind::kLeaf ||
             (is_main && version.signature.keep_last_dimension)) {
    tensor.dims[1] = static_cast<int64_t>(width);
    tensor.dims_count = 2;
  }
}

bool IsMain(const OutputTensor& tensor, const LoadedModel& version) {
  return tensor.name == version.signature.output;
}

// Elements per row of a tensor.
size_t Width(const OutputTensor& tensor, const LoadedModel& version, IterationRange range) {
  const size_t width = version.forest->OutputWidth(tensor.kind, range);
  const bool both =
      IsMain(tensor, version) && tensor.kind == OutputKind::kValue && version.signature.predict_proba;
  return both && width == 1 ? 2 : width;
}

}  // namespace

OutputTensor& InferOutputs::Add(std::string_view name, OutputKind kind) {
  if (count_ == tensors_.size()) tensors_.emplace_back();
  OutputTensor& tensor = tensors_[count_++];
  tensor.name = name;
  tensor.kind = kind;
  return tensor;
}

void InferOutputs::Trim() {
  if (values_.capacity() > kKeptElements) values_ = std::vector<float>();
  for (OutputTensor& tensor : tensors_) {
    if (tensor.floats.capacity() > kKeptElements) tensor.floats = std::vector<float>();
    if (tensor.ints.capacity() > kKeptElements) tensor.ints = std::vector<int32_t>();
  }
}

absl::Status InferOutputs::Select(const InferRequest& request, const LoadedModel& version) {
  count_ = 0;
  const ModelSignature& signature = version.signature;
  if (request.outputs.empty()) Add(signature.output, signature.output_kind).is_int = false;
  for (const std::string_view name : request.outputs) {
    const auto same = [name](const OutputTensor& tensor) { return tensor.name == name; };
    if (std::any_of(tensors_.begin(), tensors_.begin() + count_, same)) {
      return InvalidArgument("output '", name, "' is asked for twice");
    }
    const std::optional<OutputKind> further = FurtherOutput(name);
    if (name == signature.output) {
      Add(signature.output, signature.output_kind).is_int = false;
    } else if (further.has_value()) {
      Add(name, *further).is_int = *further == OutputKind::kClass || *further == OutputKind::kLeaf;
    } else {
      return InvalidArgument("output '", name, "' is unknown; model '", version.name, "' has '",
                             signature.output, "', 'margin', 'class', 'leaf', 'contributions'");
    }
  }
  return absl::OkStatus();
}

absl::Status InferOutputs::CheckSize(const LoadedModel& version, uint64_t rows, IterationRange range,
                                     uint64_t max_bytes) const {
  uint64_t bytes = 0;
  for (const OutputTensor& tensor : tensors()) bytes += rows * Width(tensor, version, range) * sizeof(float);
  if (bytes <= max_bytes) return absl::OkStatus();
  return Error(absl::StatusCode::kResourceExhausted, "the reply would have ", bytes, " bytes; at most ",
               max_bytes, " are allowed: send fewer rows, or ask for fewer outputs");
}

absl::Status InferOutputs::Compute(const InferRequest& request, const LoadedModel& version,
                                   const RowMatrix& matrix, uint64_t max_bytes) {
  has_values_ = false;
  ESPALIER_RETURN_IF_ERROR(Select(request, version));
  ESPALIER_ASSIGN_OR_RETURN(const IterationRange range, ParseIterations(request, *version.forest));
  ESPALIER_RETURN_IF_ERROR(CheckSize(version, matrix.rows().count, range, max_bytes));
  PredictOptions options{.kind = OutputKind::kValue,
                         .iterations = range,
                         .base_margin = matrix.base_margin(),
                         .threads = threads_};
  for (size_t i = 0; i < count_; ++i) {
    options.kind = tensors_[i].kind;
    SetShape(version, matrix.rows().count, Width(tensors_[i], version, range), tensors_[i]);
    ESPALIER_RETURN_IF_ERROR(Fill(version, matrix.rows(), options, tensors_[i]));
  }
  return absl::OkStatus();
}

absl::Status InferOutputs::EnsureValues(const InferRequest& request, const LoadedModel& version,
                                        const RowMatrix& matrix, uint64_t max_bytes) {
  if (has_values_) return absl::OkStatus();
  const uint64_t count = matrix.rows().count * version.forest->OutputWidth(OutputKind::kValue);
  if (count * sizeof(float) > max_bytes) {
    return Error(absl::StatusCode::kResourceExhausted, "the scores to log would have ", count * sizeof(float),
                 " bytes; at most ", max_bytes, " are allowed: send fewer rows");
  }
  ESPALIER_ASSIGN_OR_RETURN(const IterationRange range, ParseIterations(request, *version.forest));
  const PredictOptions options{.kind = OutputKind::kValue,
                               .iterations = range,
                               .base_margin = matrix.base_margin(),
                               .threads = threads_};
  values_.resize(count);
  has_values_ = true;
  return version.forest->Predict(matrix.rows(), options, std::span<float>(values_));
}

absl::Status InferOutputs::Fill(const LoadedModel& version, const Rows& rows, const PredictOptions& options,
                                OutputTensor& tensor) {
  const Forest& forest = *version.forest;
  const size_t size = rows.count * forest.OutputWidth(tensor.kind, options.iterations);
  if (tensor.kind == OutputKind::kClass) return FillClass(version, rows, options, tensor);
  if (tensor.is_int) {
    tensor.ints.resize(size);
    return forest.Predict(rows, options, std::span<int32_t>(tensor.ints));
  }
  tensor.floats.resize(size);
  ESPALIER_RETURN_IF_ERROR(forest.Predict(rows, options, std::span<float>(tensor.floats)));
  if (tensor.kind != OutputKind::kValue) return absl::OkStatus();
  values_.assign(tensor.floats.begin(), tensor.floats.end());
  has_values_ = true;
  if (version.signature.predict_proba && size == rows.count) {
    tensor.floats.resize(2 * size);
    for (size_t i = 0; i < size; ++i) {
      tensor.floats[2 * i] = 1.0f - values_[i];
      tensor.floats[2 * i + 1] = values_[i];
    }
  }
  return absl::OkStatus();
}

// A class from a probability goes by the configured threshold, and its values are good for the log too;
// otherwise the forest decides, or refuses.
absl::Status InferOutputs::FillClass(const LoadedModel& version, const Rows& rows,
                                     const PredictOptions& options, OutputTensor& tensor) {
  const Forest& forest = *version.forest;
  tensor.ints.resize(rows.count * forest.OutputWidth(OutputKind::kClass));
  PredictOptions class_options = options;
  if (version.signature.is_probability) {
    class_options.kind = OutputKind::kValue;
    values_.resize(rows.count);
    has_values_ = true;
    ESPALIER_RETURN_IF_ERROR(forest.Predict(rows, class_options, std::span<float>(values_)));
    std::transform(values_.begin(), values_.end(), tensor.ints.begin(),
                   [&](float value) { return value > version.signature.threshold ? 1 : 0; });
  } else {
    class_options.kind = OutputKind::kClass;
    ESPALIER_RETURN_IF_ERROR(forest.Predict(rows, class_options, std::span<int32_t>(tensor.ints)));
  }
  if (!tensor.is_int) tensor.floats.assign(tensor.ints.begin(), tensor.ints.end());
  return absl::OkStatus();
}

}  // namespace espalier
