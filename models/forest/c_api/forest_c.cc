// The C interface: every function turns its arguments into what Forest takes, and a Status into a code and a
// text. Nothing is thrown out of here.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "espalier/forest.h"
#include "models/base/caller_struct.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/background_contributions.h"
#include "models/forest/c_api/forest_handle.h"
#include "models/forest/c_api/guarded_call.h"
#include "models/forest/c_api/input_rows.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"

namespace espalier {
namespace {

// What the structs had in the first version.
constexpr size_t kFirstOptionsSize =
    offsetof(espalier_predict_options, base_margin_size) + sizeof(espalier_predict_options::base_margin_size);
constexpr size_t kFirstInfoSize =
    offsetof(espalier_forest_info, kernel) + sizeof(espalier_forest_info::kernel);

absl::Status CheckForest(const espalier_forest* forest) {
  return forest == nullptr ? InvalidArgument("forest is NULL") : absl::OkStatus();
}

absl::Status CheckFeature(const espalier_forest* forest, uint32_t feature) {
  ESPALIER_RETURN_IF_ERROR(CheckForest(forest));
  if (feature < forest->forest().num_features()) return absl::OkStatus();
  return InvalidArgument("feature is ", feature, ", the model has ", forest->forest().num_features());
}

absl::Status SetForest(absl::StatusOr<Ensemble> ensemble, espalier_forest** forest) {
  ESPALIER_RETURN_IF_ERROR(ensemble.status());
  ESPALIER_ASSIGN_OR_RETURN(std::shared_ptr<const Forest> compiled, Forest::Compile(*std::move(ensemble)));
  auto handle = std::make_unique<espalier_forest>();
  handle->described = std::make_shared<const DescribedForest>(std::move(compiled));
  *forest = handle.release();
  return absl::OkStatus();
}

absl::StatusOr<OutputKind> ToOutputKind(int32_t kind) {
  switch (kind) {
    case ESPALIER_VALUE:
      return OutputKind::kValue;
    case ESPALIER_MARGIN:
      return OutputKind::kMargin;
    case ESPALIER_CONTRIBUTIONS:
      return OutputKind::kContributions;
    case ESPALIER_CLASS:
      return OutputKind::kClass;
    case ESPALIER_LEAF:
      return OutputKind::kLeaf;
    case ESPALIER_INTERACTIONS:
      return OutputKind::kInteractions;
    default:
      return InvalidArgument("espalier_predict_options.kind is ", kind,
                             ", must be ESPALIER_VALUE (0) to ESPALIER_INTERACTIONS (5)");
  }
}

bool IsInteger(OutputKind kind) { return kind == OutputKind::kClass || kind == OutputKind::kLeaf; }

absl::StatusOr<PredictOptions> ReadOptions(const espalier_predict_options* options) {
  if (options == nullptr) return PredictOptions{};
  ESPALIER_ASSIGN_OR_RETURN(const espalier_predict_options copy,
                            CopyIn("espalier_predict_options", options, kFirstOptionsSize));
  PredictOptions result;
  ESPALIER_ASSIGN_OR_RETURN(result.kind, ToOutputKind(copy.kind));
  result.iterations = {copy.iteration_begin, copy.iteration_end};
  result.threads = std::max(copy.threads, 1u);
  if ((copy.base_margin == nullptr) != (copy.base_margin_size == 0)) {
    return InvalidArgument("espalier_predict_options.base_margin is ",
                           copy.base_margin == nullptr ? "NULL" : "not NULL", ", but base_margin_size is ",
                           copy.base_margin_size);
  }
  result.base_margin = {copy.base_margin, copy.base_margin_size};
  return result;
}

// The options' background, where it lies or in `values`.
absl::StatusOr<std::optional<Rows>> ReadBackground(const Forest& forest,
                                                   const espalier_predict_options* options,
                                                   std::vector<float>* values) {
  if (options == nullptr) return std::nullopt;
  ESPALIER_ASSIGN_OR_RETURN(const espalier_predict_options copy,
                            CopyIn("espalier_predict_options", options, kFirstOptionsSize));
  if (copy.background == nullptr) return std::nullopt;
  const absl::StatusOr<InputRows> input = InputRows::Create(copy.background, forest.num_features());
  if (!input.ok()) return Annotate(input.status(), "background");
  ESPALIER_RETURN_IF_ERROR(CheckBackground({nullptr, input->count(), 0}, forest.num_features()));
  const absl::StatusOr<Rows> rows = input->Read(0, input->count(), values);
  if (!rows.ok()) return Annotate(rows.status(), "background");
  return *rows;
}

// Predicts no rows, by which Forest checks everything but them.
absl::Status CheckOptions(const Forest& forest, PredictOptions options) {
  options.base_margin = {};
  return IsInteger(options.kind) ? forest.Predict(Rows{}, options, std::span<int32_t>())
                                 : forest.Predict(Rows{}, options, std::span<float>());
}

absl::Status CheckBaseMargin(const Forest& forest, const PredictOptions& options, size_t rows) {
  size_t needed = 0;
  if (options.base_margin.empty() || (!__builtin_mul_overflow(rows, size_t{forest.num_outputs()}, &needed) &&
                                      needed == options.base_margin.size())) {
    return absl::OkStatus();
  }
  return InvalidArgument("espalier_predict_options.base_margin_size is ", options.base_margin.size(),
                         ", must be ", rows, " rows of ", forest.num_outputs());
}

// Whether `out` has room for `rows` rows of `width` elements.
absl::Status CheckOutput(const void* out, size_t out_size, size_t rows, size_t width) {
  size_t needed = 0;
  if (__builtin_mul_overflow(rows, width, &needed) || needed > out_size) {
    return Error(absl::StatusCode::kOutOfRange, "out_size is ", out_size, ", must be at least ", rows,
                 " rows of ", width);
  }
  return out == nullptr && needed != 0 ? InvalidArgument("out is NULL") : absl::OkStatus();
}

// Kept by a thread, so that one row at a time does not allocate.
std::vector<float>* Scratch() {
  static thread_local std::vector<float> scratch;
  return &scratch;
}

template <typename T>
absl::Status PredictChunks(const Forest& forest, const InputRows& rows, PredictOptions options, size_t width,
                           T* out) {
  const std::span<const float> base_margin = options.base_margin;
  const size_t chunk = rows.ChunkRows();
  size_t begin = 0;
  // At least once: Forest checks the options.
  do {
    const size_t count = std::min(chunk, rows.count() - begin);
    ESPALIER_ASSIGN_OR_RETURN(const Rows part, rows.Read(begin, count, Scratch()));
    if (!base_margin.empty()) {
      options.base_margin = base_margin.subspan(begin * forest.num_outputs(), count * forest.num_outputs());
    }
    ESPALIER_RETURN_IF_ERROR(forest.Predict(part, options, std::span<T>(out + begin * width, count * width)));
    begin += count;
  } while (begin < rows.count());
  return absl::OkStatus();
}

template <typename T>
absl::Status Predict(const espalier_forest* handle, const espalier_rows* input,
                     const espalier_predict_options* caller_options, T* out, size_t out_size) {
  ESPALIER_RETURN_IF_ERROR(CheckForest(handle));
  const Forest& forest = handle->forest();
  ESPALIER_ASSIGN_OR_RETURN(PredictOptions options, ReadOptions(caller_options));
  std::vector<float> background;
  ESPALIER_ASSIGN_OR_RETURN(options.background, ReadBackground(forest, caller_options, &background));
  if (IsInteger(options.kind) != std::is_same_v<T, int32_t>) {
    return InvalidArgument("espalier_predict_options.kind is ", IsInteger(options.kind) ? "int32" : "float",
                           ", and so must the output be: call the function of that type");
  }
  ESPALIER_ASSIGN_OR_RETURN(const InputRows rows, InputRows::Create(input, forest.num_features()));
  ESPALIER_RETURN_IF_ERROR(CheckBaseMargin(forest, options, rows.count()));
  const size_t width = forest.OutputWidth(options.kind, options.iterations);
  ESPALIER_RETURN_IF_ERROR(CheckOutput(out, out_size, rows.count(), width));
  return PredictChunks(forest, rows, options, width, out);
}

espalier_forest_info Describe(const espalier_forest& handle) {
  const Forest& forest = handle.forest();
  const DescribedForest& described = *handle.described;
  espalier_forest_info info = {};
  info.num_features = forest.num_features();
  info.num_outputs = forest.num_outputs();
  info.num_trees = forest.num_trees();
  info.num_iterations = forest.num_iterations();
  info.best_iteration = forest.best_iteration() ? int64_t{*forest.best_iteration()} : -1;
  info.num_nodes = forest.num_nodes();
  info.max_depth = forest.max_depth();
  info.has_feature_names = forest.feature_names().empty() ? 0 : 1;
  info.memory_bytes = forest.MemoryBytes();
  info.objective = described.objective.c_str();
  info.format = described.format.c_str();
  info.version = described.version.c_str();
  info.kernel = described.kernel.c_str();
  info.model_version = described.model_version;
  info.sha256 = described.sha256.c_str();
  return info;
}

}  // namespace
}  // namespace espalier

using espalier::CheckFeature;
using espalier::CheckForest;
using espalier::Guarded;
using espalier::InvalidArgument;

const char* espalier_forest_version(void) { return ESPALIER_VERSION; }

const char* espalier_forest_error(void) { return espalier::LastFailure().text; }

espalier_status espalier_forest_load(const char* path, espalier_forest** forest) {
  return Guarded([&]() -> absl::Status {
    if (forest == nullptr) return InvalidArgument("forest is NULL");
    *forest = nullptr;
    if (path == nullptr) return InvalidArgument("path is NULL");
    return espalier::SetForest(espalier::ReadEnsembleFile(path), forest);
  });
}

espalier_status espalier_forest_load_memory(const void* bytes, size_t size, espalier_forest** forest) {
  return Guarded([&]() -> absl::Status {
    if (forest == nullptr) return InvalidArgument("forest is NULL");
    *forest = nullptr;
    if (bytes == nullptr) return InvalidArgument("bytes is NULL");
    return espalier::SetForest(espalier::ReadEnsemble({static_cast<const char*>(bytes), size}), forest);
  });
}

void espalier_forest_free(espalier_forest* forest) { delete forest; }

espalier_status espalier_forest_describe(const espalier_forest* forest, espalier_forest_info* info) {
  return Guarded([&]() -> absl::Status {
    ESPALIER_RETURN_IF_ERROR(CheckForest(forest));
    return espalier::CopyOut("espalier_forest_info", espalier::Describe(*forest), info,
                             espalier::kFirstInfoSize);
  });
}

espalier_status espalier_forest_feature_name(const espalier_forest* forest, uint32_t feature,
                                             const char** name) {
  return Guarded([&]() -> absl::Status {
    if (name == nullptr) return InvalidArgument("name is NULL");
    *name = nullptr;
    ESPALIER_RETURN_IF_ERROR(CheckFeature(forest, feature));
    const std::vector<std::string>& names = forest->forest().feature_names();
    if (!names.empty()) *name = names[feature].c_str();
    return absl::OkStatus();
  });
}

espalier_status espalier_forest_feature_kind(const espalier_forest* forest, uint32_t feature, int32_t* kind) {
  return Guarded([&]() -> absl::Status {
    if (kind == nullptr) return InvalidArgument("kind is NULL");
    ESPALIER_RETURN_IF_ERROR(CheckFeature(forest, feature));
    const bool categorical = forest->forest().feature_kinds()[feature] == espalier::FeatureKind::kCategorical;
    *kind = categorical ? ESPALIER_CATEGORICAL : ESPALIER_NUMERIC;
    return absl::OkStatus();
  });
}

espalier_status espalier_forest_num_categories(const espalier_forest* forest, uint32_t feature,
                                               uint32_t* count) {
  return Guarded([&]() -> absl::Status {
    if (count == nullptr) return InvalidArgument("count is NULL");
    *count = 0;
    ESPALIER_RETURN_IF_ERROR(CheckFeature(forest, feature));
    *count = static_cast<uint32_t>(forest->forest().category_names().Names(feature).size());
    return absl::OkStatus();
  });
}

espalier_status espalier_forest_category_name(const espalier_forest* forest, uint32_t feature, uint32_t code,
                                              const char** name) {
  return Guarded([&]() -> absl::Status {
    if (name == nullptr) return InvalidArgument("name is NULL");
    *name = nullptr;
    ESPALIER_RETURN_IF_ERROR(CheckFeature(forest, feature));
    const std::vector<std::string>& names = forest->forest().category_names().Names(feature);
    if (code >= names.size()) {
      return InvalidArgument("code is ", code, ", the model has names for ", names.size(),
                             " categories of feature ", feature);
    }
    *name = names[code].c_str();
    return absl::OkStatus();
  });
}

espalier_status espalier_forest_output_width(const espalier_forest* forest,
                                             const espalier_predict_options* options, size_t* width) {
  return Guarded([&]() -> absl::Status {
    if (width == nullptr) return InvalidArgument("width is NULL");
    *width = 0;
    ESPALIER_RETURN_IF_ERROR(CheckForest(forest));
    ESPALIER_ASSIGN_OR_RETURN(const espalier::PredictOptions read, espalier::ReadOptions(options));
    ESPALIER_RETURN_IF_ERROR(espalier::CheckOptions(forest->forest(), read));
    *width = forest->forest().OutputWidth(read.kind, read.iterations);
    return absl::OkStatus();
  });
}

espalier_status espalier_forest_predict(const espalier_forest* forest, const espalier_rows* rows,
                                        const espalier_predict_options* options, float* out,
                                        size_t out_size) {
  return Guarded([&] { return espalier::Predict(forest, rows, options, out, out_size); });
}

espalier_status espalier_forest_predict_int32(const espalier_forest* forest, const espalier_rows* rows,
                                              const espalier_predict_options* options, int32_t* out,
                                              size_t out_size) {
  return Guarded([&] { return espalier::Predict(forest, rows, options, out, out_size); });
}
