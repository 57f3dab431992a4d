// Event ids: time-ordered 63-bit numbers, unique across fronts, that name one exposure each.
//
//   bits 62..22  milliseconds since the Unix epoch (41 bits: until September 2039)
//   bits 21..12  the number of the front that made it (10 bits)
//   bits 11..0   sequence (12 bits)
//
//   EventIdGenerator ids(/*front=*/3);
//   const uint64_t id = ids.Next(clock.UnixMicros());
#ifndef ESPALIER_ROUTER_EVENTS_EVENT_ID_H_
#define ESPALIER_ROUTER_EVENTS_EVENT_ID_H_

#include <atomic>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace espalier {

inline constexpr uint32_t kMaxFrontNumber = 1023;
inline constexpr uint64_t kMaxEventId = (uint64_t{1} << 63) - 1;

// Makes the event ids of one front. Thread-safe and lock-free.
//
// Each id is greater than every earlier one of the same generator, whatever the clock does: when it stands
// still or steps back the sequence goes on, and when 4,096 ids were made in a millisecond the next ones
// borrow from the milliseconds to come.
class EventIdGenerator {
 public:
  // `front` is at most kMaxFrontNumber, and unique among the fronts that write to one log. After a restart
  // `last_id` is the greatest id in the log (0: none), so that a clock that was set back meanwhile does not
  // repeat ids.
  explicit EventIdGenerator(uint32_t front, uint64_t last_id = 0);

  // The next id; `now_micros` since the Unix epoch.
  uint64_t Next(int64_t now_micros);

 private:
  const uint64_t front_bits_;
  // Milliseconds and sequence of the last id, side by side (53 bits), so that an overflow of one carries into
  // the other.
  std::atomic<uint64_t> last_;
};

// When the id was made, to the millisecond, in microseconds since the Unix epoch.
constexpr int64_t EventIdTimeMicros(uint64_t event_id) { return static_cast<int64_t>(event_id >> 22) * 1000; }

constexpr uint32_t EventIdFront(uint64_t event_id) { return (event_id >> 12) & kMaxFrontNumber; }

// Reads an id as replies carry it: decimal digits without sign, blanks or leading zeros, 1 .. 2^63-1.
// INVALID_ARGUMENT for anything else.
absl::StatusOr<uint64_t> ParseEventId(std::string_view text);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EVENTS_EVENT_ID_H_
