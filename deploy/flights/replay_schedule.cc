#include "deploy/flights/replay_schedule.h"

#include <algorithm>
#include <numeric>

namespace espalier {

ReplaySchedule::ReplaySchedule(const std::vector<FlightTimes>& flights)
    : flights_(flights), departures_(flights.size()) {
  std::iota(departures_.begin(), departures_.end(), size_t{0});
  std::stable_sort(departures_.begin(), departures_.end(),
                   [&](size_t a, size_t b) { return flights_[a].departs < flights_[b].departs; });
}

std::optional<ReplayEvent> ReplaySchedule::Next() {
  const bool can_ask = asked_ < departures_.size();
  if (!due_.empty() && (!can_ask || due_.top().first <= flights_[departures_[asked_]].departs)) {
    const auto [time, flight] = due_.top();
    due_.pop();
    return ReplayEvent{ReplayEvent::Kind::kTell, flight, time};
  }
  if (!can_ask) return std::nullopt;
  const size_t flight = departures_[asked_++];
  const FlightTimes& times = flights_[flight];
  due_.emplace(std::max(times.known, times.departs), flight);
  return ReplayEvent{ReplayEvent::Kind::kAsk, flight, times.departs};
}

}  // namespace espalier
