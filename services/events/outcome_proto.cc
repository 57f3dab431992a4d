#include "services/events/outcome_proto.h"

#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/events/event_id.h"

namespace espalier {
namespace {

// Years 1 to 9999, the range of google.protobuf.Timestamp.
constexpr int64_t kMinSeconds = -62'135'596'800;
constexpr int64_t kMaxSeconds = 253'402'300'799;
constexpr int32_t kNanosPerSecond = 1'000'000'000;

absl::StatusOr<int64_t> ReadTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() < kMinSeconds || time.seconds() > kMaxSeconds || time.nanos() < 0 ||
      time.nanos() >= kNanosPerSecond) {
    return InvalidArgument("event_time {seconds: ", time.seconds(), ", nanos: ", time.nanos(),
                           "} must lie in the years 1 to 9999, with nanos of 0 to 999999999");
  }
  return time.seconds() * 1'000'000 + time.nanos() / 1000;
}

absl::StatusOr<Outcome> ReadOutcome(const espalier::v1::Outcome& message) {
  Outcome outcome;
  ESPALIER_ASSIGN_OR_RETURN(outcome.event_id, ParseEventId(message.event_id()));
  if (message.has_event_time()) {
    ESPALIER_ASSIGN_OR_RETURN(outcome.time_micros, ReadTime(message.event_time()));
  }
  outcome.row = message.row();
  outcome.name = message.name();
  outcome.value = message.value();
  outcome.correct = message.correct();
  return outcome;
}

void WriteStatus(const absl::Status& status, google::rpc::Status& message) {
  message.set_code(static_cast<int>(status.code()));
  message.set_message(std::string(Message(status)));
}

}  // namespace

OutcomeReport FromProto(const espalier::v1::ReportRequest& request) {
  OutcomeReport report;
  report.outcomes.reserve(request.outcomes_size());
  report.items.reserve(request.outcomes_size());
  for (const espalier::v1::Outcome& message : request.outcomes()) {
    absl::StatusOr<Outcome> outcome = ReadOutcome(message);
    report.items.push_back(outcome.status());
    if (outcome.ok()) report.outcomes.push_back(*std::move(outcome));
  }
  return report;
}

espalier::v1::ReportResponse ToProto(const std::vector<absl::Status>& items,
                                     const std::vector<absl::Status>& statuses) {
  espalier::v1::ReportResponse response;
  auto next = statuses.begin();
  for (const absl::Status& item : items) {
    if (!item.ok()) {
      WriteStatus(item, *response.add_results());
    } else if (next != statuses.end()) {
      WriteStatus(*next++, *response.add_results());
    } else {
      // Never an OK that the log did not give.
      WriteStatus(absl::InternalError("the log gave no answer"), *response.add_results());
    }
  }
  return response;
}

espalier::v1::Outcome ToProto(const Outcome& outcome) {
  espalier::v1::Outcome message;
  message.set_event_id(std::to_string(outcome.event_id));
  message.set_row(outcome.row);
  message.set_name(outcome.name);
  message.set_value(outcome.value);
  message.set_correct(outcome.correct);
  if (outcome.time_micros.has_value()) {
    int64_t seconds = *outcome.time_micros / 1'000'000;
    int64_t micros = *outcome.time_micros % 1'000'000;
    if (micros < 0) {
      --seconds;
      micros += 1'000'000;
    }
    message.mutable_event_time()->set_seconds(seconds);
    message.mutable_event_time()->set_nanos(static_cast<int32_t>(micros * 1000));
  }
  return message;
}

}  // namespace espalier
