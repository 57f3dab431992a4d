#include "services/events/event_writer.h"

#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/events/events_schema.h"
#include "services/events/outcome_rules.h"

namespace espalier {
namespace {

constexpr char kInsertExposure[] =
    "INSERT OR IGNORE INTO exposures (event_id, time_micros, experiment, config_version, unit, bucket, "
    "layer_slot, probabilities, variant_assigned, variant_served, reason, model, model_version, sha256, "
    "rows, "
    "latency_micros, status, scores, features) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr char kFindExposure[] = "SELECT time_micros, rows, experiment FROM exposures WHERE event_id = ?";
constexpr char kFindOutcome[] = "SELECT value FROM outcomes WHERE event_id = ? AND row = ? AND name = ?";
constexpr char kPutOutcome[] =
    "INSERT INTO outcomes (event_id, row, name, value, time_micros, arrival_micros) VALUES (?,?,?,?,?,?) "
    "ON CONFLICT DO UPDATE SET value = excluded.value, time_micros = excluded.time_micros, "
    "arrival_micros = excluded.arrival_micros, corrections = corrections + 1";

// WAL with FULL: a commit is on disk when it returns. The WAL goes back into the file every 16 MiB.
constexpr char kPragmas[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; "
    "PRAGMA journal_size_limit=67108864;";

}  // namespace

absl::StatusOr<EventWriter> EventWriter::Open(const std::string& path, int64_t max_pages) {
  ESPALIER_ASSIGN_OR_RETURN(Sqlite db, Sqlite::Open(path, Sqlite::Mode::kReadWriteCreate));
  ESPALIER_RETURN_IF_ERROR(db.Execute(kPragmas));
  ESPALIER_RETURN_IF_ERROR(PrepareEventsSchema(db, path));
  if (max_pages > 0) ESPALIER_RETURN_IF_ERROR(db.Execute(StrCat("PRAGMA max_page_count=", max_pages)));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement begin, db.Prepare("BEGIN IMMEDIATE"));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement commit, db.Prepare("COMMIT"));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement insert_exposure, db.Prepare(kInsertExposure));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement find_exposure, db.Prepare(kFindExposure));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement find_outcome, db.Prepare(kFindOutcome));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement put_outcome, db.Prepare(kPutOutcome));
  return EventWriter(std::move(db), std::move(begin), std::move(commit), std::move(insert_exposure),
                     std::move(find_exposure), std::move(find_outcome), std::move(put_outcome));
}

EventWriter::EventWriter(Sqlite db, SqliteStatement begin, SqliteStatement commit,
                         SqliteStatement insert_exposure, SqliteStatement find_exposure,
                         SqliteStatement find_outcome, SqliteStatement put_outcome)
    : db_(std::move(db)),
      begin_(std::move(begin)),
      commit_(std::move(commit)),
      insert_exposure_(std::move(insert_exposure)),
      find_exposure_(std::move(find_exposure)),
      find_outcome_(std::move(find_outcome)),
      put_outcome_(std::move(put_outcome)) {}

absl::Status EventWriter::Begin() { return begin_.Run(); }
absl::Status EventWriter::Commit() { return commit_.Run(); }

void EventWriter::Rollback() {
  // After some errors SQLite has rolled back by itself.
  if (!db_.autocommit()) db_.Execute("ROLLBACK").IgnoreError();
}

absl::StatusOr<bool> EventWriter::Append(const Exposure& exposure) {
  SqliteStatement& insert = insert_exposure_;
  insert.BindInt(1, static_cast<int64_t>(exposure.event_id));
  insert.BindInt(2, exposure.time_micros);
  insert.BindText(3, exposure.experiment);
  insert.BindInt(4, exposure.config_version);
  insert.BindText(5, exposure.unit);
  insert.BindInt(6, exposure.bucket);
  exposure.layer_slot < 0 ? insert.BindNull(7) : insert.BindInt(7, exposure.layer_slot);
  insert.BindText(8, exposure.probabilities);
  insert.BindText(9, exposure.variant_assigned);
  insert.BindText(10, exposure.variant_served);
  insert.BindText(11, AssignmentReasonName(exposure.reason));
  insert.BindText(12, exposure.model);
  insert.BindInt(13, exposure.model_version);
  insert.BindText(14, exposure.sha256);
  insert.BindInt(15, exposure.rows);
  insert.BindInt(16, exposure.latency_micros);
  insert.BindInt(17, exposure.status);
  exposure.scores.empty() ? insert.BindNull(18) : insert.BindBlob(18, exposure.scores);
  exposure.features.empty() ? insert.BindNull(19) : insert.BindBlob(19, exposure.features);
  ESPALIER_RETURN_IF_ERROR(insert.Run());
  return db_.changes() == 1;
}

absl::StatusOr<absl::Status> EventWriter::Apply(const Outcome& outcome, int64_t arrival_micros,
                                                const WindowOf& window) {
  if (absl::Status malformed = CheckOutcome(outcome); !malformed.ok()) return malformed;
  std::optional<LoggedExposure> logged;
  find_exposure_.Reset();
  find_exposure_.BindInt(1, static_cast<int64_t>(outcome.event_id));
  if (find_exposure_.Step()) {
    logged = LoggedExposure{.time_micros = find_exposure_.Int(0),
                            .rows = static_cast<uint32_t>(find_exposure_.Int(1)),
                            .window_micros = window ? window(find_exposure_.Text(2)) : std::nullopt};
    find_exposure_.Reset();
  } else {
    ESPALIER_RETURN_IF_ERROR(find_exposure_.status());
  }
  std::optional<double> recorded;
  find_outcome_.Reset();
  find_outcome_.BindInt(1, static_cast<int64_t>(outcome.event_id));
  find_outcome_.BindInt(2, outcome.row);
  find_outcome_.BindText(3, outcome.name);
  if (find_outcome_.Step()) {
    recorded = find_outcome_.Double(0);
    find_outcome_.Reset();
  } else {
    ESPALIER_RETURN_IF_ERROR(find_outcome_.status());
  }
  OutcomeAction action;
  const absl::Status decided = DecideOutcome(outcome, arrival_micros, logged, recorded, action);
  if (action != OutcomeAction::kNothing) ESPALIER_RETURN_IF_ERROR(Put(outcome, arrival_micros));
  return decided;
}

absl::Status EventWriter::Put(const Outcome& outcome, int64_t arrival_micros) {
  put_outcome_.BindInt(1, static_cast<int64_t>(outcome.event_id));
  put_outcome_.BindInt(2, outcome.row);
  put_outcome_.BindText(3, outcome.name);
  put_outcome_.BindDouble(4, outcome.value);
  put_outcome_.BindInt(5, outcome.time_micros.value_or(arrival_micros));
  put_outcome_.BindInt(6, arrival_micros);
  return put_outcome_.Run();
}

absl::StatusOr<uint64_t> EventWriter::LastEventId() {
  ESPALIER_ASSIGN_OR_RETURN(const int64_t last, db_.QueryInt("SELECT max(event_id) FROM exposures"));
  return static_cast<uint64_t>(last);
}

}  // namespace espalier
