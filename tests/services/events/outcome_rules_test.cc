#include "services/events/outcome_rules.h"

#include <cmath>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

constexpr int64_t kHour = 3'600'000'000;
const LoggedExposure kLogged = {.time_micros = kStartMicros, .rows = 2, .window_micros = 24 * kHour};

struct Decision {
  absl::StatusCode code;
  OutcomeAction action;
  bool operator==(const Decision&) const = default;
};

Decision Decide(const Outcome& outcome, int64_t arrival_micros = kStartMicros + kHour,
                std::optional<double> recorded = std::nullopt,
                std::optional<LoggedExposure> logged = kLogged) {
  OutcomeAction action;
  const absl::Status status = DecideOutcome(outcome, arrival_micros, logged, recorded, action);
  return {status.code(), action};
}

constexpr Decision kInserted = {absl::StatusCode::kOk, OutcomeAction::kInsert};
constexpr Decision kReplaced = {absl::StatusCode::kOk, OutcomeAction::kReplace};
constexpr Decision kRepeated = {absl::StatusCode::kOk, OutcomeAction::kNothing};
constexpr Decision Refused(absl::StatusCode code) { return {code, OutcomeAction::kNothing}; }

TEST(OutcomeRulesTest, MalformedOutcomesAreInvalid) {
  EXPECT_TRUE(CheckOutcome(MakeOutcome(1)).ok());
  EXPECT_TRUE(CheckOutcome(MakeOutcome(1, -0.0, std::string(64, 'a'))).ok());
  EXPECT_TRUE(CheckOutcome(MakeOutcome(1, 1e308, "a-b_9")).ok());
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -HUGE_VAL}) {
    EXPECT_EQ(CheckOutcome(MakeOutcome(1, bad)).code(), absl::StatusCode::kInvalidArgument);
  }
  for (const char* bad : {"", "Late", "a b", "a.b", "\xc3\xa4"}) {
    EXPECT_EQ(CheckOutcome(MakeOutcome(1, 1, bad)).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(CheckOutcome(MakeOutcome(1, 1, std::string(65, 'a'))).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckOutcome(MakeOutcome(0)).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckOutcome(MakeOutcome(uint64_t{1} << 63)).code(), absl::StatusCode::kInvalidArgument);
}

TEST(OutcomeRulesTest, UnknownEventIsNotFound) {
  EXPECT_EQ(Decide(MakeOutcome(1), kStartMicros, std::nullopt, std::nullopt),
            Refused(absl::StatusCode::kNotFound));
}

TEST(OutcomeRulesTest, RowIsBelowTheRowsOfTheRequest) {
  Outcome outcome = MakeOutcome(1);
  outcome.row = 1;
  EXPECT_EQ(Decide(outcome), kInserted);
  outcome.row = 2;
  EXPECT_EQ(Decide(outcome), Refused(absl::StatusCode::kInvalidArgument));
}

TEST(OutcomeRulesTest, SameValueAgainIsFineWheneverItComes) {
  EXPECT_EQ(Decide(MakeOutcome(1, 3), kStartMicros + kHour, 3), kRepeated);
  EXPECT_EQ(Decide(MakeOutcome(1, 3), kStartMicros + 100 * kHour, 3), kRepeated);
}

TEST(OutcomeRulesTest, AnotherValueNeedsCorrect) {
  Outcome outcome = MakeOutcome(1, 4);
  EXPECT_EQ(Decide(outcome, kStartMicros + kHour, 3), Refused(absl::StatusCode::kAlreadyExists));
  outcome.correct = true;
  EXPECT_EQ(Decide(outcome, kStartMicros + kHour, 3), kReplaced);
  EXPECT_EQ(Decide(outcome), kInserted);
}

TEST(OutcomeRulesTest, WindowRunsFromTheExposureToTheEvent) {
  Outcome outcome = MakeOutcome(1);
  EXPECT_EQ(Decide(outcome, kStartMicros + 24 * kHour), kInserted);
  EXPECT_EQ(Decide(outcome, kStartMicros + 24 * kHour + 1), Refused(absl::StatusCode::kFailedPrecondition));
  outcome.time_micros = kStartMicros + 23 * kHour;
  EXPECT_EQ(Decide(outcome, kStartMicros + 48 * kHour), kInserted);
  outcome.time_micros = kStartMicros + 25 * kHour;
  EXPECT_EQ(Decide(outcome), Refused(absl::StatusCode::kFailedPrecondition));
  LoggedExposure without_window = kLogged;
  without_window.window_micros.reset();
  EXPECT_EQ(Decide(outcome, kStartMicros, std::nullopt, without_window), kInserted);
}

TEST(OutcomeRulesTest, CorrectionAfterTheWindowIsRefused) {
  Outcome outcome = MakeOutcome(1, 4);
  outcome.correct = true;
  EXPECT_EQ(Decide(outcome, kStartMicros + 25 * kHour, 3), Refused(absl::StatusCode::kFailedPrecondition));
}

TEST(OutcomeRulesTest, AnOutcomeDoesNotPrecedeItsExposure) {
  Outcome outcome = MakeOutcome(1);
  outcome.time_micros = kStartMicros - kOutcomeClockToleranceMicros;
  EXPECT_EQ(Decide(outcome), kInserted);
  outcome.time_micros = *outcome.time_micros - 1;
  EXPECT_EQ(Decide(outcome), Refused(absl::StatusCode::kInvalidArgument));
  // A clock that stepped back between exposure and arrival is not the client's fault.
  EXPECT_EQ(Decide(MakeOutcome(1), kStartMicros - kHour), kInserted);
}

}  // namespace
}  // namespace espalier
