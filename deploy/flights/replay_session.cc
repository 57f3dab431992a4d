#include "deploy/flights/replay_session.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr std::chrono::seconds kDeadline{20};

const std::string& StringParameter(const inference::ModelInferResponse& response, const std::string& name) {
  static const std::string kAbsent;
  const auto found = response.parameters().find(name);
  return found == response.parameters().end() ? kAbsent : found->second.string_param();
}

absl::Status FromGrpc(const grpc::Status& status) {
  return Error(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace

// One call under way: the completion queue's tag.
struct ReplaySession::Call {
  virtual ~Call() = default;
  virtual void Done(ReplaySession& session) = 0;

  grpc::ClientContext context;
  grpc::Status status;
};

struct ReplaySession::InferCall final : Call {
  void Done(ReplaySession& session) override {
    const std::string& id = session.table_.flights[flight].id;
    if (!session.Acceptable(status, id)) return;
    Answer& answer = session.answers_[flight];
    answer.event_id = StringParameter(response, "espalier_event_id");
    answer.variant = StringParameter(response, "espalier_variant");
    answer.version = response.model_version();
    if (answer.event_id.empty() || response.id() != id || response.raw_output_contents_size() != 1 ||
        response.raw_output_contents(0).size() != sizeof(float)) {
      session.Fail(Error(absl::StatusCode::kInternal, id,
                         ": the answer is not one score of an exposure: ", response.ShortDebugString()));
      return;
    }
    std::memcpy(&answer.score, response.raw_output_contents(0).data(), sizeof(float));
  }

  size_t flight = 0;
  inference::ModelInferResponse response;
  std::unique_ptr<grpc::ClientAsyncResponseReader<inference::ModelInferResponse>> reader;
};

struct ReplaySession::ReportCall final : Call {
  void Done(ReplaySession& session) override {
    if (!session.Acceptable(status, "reporting outcomes")) return;
    if (response.results_size() != request.outcomes_size()) {
      session.Fail(Error(absl::StatusCode::kInternal, request.outcomes_size(), " outcomes were reported, ",
                         response.results_size(), " results came back"));
      return;
    }
    for (int i = 0; i < response.results_size(); ++i) {
      const auto& result = response.results(i);
      if (result.code() == 0) {
        ++session.outcomes_acknowledged_;
      } else {
        session.Fail(Error(static_cast<absl::StatusCode>(result.code()), "outcome of event ",
                           request.outcomes(i).event_id(), ": ", result.message()));
      }
    }
  }

  v1::ReportRequest request;
  v1::ReportResponse response;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ReportResponse>> reader;
};

ReplaySession::ReplaySession(Options options, const FlightTable& table)
    : options_(std::move(options)),
      table_(table),
      channel_(grpc::CreateChannel(options_.server, grpc::InsecureChannelCredentials())),
      inference_(inference::GRPCInferenceService::NewStub(channel_)),
      outcomes_(v1::Outcomes::NewStub(channel_)),
      answers_(table.flights.size()) {}

ReplaySession::~ReplaySession() {
  while (pending_ > 0) TakeOne();
}

absl::Status ReplaySession::Ask(size_t flight) {
  while (status_.ok() && pending_ >= options_.in_flight) TakeOne();
  if (!status_.ok()) return status_;
  inference::ModelInferRequest request;
  request.set_model_name(options_.model);
  request.set_id(table_.flights[flight].id);
  const std::string& tail_number = table_.flights[flight].tail_number;
  if (!tail_number.empty()) {
    (*request.mutable_parameters())[options_.unit].set_string_param(tail_number);
  }
  const float* values = table_.row(flight);
  for (size_t i = 0; i < table_.features.size(); ++i) {
    auto* input = request.add_inputs();
    input->set_name(table_.features[i]);
    input->set_datatype("FP32");
    input->add_shape(1);
    request.add_raw_input_contents(&values[i], sizeof(float));
  }
  auto call = std::make_unique<InferCall>();
  call->flight = flight;
  call->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  call->reader = inference_->AsyncModelInfer(&call->context, request, &queue_);
  call->reader->Finish(&call->response, &call->status, call.get());
  static_cast<void>(call.release());  // The queue gives it back.
  ++pending_;
  return absl::OkStatus();
}

absl::Status ReplaySession::Tell(size_t flight) {
  while (status_.ok() && answers_[flight].event_id.empty()) TakeOne();
  if (!status_.ok()) return status_;
  v1::Outcome* outcome = batch_.add_outcomes();
  outcome->set_event_id(answers_[flight].event_id);
  outcome->set_name(options_.outcome);
  outcome->set_value(table_.flights[flight].late);
  if (static_cast<size_t>(batch_.outcomes_size()) >= options_.outcomes_a_report) SendReport();
  return absl::OkStatus();
}

absl::Status ReplaySession::Settle() {
  if (batch_.outcomes_size() > 0) SendReport();
  while (pending_ > 0) TakeOne();
  return status_;
}

void ReplaySession::SendReport() {
  auto call = std::make_unique<ReportCall>();
  call->request = std::exchange(batch_, {});
  call->context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  call->reader = outcomes_->AsyncReport(&call->context, call->request, &queue_);
  call->reader->Finish(&call->response, &call->status, call.get());
  static_cast<void>(call.release());  // The queue gives it back.
  ++pending_;
}

void ReplaySession::TakeOne() {
  void* tag = nullptr;
  bool ok = false;
  if (!queue_.Next(&tag, &ok)) return;
  const std::unique_ptr<Call> call(static_cast<Call*>(tag));
  --pending_;
  call->Done(*this);
}

void ReplaySession::Fail(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

bool ReplaySession::Acceptable(const grpc::Status& status, const std::string& what) {
  if (!status.ok()) Fail(Annotate(FromGrpc(status), what));
  return status.ok();
}

}  // namespace espalier
