#include "services/front/inference_control.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// The parameter by which a repository call names one version.
constexpr std::string_view kVersion = "version";

absl::Status UnknownModel(const std::string& name) {
  return Error(absl::StatusCode::kNotFound, "model '", name,
               "' is unknown; RepositoryIndex lists the models");
}

void SetDuration(const Duration& duration, inference::StatisticDuration& out) {
  out.set_count(duration.count);
  out.set_ns(duration.nanos);
}

void SetBatch(uint32_t size, const BatchTotals& totals, inference::InferBatchStatistics& out) {
  out.set_batch_size(size);
  SetDuration({totals.count, totals.input_nanos}, *out.mutable_compute_input());
  SetDuration({totals.count, totals.infer_nanos}, *out.mutable_compute_infer());
  SetDuration({totals.count, totals.output_nanos}, *out.mutable_compute_output());
}

inference::ModelStatistics ToProto(const ModelHandle& version, const RequestTotals& totals) {
  inference::ModelStatistics out;
  out.set_name(version->name);
  out.set_version(version->version_text);
  out.set_last_inference(totals.last_unix_millis);
  out.set_inference_count(totals.rows);
  out.set_execution_count(totals.success.count);
  inference::InferStatistics& stats = *out.mutable_inference_stats();
  SetDuration(totals.success, *stats.mutable_success());
  SetDuration(totals.fail, *stats.mutable_fail());
  // Nothing waits before it is predicted, but for large requests, whose wait is part of the transport.
  SetDuration({totals.success.count, 0}, *stats.mutable_queue());
  SetDuration(totals.input, *stats.mutable_compute_input());
  SetDuration(totals.infer, *stats.mutable_compute_infer());
  SetDuration(totals.output, *stats.mutable_compute_output());
  for (const auto& [size, batch] : totals.batches) SetBatch(size, batch, *out.add_batch_stats());
  inference::MemoryUsage& memory = *out.add_memory_usage();
  memory.set_type("CPU");
  memory.set_byte_size(version->forest->MemoryBytes());
  return out;
}

void AddTensor(std::string_view name, std::string_view datatype, std::initializer_list<int64_t> shape,
               google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>& out) {
  inference::ModelMetadataResponse::TensorMetadata& tensor = *out.Add();
  tensor.set_name(std::string(name));
  tensor.set_datatype(std::string(datatype));
  for (const int64_t dim : shape) tensor.add_shape(dim);
}

void AddMainOutput(const LoadedModel& version, inference::ModelMetadataResponse& out) {
  const ModelSignature& signature = version.signature;
  auto width = static_cast<int64_t>(version.forest->OutputWidth(signature.output_kind));
  if (signature.predict_proba && signature.output_kind == OutputKind::kValue && width == 1) width = 2;
  if (width == 1 && !signature.keep_last_dimension) {
    AddTensor(signature.output, "FP32", {-1}, *out.mutable_outputs());
  } else {
    AddTensor(signature.output, "FP32", {-1, width}, *out.mutable_outputs());
  }
}

absl::StatusOr<std::optional<int64_t>> VersionParameter(
    const google::protobuf::Map<std::string, inference::ModelRepositoryParameter>& parameters) {
  for (const auto& [name, value] : parameters) {
    if (name == "unload_dependents") continue;
    if (name != kVersion) {
      return InvalidArgument("parameter '", name, "' is not supported; allowed is 'version' (int64)");
    }
    if (!value.has_int64_param() || value.int64_param() < 1) {
      return InvalidArgument("parameter 'version' must be an int64 of at least 1");
    }
    return value.int64_param();
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ModelHandle> InferenceControl::Resolve(const std::string& name,
                                                      const std::string& version) const {
  const std::shared_ptr<const ModelCatalog> catalog = manager_.catalog().Get();
  const CatalogModel* model = catalog->Find(name);
  if (model == nullptr) return UnknownModel(name);
  ESPALIER_ASSIGN_OR_RETURN(const ModelHandle* handle, model->Resolve(version));
  return *handle;
}

bool InferenceControl::Ready() const {
  const std::shared_ptr<const ModelCatalog> catalog = manager_.catalog().Get();
  return std::all_of(catalog->models().begin(), catalog->models().end(),
                     [](const auto& entry) { return entry.second.Default() != nullptr; });
}

inference::ModelReadyResponse InferenceControl::ModelReady(
    const inference::ModelReadyRequest& request) const {
  inference::ModelReadyResponse response;
  response.set_ready(Resolve(request.name(), request.version()).ok());
  return response;
}

inference::ServerMetadataResponse InferenceControl::ServerMetadata() const {
  inference::ServerMetadataResponse response;
  response.set_name("espalier");
  response.set_version(ESPALIER_VERSION);
  for (const char* extension :
       {"model_repository", "model_configuration", "statistics", "binary_tensor_data"}) {
    response.add_extensions(extension);
  }
  return response;
}

absl::StatusOr<inference::ModelMetadataResponse> InferenceControl::ModelMetadata(
    const inference::ModelMetadataRequest& request) const {
  ESPALIER_ASSIGN_OR_RETURN(const ModelHandle version, Resolve(request.name(), request.version()));
  inference::ModelMetadataResponse response;
  response.set_name(version->name);
  response.set_platform("espalier");
  const std::shared_ptr<const ModelCatalog> catalog = manager_.catalog().Get();
  if (const CatalogModel* model = catalog->Find(request.name());
      model != nullptr && request.version().empty()) {
    for (const ModelHandle& ready : model->ready()) response.add_versions(ready->version_text);
  } else {
    response.add_versions(version->version_text);
  }
  AddTensor(version->signature.input, "FP32", {-1, int64_t{version->forest->num_features()}},
            *response.mutable_inputs());
  AddMainOutput(*version, response);
  return response;
}

absl::StatusOr<inference::ModelConfigResponse> InferenceControl::ModelConfig(
    const inference::ModelConfigRequest& request) const {
  ESPALIER_ASSIGN_OR_RETURN(const ModelHandle version, Resolve(request.name(), request.version()));
  inference::ModelConfigResponse response;
  if (version->config != nullptr) *response.mutable_config() = *version->config;
  return response;
}

absl::StatusOr<inference::ModelStatisticsResponse> InferenceControl::ModelStatistics(
    const inference::ModelStatisticsRequest& request) const {
  ModelHandle only;
  if (!request.name().empty()) {
    absl::StatusOr<ModelHandle> resolved = Resolve(request.name(), request.version());
    // A model without a ready default still has counters.
    if (!resolved.ok() && (absl::IsNotFound(resolved.status()) || !request.version().empty())) {
      return resolved.status();
    }
    if (!request.version().empty()) only = *std::move(resolved);
  }
  std::map<std::pair<std::string, std::string>, RequestTotals> by_version;
  for (const auto& [labels, totals] : totals_()) by_version[{labels.model, labels.version}].Add(totals);
  inference::ModelStatisticsResponse response;
  const std::shared_ptr<const ModelCatalog> catalog = manager_.catalog().Get();
  std::vector<const CatalogModel*> models;
  for (const auto& [name, model] : catalog->models()) models.push_back(&model);
  std::sort(models.begin(), models.end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
  for (const CatalogModel* model : models) {
    if (!request.name().empty() && request.name() != model->name()) continue;
    for (const ModelHandle& version : model->ready()) {
      if (only != nullptr && only->version != version->version) continue;
      *response.add_model_stats() = ToProto(version, by_version[{version->name, version->version_text}]);
    }
  }
  return response;
}

inference::RepositoryIndexResponse InferenceControl::RepositoryIndex(
    const inference::RepositoryIndexRequest& request) const {
  inference::RepositoryIndexResponse response;
  for (const IndexEntry& entry : manager_.Index()) {
    if (request.ready() && entry.state != "READY") continue;
    inference::RepositoryIndexResponse::ModelIndex& model = *response.add_models();
    model.set_name(entry.name);
    model.set_version(entry.version == 0 ? "" : StrCat(entry.version));
    model.set_state(entry.state);
    model.set_reason(entry.reason);
  }
  return response;
}

absl::Status InferenceControl::RepositoryModelLoad(const inference::RepositoryModelLoadRequest& request) {
  ESPALIER_ASSIGN_OR_RETURN(const auto version, VersionParameter(request.parameters()));
  return manager_.Load(request.model_name(), version);
}

absl::Status InferenceControl::RepositoryModelUnload(const inference::RepositoryModelUnloadRequest& request) {
  ESPALIER_ASSIGN_OR_RETURN(const auto version, VersionParameter(request.parameters()));
  return manager_.Unload(request.model_name(), version);
}

}  // namespace espalier
