#include "services/verdict/event_reader.h"

#include <utility>

#include "models/base/status_macros.h"

namespace espalier {
namespace {

// Version 0: nothing answered.
constexpr char kServed[] =
    "SELECT DISTINCT config_version, variant_served, model, model_version FROM exposures "
    "WHERE experiment = ? AND model_version <> 0 ORDER BY 1, 2, 3, 4";
constexpr char kExposures[] =
    "SELECT event_id, time_micros, config_version, unit, probabilities, variant_assigned, reason, rows, "
    "latency_micros, status, scores FROM exposures WHERE experiment = ? ORDER BY event_id";
constexpr char kOutcomes[] =
    "SELECT event_id, row, name, value FROM outcomes WHERE event_id >= "
    "(SELECT min(event_id) FROM exposures WHERE experiment = ?) ORDER BY event_id, row, name";

}  // namespace

absl::StatusOr<EventReader> EventReader::Open(Sqlite& db, const std::string& experiment) {
  ESPALIER_RETURN_IF_ERROR(db.Execute("BEGIN"));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement served, db.Prepare(kServed));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement exposures, db.Prepare(kExposures));
  ESPALIER_ASSIGN_OR_RETURN(SqliteStatement outcomes, db.Prepare(kOutcomes));
  return EventReader(std::move(served), std::move(exposures), std::move(outcomes), experiment);
}

EventReader::EventReader(SqliteStatement served, SqliteStatement exposures, SqliteStatement outcomes,
                         std::string experiment)
    : served_(std::move(served)),
      exposures_(std::move(exposures)),
      outcomes_(std::move(outcomes)),
      experiment_(std::move(experiment)) {}

absl::StatusOr<std::vector<ServedModel>> EventReader::ServedModels() {
  std::vector<ServedModel> models;
  served_.BindText(1, experiment_);
  while (served_.Step()) {
    models.push_back({.config_version = static_cast<uint32_t>(served_.Int(0)),
                      .variant = std::string(served_.Text(1)),
                      .model = std::string(served_.Text(2)),
                      .model_version = served_.Int(3)});
  }
  ESPALIER_RETURN_IF_ERROR(served_.status());
  return models;
}

void EventReader::StepOutcomes() {
  more_outcomes_ = outcomes_.Step();
  if (!more_outcomes_) status_.Update(outcomes_.status());
}

bool EventReader::Next(JoinedEvent& event) {
  if (!started_) {
    // Bound here, where experiment_ has its final address.
    started_ = true;
    exposures_.BindText(1, experiment_);
    outcomes_.BindText(1, experiment_);
    StepOutcomes();
  }
  if (!exposures_.Step()) {
    status_.Update(exposures_.status());
    return false;
  }
  event.event_id = static_cast<uint64_t>(exposures_.Int(0));
  event.time_micros = exposures_.Int(1);
  event.config_version = static_cast<uint32_t>(exposures_.Int(2));
  event.unit = exposures_.Text(3);
  event.probabilities = exposures_.Text(4);
  event.variant_assigned = exposures_.Text(5);
  event.reason = exposures_.Text(6);
  event.rows = static_cast<uint32_t>(exposures_.Int(7));
  event.latency_micros = exposures_.Int(8);
  event.status = exposures_.Int(9);
  event.scores = exposures_.Blob(10);

  of_event_.clear();
  const int64_t id = static_cast<int64_t>(event.event_id);
  while (more_outcomes_ && outcomes_.Int(0) < id) StepOutcomes();
  while (more_outcomes_ && outcomes_.Int(0) == id) {
    of_event_.push_back({.row = static_cast<uint32_t>(outcomes_.Int(1)),
                         .name = std::string(outcomes_.Text(2)),
                         .value = outcomes_.Double(3)});
    StepOutcomes();
  }
  event.outcomes = of_event_;
  return status_.ok();
}

}  // namespace espalier
