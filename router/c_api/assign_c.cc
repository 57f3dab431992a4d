// The C interface: every function turns its arguments into what the routing table takes, and a Status into a
// code and a text. Nothing is thrown out of here.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/assign.h"
#include "models/base/c_seam.h"
#include "models/base/caller_struct.h"
#include "models/base/clock.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/c_api/request_attributes.h"
#include "router/events/event_id.h"
#include "router/events/exposure_json.h"
#include "router/experiment/attribute_value.h"
#include "router/experiment/attributes_with_unit.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/document.h"
#include "router/experiment/read_experiments.h"
#include "router/experiment/routing_table.h"
#include "router/experiment/utf8.h"
#include "router/experiment/validate.h"

struct espalier_experiments {
  std::shared_ptr<const espalier::RoutingTable> table;
};

struct espalier_event_ids {
  espalier::EventIdGenerator generator;
};

namespace espalier {
namespace {

static_assert(sizeof(espalier_assignment::unit) > kMaxTextBytes);

// What the structs had in the first version.
constexpr size_t kFirstRequestSize =
    offsetof(espalier_request, num_attributes) + sizeof(espalier_request::num_attributes);
constexpr size_t kFirstAssignmentSize =
    offsetof(espalier_assignment, unit) + sizeof(espalier_assignment::unit);
constexpr size_t kFirstAnswerSize =
    offsetof(espalier_answer, num_features) + sizeof(espalier_answer::num_features);
constexpr size_t kFirstInfoSize =
    offsetof(espalier_experiment_info, num_variants) + sizeof(espalier_experiment_info::num_variants);

thread_local ErrorText last_error;

template <typename Body>
espalier_status Guarded(Body body) noexcept {
  return GuardedCall(last_error, std::move(body));
}

using Documents = std::vector<espalier::v1::Experiment>;

absl::Status SetExperiments(absl::StatusOr<Documents> documents, std::string_view name,
                            espalier_experiments** experiments) {
  ESPALIER_RETURN_IF_ERROR(documents.status());
  auto made = std::make_unique<espalier_experiments>();
  absl::StatusOr<std::shared_ptr<const RoutingTable>> table = RoutingTable::Create(*documents);
  if (!table.ok()) return Annotate(table.status(), name);
  made->table = *std::move(table);
  *experiments = made.release();
  return absl::OkStatus();
}

absl::Status CheckExperiments(const espalier_experiments* experiments) {
  return experiments == nullptr ? InvalidArgument("experiments is NULL") : absl::OkStatus();
}

int64_t TimeOf(int64_t now_micros) { return now_micros == 0 ? RealClock().UnixMicros() : now_micros; }

absl::Status CheckRequestId(std::string_view id) {
  if (id.size() <= kMaxRequestIdBytes && IsUtf8(id)) return absl::OkStatus();
  return InvalidArgument("request_id has ", id.size(), " bytes; valid UTF-8 of at most ", kMaxRequestIdBytes,
                         " bytes is needed");
}

// The server always has an event id; without one, every request of this kind would get one and the same
// variant.
absl::Status CheckFallback(const ModelRoute& route, const AttributeSource& attributes, int64_t now_micros) {
  for (const auto& experiment : route.experiments()) {
    if (experiment->document().unit().fallback().empty()) continue;
    if (!experiment->assigner().Closed(now_micros).empty()) continue;
    NumberBuffer buffer;
    if (!AttributeText(attributes.Find(experiment->unit_attribute()), buffer).value_or("").empty()) continue;
    return InvalidArgument("the request has no unit ('", experiment->unit_attribute(),
                           "'), and neither a request_id nor an event_id, by one of which experiment \"",
                           experiment->key(), "\" assigns it then");
  }
  return absl::OkStatus();
}

void FillEnrolled(const CompiledExperiment& experiment, espalier_assignment& out) {
  out.enrolled = 1;
  out.config_version = experiment.config_version();
  out.experiment = experiment.key().c_str();
  out.model = experiment.model().c_str();
  out.probabilities = experiment.probabilities_json().c_str();
  out.control = experiment.control().key.c_str();
  out.control_version = experiment.control().backend.version;
  out.serve_control_on_error = experiment.on_variant_error() == OnVariantError::kServeControl ? 1 : 0;
}

void Fill(const Assignment& assignment, espalier_assignment& out) {
  if (assignment.experiment != nullptr) FillEnrolled(*assignment.experiment, out);
  out.bucket = assignment.unit.empty() ? -1 : static_cast<int32_t>(assignment.bucket);
  out.layer_slot = assignment.layer_slot;
  out.variant = assignment.variant->key.c_str();
  out.version = assignment.variant->backend.version;
  // Static storage, of literals.
  out.reason = assignment.explanation.data();
  out.unit_size = assignment.unit.size();
  std::copy(assignment.unit.begin(), assignment.unit.end(), out.unit);
}

absl::Status Decide(const ModelRoute& route, const espalier_request& request, espalier_assignment& out) {
  const std::string_view request_id = CallerText(request.request_id, request.request_id_size);
  ESPALIER_RETURN_IF_ERROR(CheckRequestId(request_id));
  ESPALIER_ASSIGN_OR_RETURN(const RequestAttributes given, RequestAttributes::Create(request));
  const AttributesWithUnit attributes(route, CallerText(request.unit, request.unit_size), given);
  if (request_id.empty() && request.event_id == 0) {
    ESPALIER_RETURN_IF_ERROR(CheckFallback(route, attributes, out.now_micros));
  }
  Assignment assignment;
  route.Assign(attributes, request_id, request.event_id, out.now_micros, assignment);
  ESPALIER_RETURN_IF_ERROR(route.CheckUnit(assignment.unit));
  Fill(assignment, out);
  return absl::OkStatus();
}

absl::Status Assign(const espalier_experiments* experiments, const espalier_request* request,
                    espalier_assignment* assignment) {
  ESPALIER_RETURN_IF_ERROR(CheckExperiments(experiments));
  ESPALIER_ASSIGN_OR_RETURN(const espalier_request read,
                            CopyIn("espalier_request", request, kFirstRequestSize));
  if (read.model == nullptr) return InvalidArgument("espalier_request.model is NULL");
  if (read.event_id > kMaxEventId) {
    return InvalidArgument("espalier_request.event_id is ", read.event_id, ", must be at most ", kMaxEventId);
  }
  espalier_assignment decided = {};
  decided.bucket = -1;
  decided.layer_slot = -1;
  decided.reason = "not enrolled: no experiment";
  decided.event_id = read.event_id;
  decided.now_micros = TimeOf(read.now_micros);
  const ModelRoute* const route = experiments->table->Find(read.model);
  if (route != nullptr) ESPALIER_RETURN_IF_ERROR(Decide(*route, read, decided));
  return CopyOut("espalier_assignment", decided, assignment, kFirstAssignmentSize);
}

std::optional<AssignmentReason> ReasonOf(std::string_view name) {
  for (const AssignmentReason reason : {AssignmentReason::kHash, AssignmentReason::kOverride,
                                        AssignmentReason::kBandit, AssignmentReason::kUnitless}) {
    if (name == AssignmentReasonName(reason)) return reason;
  }
  return std::nullopt;
}

absl::StatusOr<Exposure> ExposureOf(const espalier_assignment& assignment) {
  if (assignment.enrolled != 1) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "the unit is not enrolled: there is no exposure to log");
  }
  if (assignment.event_id == 0) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 "the assignment has no event id; set espalier_request.event_id");
  }
  for (const char* text : {assignment.experiment, assignment.variant, assignment.reason, assignment.model,
                           assignment.probabilities, assignment.control}) {
    if (text == nullptr) return InvalidArgument("espalier_assignment is none of espalier_experiments_assign");
  }
  const std::optional<AssignmentReason> reason = ReasonOf(assignment.reason);
  if (!reason.has_value() || assignment.unit_size > kMaxTextBytes || assignment.bucket < 0) {
    return InvalidArgument("espalier_assignment is none of espalier_experiments_assign");
  }
  return Exposure{.event_id = assignment.event_id,
                  .time_micros = assignment.now_micros,
                  .experiment = assignment.experiment,
                  .config_version = assignment.config_version,
                  .unit = {assignment.unit, assignment.unit_size},
                  .bucket = static_cast<uint32_t>(assignment.bucket),
                  .layer_slot = assignment.layer_slot,
                  .probabilities = assignment.probabilities,
                  .variant_assigned = assignment.variant,
                  .variant_served = assignment.variant,
                  .reason = *reason,
                  .model = assignment.model,
                  .model_version = assignment.version};
}

absl::StatusOr<std::span<const std::byte>> FloatBytes(std::string_view name, const float* floats,
                                                      size_t count) {
  if (floats == nullptr && count != 0) return InvalidArgument("espalier_answer.", name, " is NULL");
  if (count > std::numeric_limits<ptrdiff_t>::max() / sizeof(float)) {
    return InvalidArgument("espalier_answer.num_", name, " is ", count, ", which is too large");
  }
  return std::as_bytes(std::span(floats, count));
}

absl::Status AddAnswer(const espalier_assignment& assignment, const espalier_answer& answer,
                       Exposure& exposure) {
  if (answer.served_control != 0 && answer.status != 0) {
    return InvalidArgument("espalier_answer.served_control is ", answer.served_control, " and status is ",
                           answer.status, ", but either the control answered or nothing did");
  }
  if (answer.served_control != 0 && exposure.variant_assigned != assignment.control) {
    exposure.variant_served = assignment.control;
    exposure.model_version = assignment.control_version;
    exposure.reason = ReasonServedByControl(exposure.reason);
  }
  if (answer.status != 0) exposure.model_version = 0;
  if (answer.sha256 != nullptr) exposure.sha256 = answer.sha256;
  exposure.rows = answer.rows;
  exposure.latency_micros = answer.latency_micros;
  exposure.status = answer.status;
  ESPALIER_ASSIGN_OR_RETURN(exposure.scores, FloatBytes("scores", answer.scores, answer.num_scores));
  ESPALIER_ASSIGN_OR_RETURN(exposure.features, FloatBytes("features", answer.features, answer.num_features));
  return absl::OkStatus();
}

absl::Status WriteText(std::string_view text, char* out, size_t out_size, size_t* size) {
  *size = text.size();
  if (out_size <= text.size()) {
    return Error(absl::StatusCode::kOutOfRange, "out_size is ", out_size, ", ", text.size() + 1,
                 " bytes are needed");
  }
  if (out == nullptr) return InvalidArgument("out is NULL");
  std::copy(text.begin(), text.end(), out);
  out[text.size()] = '\0';
  return absl::OkStatus();
}

absl::Status WriteExposure(const espalier_assignment* assignment, const espalier_answer* answer, char* out,
                           size_t out_size, size_t* size) {
  if (size == nullptr) return InvalidArgument("size is NULL");
  *size = 0;
  ESPALIER_ASSIGN_OR_RETURN(const espalier_assignment read,
                            CopyIn("espalier_assignment", assignment, kFirstAssignmentSize));
  ESPALIER_ASSIGN_OR_RETURN(Exposure exposure, ExposureOf(read));
  if (answer != nullptr) {
    ESPALIER_ASSIGN_OR_RETURN(const espalier_answer given,
                              CopyIn("espalier_answer", answer, kFirstAnswerSize));
    ESPALIER_RETURN_IF_ERROR(AddAnswer(read, given, exposure));
  }
  return WriteText(ExposureJson(exposure), out, out_size, size);
}

espalier_experiment_info Describe(const CompiledExperiment& experiment) {
  espalier_experiment_info info = {};
  info.experiment = experiment.key().c_str();
  info.model = experiment.model().c_str();
  info.state = experiment.state().c_str();
  info.unit_attribute = experiment.unit_attribute().c_str();
  info.config_version = experiment.config_version();
  info.num_variants = static_cast<uint32_t>(experiment.variants().size());
  return info;
}

}  // namespace
}  // namespace espalier

using espalier::CheckExperiments;
using espalier::Guarded;
using espalier::InvalidArgument;

const char* espalier_assign_version(void) { return ESPALIER_VERSION; }

const char* espalier_assign_error(void) { return espalier::last_error.text; }

espalier_status espalier_experiments_load(const char* path, espalier_experiments** experiments) {
  return Guarded([&]() -> absl::Status {
    if (experiments == nullptr) return InvalidArgument("experiments is NULL");
    *experiments = nullptr;
    if (path == nullptr) return InvalidArgument("path is NULL");
    return espalier::SetExperiments(espalier::ReadExperiments(path, espalier::Together::kChecked), path,
                                    experiments);
  });
}

espalier_status espalier_experiments_load_memory(const void* bytes, size_t size, const char* name,
                                                 espalier_experiments** experiments) {
  return Guarded([&]() -> absl::Status {
    if (experiments == nullptr) return InvalidArgument("experiments is NULL");
    *experiments = nullptr;
    if (bytes == nullptr) return InvalidArgument("bytes is NULL");
    if (name == nullptr) return InvalidArgument("name is NULL");
    return espalier::SetExperiments(espalier::ParseExperiments({static_cast<const char*>(bytes), size}, name),
                                    name, experiments);
  });
}

void espalier_experiments_free(espalier_experiments* experiments) { delete experiments; }

size_t espalier_experiments_count(const espalier_experiments* experiments) {
  return experiments == nullptr ? 0 : experiments->table->experiments().size();
}

espalier_status espalier_experiments_describe(const espalier_experiments* experiments, size_t index,
                                              espalier_experiment_info* info) {
  return Guarded([&]() -> absl::Status {
    ESPALIER_RETURN_IF_ERROR(CheckExperiments(experiments));
    const auto& all = experiments->table->experiments();
    if (index >= all.size()) return InvalidArgument("index is ", index, ", there are ", all.size());
    return espalier::CopyOut("espalier_experiment_info", espalier::Describe(*all[index]), info,
                             espalier::kFirstInfoSize);
  });
}

espalier_status espalier_experiments_assign(const espalier_experiments* experiments,
                                            const espalier_request* request,
                                            espalier_assignment* assignment) {
  return Guarded([&] { return espalier::Assign(experiments, request, assignment); });
}

espalier_status espalier_exposure_json(const espalier_assignment* assignment, const espalier_answer* answer,
                                       char* out, size_t out_size, size_t* size) {
  return Guarded([&] { return espalier::WriteExposure(assignment, answer, out, out_size, size); });
}

espalier_status espalier_event_ids_create(uint32_t front, uint64_t last_id, espalier_event_ids** ids) {
  return Guarded([&]() -> absl::Status {
    if (ids == nullptr) return InvalidArgument("ids is NULL");
    *ids = nullptr;
    if (front > espalier::kMaxFrontNumber) {
      return InvalidArgument("front is ", front, ", must be at most ", espalier::kMaxFrontNumber);
    }
    if (last_id > espalier::kMaxEventId) {
      return InvalidArgument("last_id is ", last_id, ", must be at most ", espalier::kMaxEventId);
    }
    *ids = new espalier_event_ids{espalier::EventIdGenerator(front, last_id)};
    return absl::OkStatus();
  });
}

void espalier_event_ids_free(espalier_event_ids* ids) { delete ids; }

espalier_status espalier_event_ids_next(espalier_event_ids* ids, int64_t now_micros, uint64_t* event_id) {
  return Guarded([&]() -> absl::Status {
    if (event_id == nullptr) return InvalidArgument("event_id is NULL");
    *event_id = 0;
    if (ids == nullptr) return InvalidArgument("ids is NULL");
    *event_id = ids->generator.Next(espalier::TimeOf(now_micros));
    return absl::OkStatus();
  });
}
