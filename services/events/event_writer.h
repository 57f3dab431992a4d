// The write connection of the event log: rows and rules in transactions, without threads.
#ifndef ESPALIER_SERVICES_EVENTS_EVENT_WRITER_H_
#define ESPALIER_SERVICES_EVENTS_EVENT_WRITER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "router/events/event_log.h"
#include "router/events/exposure.h"
#include "services/events/sqlite.h"

namespace espalier {

// Belongs to one thread. Every error is one of the file (full, unreadable): the transaction must be rolled
// back.
class EventWriter {
 public:
  // Opens or creates the file at `path`. `max_pages` limits its size; 0: no limit.
  static absl::StatusOr<EventWriter> Open(const std::string& path, int64_t max_pages);

  absl::Status Begin();
  absl::Status Commit();
  void Rollback();

  // Appends one exposure. False when its event id is taken, which leaves the earlier row as it is.
  absl::StatusOr<bool> Append(const Exposure& exposure);

  // Applies one outcome by the rules of outcome_rules.h. The outer status is the file's, the inner one the
  // outcome's.
  using WindowOf = std::function<std::optional<int64_t>(std::string_view experiment)>;
  absl::StatusOr<absl::Status> Apply(const Outcome& outcome, int64_t arrival_micros, const WindowOf& window);

  // The greatest event id in the file; 0: none.
  absl::StatusOr<uint64_t> LastEventId();

 private:
  EventWriter(Sqlite db, SqliteStatement begin, SqliteStatement commit, SqliteStatement insert_exposure,
              SqliteStatement find_exposure, SqliteStatement find_outcome, SqliteStatement put_outcome);

  absl::Status Put(const Outcome& outcome, int64_t arrival_micros);

  Sqlite db_;
  SqliteStatement begin_;
  SqliteStatement commit_;
  SqliteStatement insert_exposure_;
  SqliteStatement find_exposure_;
  SqliteStatement find_outcome_;
  SqliteStatement put_outcome_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EVENTS_EVENT_WRITER_H_
