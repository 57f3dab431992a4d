// Outcome reports between the wire and the log.
//
//   OutcomeReport report = FromProto(request);
//   log.Report(std::move(report.outcomes),
//              [items = std::move(report.items), respond](std::vector<absl::Status> statuses) {
//                respond(ToProto(items, statuses));
//              });
#ifndef ESPALIER_SERVICES_EVENTS_OUTCOME_PROTO_H_
#define ESPALIER_SERVICES_EVENTS_OUTCOME_PROTO_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/espalier/v1/outcomes.pb.h"
#include "router/events/event_log.h"

namespace espalier {

struct OutcomeReport {
  // Those that could be read, in order.
  std::vector<Outcome> outcomes;
  // One an item of the request; what is not OK here is not among `outcomes`.
  std::vector<absl::Status> items;
};

// Reads a request. An item with a malformed event_id or event_time is INVALID_ARGUMENT by itself.
OutcomeReport FromProto(const espalier::v1::ReportRequest& request);

// The answer: for each of the report's `items` its own error, or the next of `statuses`, of which the log
// gave one for each of the report's outcomes.
espalier::v1::ReportResponse ToProto(const std::vector<absl::Status>& items,
                                     const std::vector<absl::Status>& statuses);

// One outcome on the wire; for clients.
espalier::v1::Outcome ToProto(const Outcome& outcome);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EVENTS_OUTCOME_PROTO_H_
