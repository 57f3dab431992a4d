#include "models/config/model_signature.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using Dims = google::protobuf::RepeatedField<int64_t>;

// A warm-up is a courtesy, not a load test: at most this many elements a request, and this many requests.
constexpr int64_t kMaxWarmupElements = int64_t{1} << 24;
constexpr uint32_t kMaxWarmupCount = 1000;

bool IsOneOf(std::initializer_list<std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Objectives whose value is the probability of class 1.
bool GivesProbability(const ModelFacts& facts) {
  return facts.value_width == 1 && IsOneOf({"binary:logistic", "reg:logistic", "binary"}, facts.objective);
}

// Objectives whose values are a probability a class: of XGBoost, LightGBM and scikit-learn.
bool GivesProbabilities(const ModelFacts& facts) {
  return IsOneOf({"multi:softprob", "multiclass", "multiclassova", "softmax", "probabilities", "logistic"},
                 facts.objective);
}

bool IsClassifier(const ModelFacts& facts) {
  return absl::StartsWith(facts.objective, "multi:") || GivesProbability(facts) ||
         GivesProbabilities(facts) ||
         (facts.value_width == 1 && absl::StartsWith(facts.objective, "binary:"));
}

absl::Status CheckModelType(const ModelSettings& settings, const ModelFacts& facts) {
  const std::string& type = settings.model_type;
  if (type.empty() || type == facts.format ||
      (type == "xgboost" && absl::StartsWith(facts.format, "xgboost")) ||
      (type == "lightgbm" && facts.format == "lightgbm_text")) {
    return absl::OkStatus();
  }
  return InvalidArgument("config.pbtxt: parameter model_type \"", settings.model_type,
                         "\" does not fit: the model file is ", facts.format);
}

// Whether a declared shape of one row is `width` wide; -1 takes any.
bool Fits(int64_t dim, int64_t width) { return dim == -1 || dim == width; }

absl::Status DimsError(std::string_view key, const std::string& name, const Dims& dims,
                       std::string_view expected) {
  return InvalidArgument("config.pbtxt: ", key, " \"", name, "\": dims [", absl::StrJoin(dims, ", "),
                         "] do not fit the model; expected are ", expected);
}

absl::Status CheckInputDims(const inference::ModelInput& input, int32_t max_batch_size, int64_t features) {
  const Dims& dims = input.dims();
  if (dims.empty() || (dims.size() == 1 && Fits(dims[0], features))) return absl::OkStatus();
  if (max_batch_size == 0 && dims.size() == 2 && dims[0] == -1 && Fits(dims[1], features)) {
    return absl::OkStatus();
  }
  return DimsError("input", input.name(), dims,
                   StrCat("[", max_batch_size == 0 ? "-1, " : "", features, "]"));
}

// Gives whether the output keeps a last dimension of its own.
absl::StatusOr<bool> CheckOutputDims(const inference::ModelOutput& output, int32_t max_batch_size,
                                     int64_t width) {
  const Dims& dims = output.dims();
  if (dims.empty()) return width > 1;
  if (max_batch_size == 0 && dims.size() == 2 && dims[0] == -1 && Fits(dims[1], width)) return true;
  if (max_batch_size == 0 && dims.size() == 1 && dims[0] == -1 && width == 1) return false;
  if (dims.size() == 1 && Fits(dims[0], width) && (max_batch_size > 0 || dims[0] > 0)) return true;
  return DimsError("output", output.name(), dims, StrCat("[", max_batch_size == 0 ? "-1, " : "", width, "]"));
}

absl::Status CheckClasses(const ModelSettings& settings, const ModelFacts& facts) {
  if (!settings.output_class && !settings.predict_proba) return absl::OkStatus();
  const std::string key = settings.predict_proba ? "predict_proba" : "output_class";
  if (!IsClassifier(facts)) {
    return InvalidArgument("config.pbtxt: parameter ", key, " needs a classifier; the model's objective is ",
                           facts.objective);
  }
  if (settings.predict_proba && !GivesProbability(facts) && !GivesProbabilities(facts)) {
    return InvalidArgument("config.pbtxt: parameter predict_proba needs probabilities; the objective ",
                           facts.objective, " gives none");
  }
  if (!settings.predict_proba && settings.threshold.value_or(0.5f) != 0.5f && !GivesProbability(facts)) {
    return InvalidArgument(
        "config.pbtxt: parameter threshold needs the probability of one class; the objective ",
        facts.objective, " does not give it");
  }
  return absl::OkStatus();
}

// Elements per row of the output; decides predict_proba, for which FIL knows one or two columns.
int64_t DecideKind(const ModelSettings& settings, const ModelFacts& facts, ModelSignature& signature) {
  if (settings.predict_proba) {
    const bool binary = GivesProbability(facts);
    const auto& outputs = settings.config.output();
    const bool one_column =
        !outputs.empty() && !outputs[0].dims().empty() && outputs[0].dims(outputs[0].dims_size() - 1) == 1;
    signature.predict_proba = binary && !one_column;
    return signature.predict_proba ? 2 : facts.value_width;
  }
  if (!settings.output_class) return facts.value_width;
  signature.output_kind = OutputKind::kClass;
  signature.threshold = settings.threshold.value_or(0.5f);
  return 1;
}

absl::Status CheckWarmupInput(const inference::ModelWarmup& warmup, const std::string& name,
                              const inference::ModelWarmup::Input& input, const ModelSignature& signature,
                              int64_t features) {
  const std::string where =
      absl::StrCat("config.pbtxt: model_warmup \"", warmup.name(), "\": input \"", name, "\"");
  if (name != signature.input) return InvalidArgument(where, " must be \"", signature.input, "\"");
  if (input.has_input_data_file()) return InvalidArgument(where, ": input_data_file is not supported");
  if (input.input_data_type_case() == inference::ModelWarmup::Input::INPUT_DATA_TYPE_NOT_SET) {
    return InvalidArgument(where, " needs zero_data or random_data");
  }
  if (input.data_type() != inference::TYPE_FP32)
    return InvalidArgument(where, ": data_type must be TYPE_FP32");
  const bool with_rows = input.dims_size() == 2 && signature.max_batch_size == 0 && input.dims(0) > 0;
  if (!(input.dims_size() == 1 || with_rows) || input.dims(input.dims_size() - 1) != features) {
    return InvalidArgument(where, ": dims [", absl::StrJoin(input.dims(), ", "), "] must be [", features,
                           "]");
  }
  const int64_t rows = std::max<int64_t>(warmup.batch_size(), with_rows ? input.dims(0) : 1);
  if (rows > kMaxWarmupElements / std::max<int64_t>(features, 1)) {
    return InvalidArgument(where, ": ", rows, " rows of ", features, " features are more than ",
                           kMaxWarmupElements, " elements");
  }
  return absl::OkStatus();
}

absl::Status CheckWarmups(const inference::ModelConfig& config, const ModelSignature& signature,
                          int64_t features) {
  for (const inference::ModelWarmup& warmup : config.model_warmup()) {
    const std::string where = absl::StrCat("config.pbtxt: model_warmup \"", warmup.name(), "\": ");
    if (warmup.count() > kMaxWarmupCount) {
      return InvalidArgument(where, "count ", warmup.count(), " must be at most ", kMaxWarmupCount);
    }
    if (signature.max_batch_size > 0 &&
        warmup.batch_size() > static_cast<uint32_t>(signature.max_batch_size)) {
      return InvalidArgument(where, "batch_size ", warmup.batch_size(), " must be at most max_batch_size ",
                             signature.max_batch_size);
    }
    if (warmup.inputs().size() != 1) {
      return InvalidArgument(where, "inputs must be one: \"", signature.input, "\"");
    }
    for (const auto& [name, input] : warmup.inputs()) {
      ESPALIER_RETURN_IF_ERROR(CheckWarmupInput(warmup, name, input, signature, features));
    }
  }
  return absl::OkStatus();
}

void SetDims(int32_t max_batch_size, const std::vector<int64_t>& row, Dims& dims) {
  dims.Clear();
  if (max_batch_size == 0) dims.Add(-1);
  for (const int64_t dim : row) dims.Add(dim);
}

// Fills what the settings leave to the model.
void FillConfig(const ModelFacts& facts, const ModelSignature& signature, int64_t width,
                inference::ModelConfig& config) {
  if (config.backend().empty()) config.set_backend("espalier");
  if (config.platform().empty()) config.set_platform(config.backend());
  if (config.version_policy().policy_choice_case() == inference::ModelVersionPolicy::POLICY_CHOICE_NOT_SET) {
    config.mutable_version_policy()->mutable_all();
  }
  if (config.input().empty()) config.add_input();
  if (config.output().empty()) config.add_output();
  inference::ModelInput& input = *config.mutable_input(0);
  input.set_name(signature.input);
  input.set_data_type(inference::TYPE_FP32);
  SetDims(signature.max_batch_size, {facts.num_features}, *input.mutable_dims());
  inference::ModelOutput& output = *config.mutable_output(0);
  output.set_name(signature.output);
  output.set_data_type(inference::TYPE_FP32);
  const bool has_dimension = width > 1 || signature.keep_last_dimension;
  SetDims(signature.max_batch_size, has_dimension ? std::vector<int64_t>{width} : std::vector<int64_t>{},
          *output.mutable_dims());
}

}  // namespace

ModelFacts FactsOf(const Forest& forest) {
  return {.format = std::string(forest.format()),
          .objective = std::string(forest.objective()),
          .num_features = forest.num_features(),
          .value_width = static_cast<int64_t>(forest.OutputWidth(OutputKind::kValue))};
}

absl::StatusOr<CompletedConfig> CompleteConfig(const ModelSettings& settings, const ModelFacts& facts) {
  ESPALIER_RETURN_IF_ERROR(CheckModelType(settings, facts));
  ESPALIER_RETURN_IF_ERROR(CheckClasses(settings, facts));
  CompletedConfig completed{.signature = {}, .config = settings.config};
  ModelSignature& signature = completed.signature;
  signature.max_batch_size = settings.config.max_batch_size();
  // LightGBM compares in float64: at its own threshold the forest decides.
  const bool decided = facts.format == "lightgbm_text" && settings.threshold.value_or(0.5f) == 0.5f;
  signature.is_probability = GivesProbability(facts) && !decided;
  for (const inference::ModelInput& input : settings.config.input()) {
    signature.input = input.name();
    ESPALIER_RETURN_IF_ERROR(CheckInputDims(input, signature.max_batch_size, facts.num_features));
  }
  const int64_t width = DecideKind(settings, facts, signature);
  for (const inference::ModelOutput& output : settings.config.output()) {
    signature.output = output.name();
    ESPALIER_ASSIGN_OR_RETURN(const bool keeps, CheckOutputDims(output, signature.max_batch_size, width));
    signature.keep_last_dimension = keeps && width == 1;
  }
  ESPALIER_RETURN_IF_ERROR(CheckWarmups(settings.config, signature, facts.num_features));
  FillConfig(facts, signature, width, completed.config);
  return completed;
}

}  // namespace espalier
