// Which outcomes are taken: the rules of EXPERIMENTS.md, section 3, as pure functions.
#ifndef ESPALIER_SERVICES_EVENTS_OUTCOME_RULES_H_
#define ESPALIER_SERVICES_EVENTS_OUTCOME_RULES_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "router/events/event_log.h"

namespace espalier {

// How far before its exposure an outcome may claim to have happened: clocks of clients differ.
inline constexpr int64_t kOutcomeClockToleranceMicros = 60'000'000;

// What the log knows about the exposure that an outcome names.
struct LoggedExposure {
  int64_t time_micros = 0;
  uint32_t rows = 0;
  // From exposure to outcome; absent: any time.
  std::optional<int64_t> window_micros;
};

// Whether an outcome makes sense by itself: id, name ([a-z0-9_-]{1,64}) and a finite value. INVALID_ARGUMENT.
absl::Status CheckOutcome(const Outcome& outcome);

enum class OutcomeAction { kInsert, kReplace, kNothing };

// What to do with an outcome that passed CheckOutcome; `logged` is absent when no such exposure is known and
// `recorded` is the value that was accepted before for the same event, row and name.
//
// A repetition of the recorded value is kNothing, whenever it comes: a client that lost the answer asks
// again. NOT_FOUND, INVALID_ARGUMENT (row, or a time before the exposure), ALREADY_EXISTS (another value
// without `correct`), FAILED_PRECONDITION (after the window).
absl::Status DecideOutcome(const Outcome& outcome, int64_t arrival_micros,
                           const std::optional<LoggedExposure>& logged, std::optional<double> recorded,
                           OutcomeAction& action);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EVENTS_OUTCOME_RULES_H_
