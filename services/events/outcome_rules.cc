#include "services/events/outcome_rules.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/escaping.h"
#include "models/base/strings.h"
#include "router/events/event_id.h"

namespace espalier {
namespace {

constexpr size_t kMaxNameBytes = 64;

bool IsKey(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

absl::Status CheckTime(const Outcome& outcome, int64_t arrival_micros, const LoggedExposure& logged) {
  const int64_t time = outcome.time_micros.value_or(arrival_micros);
  if (outcome.time_micros.has_value() && time < logged.time_micros - kOutcomeClockToleranceMicros) {
    return InvalidArgument("outcome ", outcome.name, " of event ", outcome.event_id, ": event_time is ",
                           (logged.time_micros - time) / 1'000'000, " s before the exposure; at most ",
                           kOutcomeClockToleranceMicros / 1'000'000, " s are allowed");
  }
  if (logged.window_micros.has_value() && time - logged.time_micros > *logged.window_micros) {
    return Error(absl::StatusCode::kFailedPrecondition, "outcome ", outcome.name, " of event ",
                 outcome.event_id, " happened ", (time - logged.time_micros) / 1'000'000,
                 " s after the exposure; the experiment's window is ", *logged.window_micros / 1'000'000,
                 " s");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOutcome(const Outcome& outcome) {
  if (outcome.event_id == 0 || outcome.event_id > kMaxEventId) {
    return InvalidArgument("event_id ", outcome.event_id, " must be 1 to ", kMaxEventId);
  }
  if (!IsKey(outcome.name)) {
    return InvalidArgument("name \"", absl::CEscape(outcome.name.substr(0, kMaxNameBytes)),
                           "\" of an outcome of event ", outcome.event_id, " must match [a-z0-9_-]{1,64}");
  }
  if (!std::isfinite(outcome.value)) {
    return InvalidArgument("value of outcome ", outcome.name, " of event ", outcome.event_id,
                           " must be finite, not ", outcome.value);
  }
  return absl::OkStatus();
}

absl::Status DecideOutcome(const Outcome& outcome, int64_t arrival_micros,
                           const std::optional<LoggedExposure>& logged, std::optional<double> recorded,
                           OutcomeAction& action) {
  action = OutcomeAction::kNothing;
  if (!logged.has_value()) {
    return Error(absl::StatusCode::kNotFound, "event ", outcome.event_id, " is unknown");
  }
  if (outcome.row >= logged->rows) {
    return InvalidArgument("row ", outcome.row, " of event ", outcome.event_id, " must be below ",
                           logged->rows, ", the rows of its request");
  }
  if (recorded == outcome.value) return absl::OkStatus();
  if (recorded.has_value() && !outcome.correct) {
    return Error(absl::StatusCode::kAlreadyExists, "outcome ", outcome.name, " of event ", outcome.event_id,
                 " row ", outcome.row, " is ", *recorded, " already; `correct` replaces it");
  }
  const absl::Status in_time = CheckTime(outcome, arrival_micros, *logged);
  if (in_time.ok()) action = recorded.has_value() ? OutcomeAction::kReplace : OutcomeAction::kInsert;
  return in_time;
}

}  // namespace espalier
