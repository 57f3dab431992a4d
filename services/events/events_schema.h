// The form of DATA/events.db; docs/events-db.md describes it for readers.
#ifndef ESPALIER_SERVICES_EVENTS_EVENTS_SCHEMA_H_
#define ESPALIER_SERVICES_EVENTS_EVENTS_SCHEMA_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/events/sqlite.h"

namespace espalier {

// PRAGMA user_version of the files that this build writes and reads.
inline constexpr int kEventsSchemaVersion = 1;

// Where the events of a data directory lie.
std::string EventsPath(const std::string& data_directory);

// Creates the tables in an empty file; accepts a file of this version. FAILED_PRECONDITION for a file of a
// newer espalier, or of something else.
absl::Status PrepareEventsSchema(Sqlite& db, const std::string& path);

// Opens the events of a data directory beside a server that writes them. NOT_FOUND when there are none yet.
absl::StatusOr<Sqlite> OpenEventsForReading(const std::string& data_directory);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EVENTS_EVENTS_SCHEMA_H_
