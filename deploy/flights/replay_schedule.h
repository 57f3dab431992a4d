// The order in which a year of flights happens: a prediction is asked for when a flight is scheduled to
// depart, and its outcome is told when it became known, so that labels are as late as they were in life.
//
//   ReplaySchedule schedule(times);
//   while (auto event = schedule.Next()) { ... }
#ifndef ESPALIER_DEPLOY_FLIGHTS_REPLAY_SCHEDULE_H_
#define ESPALIER_DEPLOY_FLIGHTS_REPLAY_SCHEDULE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

namespace espalier {

// Unix seconds.
struct FlightTimes {
  int64_t departs = 0;
  int64_t known = 0;
};

struct ReplayEvent {
  enum class Kind { kAsk, kTell };
  Kind kind = Kind::kAsk;
  // Index into the times that the schedule was made from.
  size_t flight = 0;
  int64_t time = 0;
};

// Each flight is asked for once and told once, the latter never before the former. Events come in order of
// time; at the same second outcomes come first, as what is known by then, and flights keep their order. Holds
// only the outcomes that are due. Not thread-safe.
class ReplaySchedule {
 public:
  // Flights may come in any order; an outcome that claims to be known before its flight's departure is told
  // right after it was asked for.
  explicit ReplaySchedule(const std::vector<FlightTimes>& flights);

  // Nothing when every flight has been asked for and told.
  std::optional<ReplayEvent> Next();

 private:
  using DueOutcome = std::pair<int64_t, size_t>;

  std::vector<FlightTimes> flights_;
  // Flights in order of departure, and how many of them were asked for.
  std::vector<size_t> departures_;
  size_t asked_ = 0;
  std::priority_queue<DueOutcome, std::vector<DueOutcome>, std::greater<>> due_;
};

}  // namespace espalier

#endif  // ESPALIER_DEPLOY_FLIGHTS_REPLAY_SCHEDULE_H_
