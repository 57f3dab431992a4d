// What the tests of the event log share: a directory that goes away, exposures, and waiting for reports.
#ifndef ESPALIER_TESTS_SERVICES_EVENTS_EVENT_LOG_FIXTURE_H_
#define ESPALIER_TESTS_SERVICES_EVENTS_EVENT_LOG_FIXTURE_H_

#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "services/events/events_schema.h"
#include "services/events/sqlite_event_log.h"

namespace espalier {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "espalier-events-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr int64_t kStartMicros = 1'700'000'000'000'000;

inline Exposure MakeExposure(uint64_t event_id, int64_t time_micros = kStartMicros) {
  Exposure exposure;
  exposure.event_id = event_id;
  exposure.time_micros = time_micros;
  exposure.experiment = "delay";
  exposure.config_version = 2;
  exposure.unit = "N12345";
  exposure.bucket = 4711;
  exposure.probabilities = "[0.5,0.5]";
  exposure.variant_assigned = "weather";
  exposure.variant_served = "weather";
  exposure.model = "flight-delay";
  exposure.model_version = 2;
  exposure.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  exposure.rows = 1;
  return exposure;
}

inline Outcome MakeOutcome(uint64_t event_id, double value = 1, std::string name = "late") {
  Outcome outcome;
  outcome.event_id = event_id;
  outcome.name = std::move(name);
  outcome.value = value;
  return outcome;
}

// Opens a log whose writer acts only when it is woken: by a report, a flush or the end.
inline absl::StatusOr<std::unique_ptr<SqliteEventLog>> OpenLog(SqliteEventLogOptions options) {
  options.interval = std::chrono::hours(1);
  return SqliteEventLog::Open(std::move(options));
}

inline std::vector<absl::Status> ReportAndWait(EventLog& log, std::vector<Outcome> outcomes) {
  std::promise<std::vector<absl::Status>> answered;
  log.Report(std::move(outcomes),
             [&](std::vector<absl::Status> statuses) { answered.set_value(std::move(statuses)); });
  return answered.get_future().get();
}

inline absl::Status ReportAndWait(EventLog& log, Outcome outcome) {
  return ReportAndWait(log, std::vector<Outcome>{std::move(outcome)}).at(0);
}

inline int64_t Query(const std::string& directory, std::string_view sql) {
  absl::StatusOr<Sqlite> db = OpenEventsForReading(directory);
  EXPECT_TRUE(db.ok()) << db.status();
  const absl::StatusOr<int64_t> value = db->QueryInt(sql);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.value_or(-1);
}

}  // namespace espalier

#endif  // ESPALIER_TESTS_SERVICES_EVENTS_EVENT_LOG_FIXTURE_H_
