#include "services/events/sqlite_event_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/events/event_writer.h"
#include "services/events/events_schema.h"

namespace espalier {
namespace {

// Exposures of one queue in one transaction.
constexpr size_t kExposuresPerRead = 8192;
// The writer waits this much less when a queue is more than a quarter full.
constexpr int kHurry = 16;

}  // namespace

// DATA/events.lock, locked while the log is open: two writers would give one event id twice.
class SqliteEventLog::LockFile {
 public:
  static absl::StatusOr<std::unique_ptr<LockFile>> Acquire(const std::string& directory) {
    const std::string path = (std::filesystem::path(directory) / "events.lock").string();
    const int fd = open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
    if (fd < 0) {
      return Error(absl::StatusCode::kFailedPrecondition, path, ": cannot be opened: ", strerror(errno));
    }
    auto file = std::make_unique<LockFile>(fd);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      return Error(absl::StatusCode::kFailedPrecondition, directory,
                   ": another espalier writes its events here");
    }
    return file;
  }

  explicit LockFile(int fd) : fd_(fd) {}
  ~LockFile() { close(fd_); }
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  const int fd_;
};

absl::StatusOr<std::unique_ptr<SqliteEventLog>> SqliteEventLog::Open(SqliteEventLogOptions options) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error) {
    return Error(absl::StatusCode::kFailedPrecondition, options.directory,
                 ": cannot be created: ", error.message());
  }
  ESPALIER_ASSIGN_OR_RETURN(std::unique_ptr<LockFile> lock_file, LockFile::Acquire(options.directory));
  ESPALIER_ASSIGN_OR_RETURN(EventWriter writer,
                            EventWriter::Open(EventsPath(options.directory), options.max_pages));
  ESPALIER_ASSIGN_OR_RETURN(const uint64_t last_event_id, writer.LastEventId());
  auto log = std::unique_ptr<SqliteEventLog>(
      new SqliteEventLog(std::move(options), std::move(lock_file),
                         std::make_unique<EventWriter>(std::move(writer)), last_event_id));
  log->thread_ = std::thread([self = log.get()] { self->WriterLoop(); });
  return log;
}

SqliteEventLog::SqliteEventLog(SqliteEventLogOptions options, std::unique_ptr<LockFile> lock_file,
                               std::unique_ptr<EventWriter> writer, uint64_t last_event_id)
    : options_(std::move(options)),
      lock_file_(std::move(lock_file)),
      writer_(std::move(writer)),
      last_event_id_(last_event_id) {}

SqliteEventLog::~SqliteEventLog() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

ExposureQueue& SqliteEventLog::NewQueue() {
  auto queue = std::make_unique<ExposureQueue>(options_.queue_bytes);
  MutexLock lock(mutex_);
  return *queues_.emplace_back(std::move(queue));
}

void SqliteEventLog::Report(std::vector<Outcome> outcomes,
                            std::function<void(std::vector<absl::Status>)> done) {
  const size_t size = outcomes.size();
  {
    MutexLock lock(mutex_);
    if (!stopping_ && waiting_outcomes_ + size <= options_.max_waiting_outcomes) {
      waiting_outcomes_ += size;
      reports_.push_back({std::move(outcomes), std::move(done), {}});
      wake_.notify_one();
      return;
    }
  }
  outcomes_refused_ += size;
  done(std::vector<absl::Status>(
      size, Error(absl::StatusCode::kResourceExhausted, "the event log cannot keep up: more than ",
                  options_.max_waiting_outcomes, " outcomes wait")));
}

absl::Status SqliteEventLog::Flush() {
  MutexLock lock(mutex_);
  const uint64_t wanted = ++wanted_turn_;
  wake_.notify_one();
  lock.Wait(turned_, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return finished_turn_ >= wanted; });
  return turn_status_;
}

EventCounts SqliteEventLog::counts() const {
  EventCounts counts;
  counts.exposures = exposures_;
  counts.exposures_lost = exposures_repeated_;
  counts.outcomes_accepted = outcomes_accepted_;
  counts.outcomes_refused = outcomes_refused_;
  MutexLock lock(mutex_);
  for (const std::unique_ptr<ExposureQueue>& queue : queues_) counts.exposures_lost += queue->lost();
  return counts;
}

void SqliteEventLog::WriterLoop() {
  std::chrono::milliseconds wait = options_.interval;
  while (true) {
    Turn turn = NextTurn(wait);
    const absl::Status status = Write(turn);
    Answer(turn.reports, status);
    {
      MutexLock lock(mutex_);
      finished_turn_ = turn.number;
      turn_status_ = status;
    }
    turned_.notify_all();
    if (turn.last) return;
    wait = status.ok() && QueuesFillUp(turn) ? options_.interval / kHurry : options_.interval;
  }
}

SqliteEventLog::Turn SqliteEventLog::NextTurn(std::chrono::milliseconds wait) {
  Turn turn;
  MutexLock lock(mutex_);
  lock.WaitFor(wake_, wait, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return stopping_ || !reports_.empty() || wanted_turn_ > finished_turn_;
  });
  turn.reports.swap(reports_);
  for (const WaitingReport& report : turn.reports) waiting_outcomes_ -= report.outcomes.size();
  for (const std::unique_ptr<ExposureQueue>& queue : queues_) turn.queues.push_back(queue.get());
  turn.number = wanted_turn_;
  turn.last = stopping_;
  return turn;
}

absl::Status SqliteEventLog::Write(Turn& turn) {
  for (const ExposureQueue* queue : turn.queues) {
    turn.marks.push_back(queue->Mark());
    turn.busiest_bytes = std::max(turn.busiest_bytes, queue->waiting_bytes());
  }
  if (turn.reports.empty() && turn.busiest_bytes == 0) return absl::OkStatus();
  bool more = true;
  while (more) {
    const absl::Status status = WriteTransaction(turn, more);
    if (!status.ok()) {
      writer_->Rollback();
      for (ExposureQueue* queue : turn.queues) queue->Rewind();
      return status;
    }
  }
  return absl::OkStatus();
}

// One transaction: exposures, and once the queues are read the outcomes, so that each finds its exposure.
absl::Status SqliteEventLog::WriteTransaction(Turn& turn, bool& more) {
  ESPALIER_RETURN_IF_ERROR(writer_->Begin());
  more = false;
  uint64_t written = 0;
  uint64_t repeated = 0;
  absl::Status status;
  const std::function<void(const Exposure&)> append = [&](const Exposure& exposure) {
    if (!status.ok()) return;
    const absl::StatusOr<bool> inserted = writer_->Append(exposure);
    status.Update(inserted.status());
    if (inserted.ok()) ++(*inserted ? written : repeated);
  };
  for (size_t i = 0; i < turn.queues.size(); ++i) {
    if (turn.queues[i]->HasRead(turn.marks[i])) continue;
    turn.queues[i]->Read(kExposuresPerRead, append);
    more |= !turn.queues[i]->HasRead(turn.marks[i]);
    ESPALIER_RETURN_IF_ERROR(status);
  }
  if (!more) ESPALIER_RETURN_IF_ERROR(ApplyOutcomes(turn.reports));
  ESPALIER_RETURN_IF_ERROR(writer_->Commit());
  for (ExposureQueue* queue : turn.queues) queue->Release();
  exposures_ += written;
  exposures_repeated_ += repeated;
  return absl::OkStatus();
}

absl::Status SqliteEventLog::ApplyOutcomes(std::vector<WaitingReport>& reports) {
  const int64_t arrival_micros = options_.clock->UnixMicros();
  for (WaitingReport& report : reports) {
    report.statuses.reserve(report.outcomes.size());
    for (const Outcome& outcome : report.outcomes) {
      ESPALIER_ASSIGN_OR_RETURN(absl::Status applied,
                                writer_->Apply(outcome, arrival_micros, options_.window_micros));
      report.statuses.push_back(std::move(applied));
    }
  }
  return absl::OkStatus();
}

// Only after the commit: an answer says what is on disk.
void SqliteEventLog::Answer(std::vector<WaitingReport>& reports, const absl::Status& turn_status) {
  for (WaitingReport& report : reports) {
    if (!turn_status.ok()) {
      report.statuses.assign(
          report.outcomes.size(),
          Error(absl::StatusCode::kResourceExhausted, "the event log cannot write: ", Message(turn_status)));
    }
    for (const absl::Status& status : report.statuses)
      ++(status.ok() ? outcomes_accepted_ : outcomes_refused_);
    report.done(std::move(report.statuses));
  }
}

bool SqliteEventLog::QueuesFillUp(const Turn& turn) const {
  return turn.busiest_bytes > options_.queue_bytes / 4;
}

}  // namespace espalier
