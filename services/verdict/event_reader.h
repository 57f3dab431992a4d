// Exposures of one experiment with their outcomes, in the order in which they happened.
#ifndef ESPALIER_SERVICES_VERDICT_EVENT_READER_H_
#define ESPALIER_SERVICES_VERDICT_EVENT_READER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/events/sqlite.h"

namespace espalier {

struct JoinedOutcome {
  uint32_t row = 0;
  std::string name;
  double value = 0;
};

// The views are good until the next call of Next.
struct JoinedEvent {
  uint64_t event_id = 0;
  int64_t time_micros = 0;
  uint32_t config_version = 0;
  std::string_view unit;
  std::string_view probabilities;
  std::string_view variant_assigned;
  std::string_view reason;
  uint32_t rows = 0;
  int64_t latency_micros = 0;
  int64_t status = 0;
  std::span<const std::byte> scores;  // float32, little-endian
  std::span<const JoinedOutcome> outcomes;
};

// What answered for a variant under one config version, fallbacks included: which model, in which version.
struct ServedModel {
  uint32_t config_version = 0;
  std::string variant;
  std::string model;
  int64_t model_version = 0;
};

// Walks both tables side by side in the order of their keys, within one transaction: a snapshot, whatever is
// written meanwhile. Memory is that of one event.
class EventReader {
 public:
  // `db` outlives the reader.
  static absl::StatusOr<EventReader> Open(Sqlite& db, const std::string& experiment);

  // Of all exposures of the experiment, without duplicates, in the order of config versions and variants. To
  // be asked before the first Next.
  absl::StatusOr<std::vector<ServedModel>> ServedModels();

  // False at the end and after an error: status() tells them apart.
  bool Next(JoinedEvent& event);
  const absl::Status& status() const { return status_; }

 private:
  EventReader(SqliteStatement served, SqliteStatement exposures, SqliteStatement outcomes,
              std::string experiment);

  void StepOutcomes();

  SqliteStatement served_;
  SqliteStatement exposures_;
  SqliteStatement outcomes_;
  std::string experiment_;
  bool started_ = false;
  bool more_outcomes_ = false;
  std::vector<JoinedOutcome> of_event_;
  absl::Status status_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_VERDICT_EVENT_READER_H_
