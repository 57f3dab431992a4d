#include "services/front/request_lane.h"

#include <simdjson.h>

#include <new>
#include <utility>

#include "absl/strings/escaping.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"

namespace espalier {
namespace {

// Parameters first, then metadata of the same name.
class RequestAttributes final : public AttributeSource {
 public:
  RequestAttributes(const InferRequest& request, const MetadataSource& metadata)
      : request_(request), metadata_(metadata) {}

  AttributeValue Find(std::string_view name) const override {
    if (const InferParameter* parameter = request_.FindParameter(name); parameter != nullptr) {
      return std::visit([](const auto& value) { return AttributeValue(value); }, parameter->value);
    }
    const std::optional<std::string_view> value = metadata_.Find(name);
    return value.has_value() ? AttributeValue(*value) : AttributeValue();
  }

 private:
  const InferRequest& request_;
  const MetadataSource& metadata_;
};

// A name from a request as an error may repeat it.
std::string_view Shortened(std::string_view text) { return text.substr(0, 128); }

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

// Errors repeat names from the request; a status message has to be text.
absl::Status AsText(absl::Status status) {
  if (status.ok() || IsUtf8(Message(status))) return status;
  return absl::Status(status.code(), absl::CHexEscape(status.message()));
}

}  // namespace

struct RequestLane::Call {
  const MetadataSource& metadata;
  const ServingPlan& plan;
  int64_t start_nanos = 0;
  int64_t input_done_nanos = 0;
  int64_t infer_done_nanos = 0;
  const PlannedModel* planned = nullptr;
  // Set when an experiment's route decided.
  bool routed = false;
  Assignment assignment = {};
  int64_t now_micros = 0;
  uint64_t event_id = 0;
  // The variant that answers; the assigned one, or the control in its place. Null without an experiment.
  const Variant* served = nullptr;
  const ModelHandle* version = nullptr;

  bool exposed() const { return routed && assignment.experiment != nullptr; }
};

RequestLane::RequestLane(const Options& options, const Snapshot<ServingPlan>& plan,
                         EventIdGenerator& event_ids, ExposureQueue* exposures)
    : options_(options),
      plan_(plan),
      event_ids_(event_ids),
      exposures_(exposures),
      outputs_(options.threads) {}

absl::Status RequestLane::Infer(std::string_view request, const MetadataSource& metadata, ReplySink& reply) {
  // Pinned by copy: the plan lives for the whole call, whatever is published meanwhile.
  const std::shared_ptr<const ServingPlan> plan = plan_.Pin();
  Call call{.metadata = metadata, .plan = *plan};
  call.start_nanos = options_.clock->MonotonicNanos();
  const absl::Status status = ParseAndAnswer(call, request, reply);
  Count(call, status);
  matrix_.Trim();
  outputs_.Trim();
  return status;
}

// A request that needs more memory than there is fails alone; the buffers that it made grow are given back
// like those of any large request.
absl::Status RequestLane::ParseAndAnswer(Call& call, std::string_view request, ReplySink& reply) {
  if (request.size() > options_.limits.max_message_bytes) {
    return Error(absl::StatusCode::kResourceExhausted, "the request has ", request.size(), " bytes; at most ",
                 options_.limits.max_message_bytes, " are allowed");
  }
  try {
    absl::Status status = request_.Parse(request);
    if (status.ok()) status = Answer(call, reply);
    return AsText(std::move(status));
  } catch (const std::bad_alloc&) {
    return Error(absl::StatusCode::kResourceExhausted, "the request needs more memory than there is");
  }
}

absl::Status RequestLane::Answer(Call& call, ReplySink& reply) {
  ESPALIER_RETURN_IF_ERROR(Choose(call));
  const bool by_experiment = call.routed;
  // A request for a number reaches that version alone; one for a label or for none, whatever may answer it.
  const bool by_number = !request_.model_version.empty() &&
                         !call.planned->model->labels().contains(std::string(request_.model_version));
  const RowRules rules{.max_rows = options_.limits.max_rows,
                       .reachable_columns = by_number ? nullptr : &call.planned->reachable_columns,
                       .by_name_only = by_experiment && call.planned->by_name_only};
  ESPALIER_RETURN_IF_ERROR(matrix_.Assemble(request_, **call.version, rules));
  call.input_done_nanos = options_.clock->MonotonicNanos();
  ESPALIER_RETURN_IF_ERROR(Predict(call));
  call.infer_done_nanos = options_.clock->MonotonicNanos();
  return EncodeReply(call, reply);
}

absl::Status RequestLane::Choose(Call& call) {
  if (request_.id.size() > kMaxRequestIdBytes) {
    return InvalidArgument("id has ", request_.id.size(), " bytes; at most ", kMaxRequestIdBytes,
                           " are allowed");
  }
  if (!IsUtf8(request_.id)) return InvalidArgument("id is not valid UTF-8");
  call.planned = call.plan.Find(request_.model_name);
  if (call.planned == nullptr) {
    if (request_.model_name.empty())
      return InvalidArgument("model_name is empty; the name of a model is needed");
    if (!IsUtf8(request_.model_name)) return InvalidArgument("model_name is not valid UTF-8");
    return Error(absl::StatusCode::kNotFound, "model '", Shortened(request_.model_name),
                 "' is unknown; RepositoryIndex lists the models");
  }
  if (request_.model_version.empty() && call.planned->route != nullptr) return ChooseByExperiment(call);
  if (!IsUtf8(request_.model_version)) return InvalidArgument("model_version is not valid UTF-8");
  ESPALIER_ASSIGN_OR_RETURN(call.version, call.planned->model->Resolve(request_.model_version));
  return absl::OkStatus();
}

absl::Status RequestLane::CheckUnit(const Call& call) const {
  ESPALIER_RETURN_IF_ERROR(call.planned->route->CheckUnit(call.assignment.unit));
  if (request_.inputs.size() < 2) return absl::OkStatus();
  for (const auto& experiment : call.planned->route->experiments()) {
    for (const InferTensor& tensor : request_.inputs) {
      if (tensor.name == experiment->unit_attribute() && tensor.datatype == DataType::kBytes &&
          !call.planned->reachable_columns.contains(ToAbsl(tensor.name))) {
        return Error(
            absl::StatusCode::kUnimplemented, "input '", tensor.name,
            "' holds a unit for each row; routing by row is not built yet: send one unit a request, as a "
            "parameter");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RequestLane::ChooseByExperiment(Call& call) {
  call.now_micros = options_.clock->UnixMicros();
  call.event_id = event_ids_.Next(call.now_micros);
  call.routed = true;
  const RequestAttributes attributes(request_, call.metadata);
  call.planned->route->Assign(attributes, request_.id, call.event_id, call.now_micros, call.assignment);
  ESPALIER_RETURN_IF_ERROR(CheckUnit(call));
  absl::StatusOr<const ModelHandle*> version = ServedVersion(call);
  if (!version.ok() && call.exposed()) EnqueueExposure(call);
  ESPALIER_RETURN_IF_ERROR(version.status());
  call.version = *version;
  return absl::OkStatus();
}

// The assigned variant's version; when that is not ready, the control's, if the experiment says so.
absl::StatusOr<const ModelHandle*> RequestLane::ServedVersion(Call& call) const {
  const CatalogModel& model = *call.planned->model;
  Assignment& assignment = call.assignment;
  call.served = assignment.variant;
  const int64_t wanted = assignment.variant->backend.version;
  if (const ModelHandle* version = model.FindVersion(wanted); version != nullptr) return version;
  const CompiledExperiment* experiment = assignment.experiment;
  if (experiment != nullptr && experiment->on_variant_error() == OnVariantError::kServeControl) {
    const Variant& control = experiment->control();
    if (const ModelHandle* version = model.FindVersion(control.backend.version); version != nullptr) {
      call.served = &control;
      assignment.reason = ReasonServedByControl(assignment.reason);
      return version;
    }
  }
  const absl::Status why = model.Resolve(StrCat(wanted)).status();
  return Error(absl::StatusCode::kUnavailable, "variant '", assignment.variant->key,
               "' cannot answer: ", Message(why));
}

absl::Status RequestLane::Predict(Call& call) {
  const LoadedModel& version = **call.version;
  ESPALIER_RETURN_IF_ERROR(outputs_.Compute(request_, version, matrix_, options_.limits.max_message_bytes));
  if (!call.exposed() || exposures_ == nullptr) return absl::OkStatus();
  return outputs_.EnsureValues(request_, version, matrix_, options_.limits.max_message_bytes);
}

absl::Status RequestLane::EncodeReply(Call& call, ReplySink& reply) {
  const LoadedModel& version = **call.version;
  InferReply head{.model_name = request_.model_name,
                  .model_version = version.version_text,
                  .id = request_.id,
                  .experiment = {},
                  .variant = {},
                  .event_id = call.event_id,
                  .raw = request_.raw};
  if (call.exposed()) {
    head.experiment = call.assignment.experiment->key();
    head.variant = call.assignment.variant->key;
    // Before the reply leaves: an outcome for it may arrive at once.
    EnqueueExposure(call);
  }
  encoder_.Encode(head, outputs_.tensors(), reply);
  return absl::OkStatus();
}

void RequestLane::EnqueueExposure(const Call& call) {
  if (exposures_ == nullptr) return;
  const CompiledExperiment& experiment = *call.assignment.experiment;
  Exposure exposure{.event_id = call.event_id,
                    .time_micros = call.now_micros,
                    .experiment = experiment.key(),
                    .config_version = experiment.config_version(),
                    .unit = call.assignment.unit,
                    .bucket = call.assignment.bucket,
                    .layer_slot = call.assignment.layer_slot,
                    .probabilities = experiment.probabilities_json(),
                    .variant_assigned = call.assignment.variant->key,
                    .variant_served = call.served->key,
                    .reason = call.assignment.reason,
                    .model = call.planned->model->name()};
  if (call.version != nullptr) {
    const LoadedModel& version = **call.version;
    exposure.model_version = version.version;
    exposure.sha256 = version.sha256;
    exposure.rows = static_cast<uint32_t>(matrix_.rows().count);
    exposure.scores = std::as_bytes(outputs_.values());
    if (options_.log_features) exposure.features = matrix_.bytes();
  } else {
    exposure.status = static_cast<uint32_t>(absl::StatusCode::kUnavailable);
  }
  exposure.latency_micros =
      static_cast<uint32_t>((options_.clock->MonotonicNanos() - call.start_nanos) / 1000);
  exposures_->TryPush(exposure);
}

void RequestLane::Count(const Call& call, const absl::Status& status) {
  const int64_t end = options_.clock->MonotonicNanos();
  RequestSample sample{.code = status.code(), .total_nanos = end - call.start_nanos};
  if (call.planned != nullptr) sample.model = call.planned->model->name();
  if (call.version != nullptr) sample.version = (*call.version)->version_text;
  if (call.exposed()) sample.variant = call.assignment.variant->key;
  if (status.ok()) {
    sample.rows = static_cast<uint32_t>(matrix_.rows().count);
    sample.input_nanos = call.input_done_nanos - call.start_nanos;
    sample.infer_nanos = call.infer_done_nanos - call.input_done_nanos;
    sample.output_nanos = end - call.infer_done_nanos;
    sample.end_unix_millis = options_.clock->UnixMicros() / 1000;
  }
  metrics_.Record(sample);
}

}  // namespace espalier
