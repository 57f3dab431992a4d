#include "router/events/event_id.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/escaping.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr int kSequenceBits = 12;
constexpr int kFrontBits = 10;
constexpr uint64_t kSequenceMask = (uint64_t{1} << kSequenceBits) - 1;
constexpr uint64_t kTimeAndSequenceMask = (uint64_t{1} << 53) - 1;
// What a message repeats of a malformed id.
constexpr size_t kQuotedBytes = 40;

uint64_t TimeAndSequence(uint64_t event_id) {
  return event_id >> (kSequenceBits + kFrontBits) << kSequenceBits | (event_id & kSequenceMask);
}

}  // namespace

EventIdGenerator::EventIdGenerator(uint32_t front, uint64_t last_id)
    : front_bits_(uint64_t{std::min(front, kMaxFrontNumber)} << kSequenceBits),
      last_(TimeAndSequence(last_id)) {}

uint64_t EventIdGenerator::Next(int64_t now_micros) {
  const uint64_t millis = static_cast<uint64_t>(std::max<int64_t>(now_micros, 0) / 1000);
  const uint64_t now = (millis << kSequenceBits) & kTimeAndSequenceMask;
  uint64_t last = last_.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    next = std::max(last + 1, now);
  } while (!last_.compare_exchange_weak(last, next, std::memory_order_relaxed));
  return next >> kSequenceBits << (kSequenceBits + kFrontBits) | front_bits_ | (next & kSequenceMask);
}

absl::StatusOr<uint64_t> ParseEventId(std::string_view text) {
  uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, id);
  if (text.empty() || text.front() == '0' || error != std::errc() || parsed != end || id > kMaxEventId) {
    return InvalidArgument("event_id \"", absl::CEscape(ToAbsl(text.substr(0, kQuotedBytes))),
                           "\" must be a decimal number of 1 to 9223372036854775807, as in the reply's "
                           "espalier_event_id");
  }
  return id;
}

}  // namespace espalier
