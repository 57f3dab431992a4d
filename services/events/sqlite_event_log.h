// The event log in one SQLite file, DATA/events.db, which any SQLite tool can read while the server runs.
//
//   ESPALIER_ASSIGN_OR_RETURN(std::unique_ptr<SqliteEventLog> log, SqliteEventLog::Open({.directory =
//   data})); ExposureQueue& queue = log->NewQueue();  // one for each request thread
//
// One thread writes. Each of its turns takes what waits in the queues, then the outcome reports that wait,
// into one transaction (WAL, synchronous=FULL: on disk when it returns), and answers the reports when it is
// committed. Outcomes and Flush wake it at once; exposures alone wait for its next turn, so that request
// threads never signal.
//
// When the disk is full or fails, nothing is acknowledged: reports get RESOURCE_EXHAUSTED and exposures stay
// in their queues, which lose and count what no longer fits. Each later turn tries again.
#ifndef ESPALIER_SERVICES_EVENTS_SQLITE_EVENT_LOG_H_
#define ESPALIER_SERVICES_EVENTS_SQLITE_EVENT_LOG_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/base/clock.h"
#include "models/base/mutex.h"
#include "router/events/event_log.h"
#include "router/events/exposure_queue.h"

namespace espalier {

class EventWriter;  // services/events/event_writer.h

struct SqliteEventLogOptions {
  // DATA; created when it is missing.
  std::string directory{};
  // The outcome window of an experiment in microseconds; absent: none. Called on the writer's thread.
  std::function<std::optional<int64_t>(std::string_view experiment)> window_micros{};
  // Room of each queue.
  size_t queue_bytes = size_t{8} << 20;
  // How long an exposure waits at most, while the log keeps up.
  std::chrono::milliseconds interval{200};
  // Outcomes that may wait; reports beyond them are refused at once.
  size_t max_waiting_outcomes = 200'000;
  // A limit on the file in pages of 4 KiB; 0: none.
  int64_t max_pages = 0;
  const Clock* clock = &RealClock();
};

class SqliteEventLog final : public EventLog {
 public:
  // FAILED_PRECONDITION when another process writes there, or when the file is not an event log of this
  // version.
  static absl::StatusOr<std::unique_ptr<SqliteEventLog>> Open(SqliteEventLogOptions options);

  // Writes what waits and answers every report. Request threads have stopped.
  ~SqliteEventLog() override;

  ExposureQueue& NewQueue() override;

  // As EventLog says; when too many outcomes wait, `done` is called before Report returns.
  void Report(std::vector<Outcome> outcomes, std::function<void(std::vector<absl::Status>)> done) override;

  absl::Status Flush() override;
  EventCounts counts() const override;

  // The greatest event id that the file held when it was opened; ids go on after it.
  uint64_t last_event_id() const { return last_event_id_; }

 private:
  struct WaitingReport {
    std::vector<Outcome> outcomes;
    std::function<void(std::vector<absl::Status>)> done;
    std::vector<absl::Status> statuses;
  };
  // What one turn of the writer has to do.
  struct Turn {
    std::vector<WaitingReport> reports;
    std::vector<ExposureQueue*> queues;
    // How far to read each queue: what came later is the next turn's.
    std::vector<uint64_t> marks;
    // Of the fullest queue, when the turn began.
    size_t busiest_bytes = 0;
    uint64_t number = 0;
    bool last = false;
  };
  class LockFile;

  SqliteEventLog(SqliteEventLogOptions options, std::unique_ptr<LockFile> lock_file,
                 std::unique_ptr<EventWriter> writer, uint64_t last_event_id);

  void WriterLoop();
  Turn NextTurn(std::chrono::milliseconds wait);
  absl::Status Write(Turn& turn);
  absl::Status WriteTransaction(Turn& turn, bool& more);
  absl::Status ApplyOutcomes(std::vector<WaitingReport>& reports);
  void Answer(std::vector<WaitingReport>& reports, const absl::Status& turn_status);
  bool QueuesFillUp(const Turn& turn) const;

  const SqliteEventLogOptions options_;
  const std::unique_ptr<LockFile> lock_file_;
  const std::unique_ptr<EventWriter> writer_;
  const uint64_t last_event_id_;

  std::atomic<uint64_t> exposures_{0};
  std::atomic<uint64_t> exposures_repeated_{0};
  std::atomic<uint64_t> outcomes_accepted_{0};
  std::atomic<uint64_t> outcomes_refused_{0};

  mutable Mutex mutex_;
  CondVar wake_;
  CondVar turned_;
  std::vector<std::unique_ptr<ExposureQueue>> queues_ ABSL_GUARDED_BY(mutex_);
  std::vector<WaitingReport> reports_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_outcomes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Turns are numbered; a Flush waits for a turn that began after it.
  uint64_t wanted_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t finished_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status turn_status_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EVENTS_SQLITE_EVENT_LOG_H_
