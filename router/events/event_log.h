// Where exposures and outcomes go. The request path sees only ExposureQueue; everything else happens behind
// this interface.
#ifndef ESPALIER_ROUTER_EVENTS_EVENT_LOG_H_
#define ESPALIER_ROUTER_EVENTS_EVENT_LOG_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "router/events/exposure_queue.h"

namespace espalier {

// What happened after a prediction.
struct Outcome {
  uint64_t event_id = 0;
  uint32_t row = 0;
  std::string name;
  double value = 0;
  // Microseconds since the epoch; absent: on arrival.
  std::optional<int64_t> time_micros;
  // Replaces an earlier value.
  bool correct = false;
};

struct EventCounts {
  uint64_t exposures = 0;       // written
  uint64_t exposures_lost = 0;  // by a full queue or a log that failed
  uint64_t outcomes_accepted = 0;
  uint64_t outcomes_refused = 0;
};

// Thread-safe, but for the queues (one producer each).
class EventLog {
 public:
  virtual ~EventLog() = default;

  // A queue for one request thread; it lives as long as the log.
  virtual ExposureQueue& NewQueue() = 0;

  // Records outcomes durably and then calls `done`, from the writer's thread, with one status an outcome, in
  // order. An outcome whose exposure still waits in a queue waits for it. RESOURCE_EXHAUSTED for all when the
  // log cannot keep up or its disk is full.
  virtual void Report(std::vector<Outcome> outcomes, std::function<void(std::vector<absl::Status>)> done) = 0;

  // Returns when everything that was enqueued before the call is on disk, or cannot be.
  virtual absl::Status Flush() = 0;

  virtual EventCounts counts() const = 0;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EVENTS_EVENT_LOG_H_
