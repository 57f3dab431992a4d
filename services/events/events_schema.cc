#include "services/events/events_schema.h"

#include <filesystem>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr char kCreate[] = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE exposures (
  event_id INTEGER PRIMARY KEY,
  time_micros INTEGER NOT NULL,
  experiment TEXT NOT NULL,
  config_version INTEGER NOT NULL,
  unit TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  layer_slot INTEGER,
  probabilities TEXT NOT NULL,
  variant_assigned TEXT NOT NULL,
  variant_served TEXT NOT NULL,
  reason TEXT NOT NULL,
  model TEXT NOT NULL,
  model_version INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  rows INTEGER NOT NULL,
  latency_micros INTEGER NOT NULL,
  status INTEGER NOT NULL,
  scores BLOB,
  features BLOB
);
CREATE TABLE outcomes (
  event_id INTEGER NOT NULL,
  row INTEGER NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  time_micros INTEGER NOT NULL,
  arrival_micros INTEGER NOT NULL,
  corrections INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (event_id, row, name)
) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
)sql";

absl::Status CheckVersion(int64_t version, const std::string& path) {
  if (version == kEventsSchemaVersion) return absl::OkStatus();
  if (version > kEventsSchemaVersion) {
    return Error(absl::StatusCode::kFailedPrecondition, path, ": schema version ", version,
                 " was written by a newer espalier; this one reads version ", kEventsSchemaVersion);
  }
  return Error(absl::StatusCode::kFailedPrecondition, path, ": is not an event log of espalier");
}

}  // namespace

std::string EventsPath(const std::string& data_directory) {
  return (std::filesystem::path(data_directory) / "events.db").string();
}

absl::Status PrepareEventsSchema(Sqlite& db, const std::string& path) {
  ESPALIER_ASSIGN_OR_RETURN(const int64_t version, db.QueryInt("PRAGMA user_version"));
  ESPALIER_ASSIGN_OR_RETURN(const int64_t objects, db.QueryInt("SELECT count(*) FROM sqlite_schema"));
  if (version == 0 && objects == 0) return db.Execute(kCreate);
  return CheckVersion(version, path);
}

absl::StatusOr<Sqlite> OpenEventsForReading(const std::string& data_directory) {
  const std::string path = EventsPath(data_directory);
  ESPALIER_ASSIGN_OR_RETURN(Sqlite db, Sqlite::Open(path, Sqlite::Mode::kReadOnly));
  ESPALIER_ASSIGN_OR_RETURN(const int64_t version, db.QueryInt("PRAGMA user_version"));
  ESPALIER_RETURN_IF_ERROR(CheckVersion(version, path));
  return db;
}

}  // namespace espalier
