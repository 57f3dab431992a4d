#include "services/events/sqlite_event_log.h"

#include <array>
#include <cstring>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "models/base/strings.h"
#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

constexpr int64_t kHour = 3'600'000'000;

class SqliteEventLogTest : public testing::Test {
 protected:
  void Open(SqliteEventLogOptions options = {}) {
    options.directory = directory_.path();
    options.clock = &clock_;
    options.window_micros = [](std::string_view experiment) {
      return experiment == "delay" ? std::optional<int64_t>(24 * kHour) : std::nullopt;
    };
    absl::StatusOr<std::unique_ptr<SqliteEventLog>> log = OpenLog(std::move(options));
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }

  int64_t Query(std::string_view sql) { return espalier::Query(directory_.path(), sql); }

  TemporaryDirectory directory_;
  FakeClock clock_{kStartMicros};
  std::unique_ptr<SqliteEventLog> log_;
};

TEST_F(SqliteEventLogTest, WritesEveryColumn) {
  Open();
  const std::array<float, 3> scores = {0.25f, 0.5f, -1};
  Exposure exposure = MakeExposure(42);
  exposure.layer_slot = 17;
  exposure.rows = 3;
  exposure.scores = std::as_bytes(std::span(scores));
  exposure.reason = AssignmentReason::kOverride;
  exposure.variant_served = "control";
  exposure.latency_micros = 99;
  exposure.status = 14;
  EXPECT_TRUE(log_->NewQueue().TryPush(exposure));
  ASSERT_TRUE(log_->Flush().ok());
  absl::StatusOr<Sqlite> db = OpenEventsForReading(directory_.path());
  ASSERT_TRUE(db.ok()) << db.status();
  absl::StatusOr<SqliteStatement> row = db->Prepare("SELECT * FROM exposures");
  ASSERT_TRUE(row.ok() && row->Step());
  EXPECT_EQ(row->Int(0), 42);
  EXPECT_EQ(row->Int(1), kStartMicros);
  EXPECT_EQ(row->Text(2), "delay");
  EXPECT_EQ(row->Int(3), 2);
  EXPECT_EQ(row->Text(4), "N12345");
  EXPECT_EQ(row->Int(5), 4711);
  EXPECT_EQ(row->Int(6), 17);
  EXPECT_EQ(row->Text(7), "[0.5,0.5]");
  EXPECT_EQ(row->Text(8), "weather");
  EXPECT_EQ(row->Text(9), "control");
  EXPECT_EQ(row->Text(10), "override");
  EXPECT_EQ(row->Text(11), "flight-delay");
  EXPECT_EQ(row->Int(12), 2);
  EXPECT_EQ(row->Text(13), exposure.sha256);
  EXPECT_EQ(row->Int(14), 3);
  EXPECT_EQ(row->Int(15), 99);
  EXPECT_EQ(row->Int(16), 14);
  ASSERT_EQ(row->Blob(17).size(), 12u);
  EXPECT_EQ(std::memcmp(row->Blob(17).data(), scores.data(), 12), 0);
  EXPECT_TRUE(row->IsNull(18));
  EXPECT_EQ(log_->counts().exposures, 1u);
}

TEST_F(SqliteEventLogTest, AnOutcomeWaitsForItsExposure) {
  Open();
  ExposureQueue& queue = log_->NewQueue();
  for (uint64_t id = 1; id <= 20'000; ++id) ASSERT_TRUE(queue.TryPush(MakeExposure(id)));
  // Nothing but the report wakes the writer.
  EXPECT_TRUE(ReportAndWait(*log_, MakeOutcome(20'000)).ok());
  EXPECT_EQ(Query("SELECT count(*) FROM exposures"), 20'000);
  EXPECT_EQ(Query("SELECT count(*) FROM outcomes"), 1);
}

TEST_F(SqliteEventLogTest, AnswersEachOutcomeByTheRules) {
  Open();
  log_->NewQueue().TryPush(MakeExposure(5));
  Outcome bad_row = MakeOutcome(5, 1, "click");
  bad_row.row = 1;
  Outcome late = MakeOutcome(5, 1, "revenue");
  late.time_micros = kStartMicros + 25 * kHour;
  Outcome corrected = MakeOutcome(5, 3);
  corrected.correct = true;
  const std::vector<absl::Status> statuses =
      ReportAndWait(*log_, {MakeOutcome(5, 1), MakeOutcome(5, 1), MakeOutcome(5, 2), MakeOutcome(6), bad_row,
                            late, corrected, MakeOutcome(5, std::nan(""))});
  std::vector<absl::StatusCode> codes;
  for (const absl::Status& status : statuses) codes.push_back(status.code());
  using enum absl::StatusCode;
  EXPECT_THAT(codes, testing::ElementsAre(kOk, kOk, kAlreadyExists, kNotFound, kInvalidArgument,
                                          kFailedPrecondition, kOk, kInvalidArgument));
  EXPECT_EQ(Query("SELECT count(*) FROM outcomes"), 1);
  EXPECT_EQ(Query("SELECT value FROM outcomes"), 3);
  EXPECT_EQ(Query("SELECT corrections FROM outcomes"), 1);
  EXPECT_EQ(log_->counts().outcomes_accepted, 3u);
  EXPECT_EQ(log_->counts().outcomes_refused, 5u);
}

TEST_F(SqliteEventLogTest, WindowIsTheExperiments) {
  Open();
  ExposureQueue& queue = log_->NewQueue();
  queue.TryPush(MakeExposure(1));
  Exposure other = MakeExposure(2);
  other.experiment = "without-window";
  queue.TryPush(other);
  clock_.Advance(std::chrono::hours(25));
  EXPECT_EQ(ReportAndWait(*log_, MakeOutcome(1)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ReportAndWait(*log_, MakeOutcome(2)).ok());
}

TEST_F(SqliteEventLogTest, TakenEventIdIsCountedAsLost) {
  Open();
  ExposureQueue& queue = log_->NewQueue();
  queue.TryPush(MakeExposure(7));
  Exposure again = MakeExposure(7);
  again.unit = "other";
  queue.TryPush(again);
  ASSERT_TRUE(log_->Flush().ok());
  EXPECT_EQ(Query("SELECT count(*) FROM exposures WHERE unit = 'N12345'"), 1);
  EXPECT_EQ(log_->counts().exposures, 1u);
  EXPECT_EQ(log_->counts().exposures_lost, 1u);
}

TEST_F(SqliteEventLogTest, FullQueueIsCountedAsLost) {
  Open({.queue_bytes = 4096});
  ExposureQueue& queue = log_->NewQueue();
  uint64_t pushed = 0;
  for (uint64_t id = 1; id <= 100; ++id) pushed += queue.TryPush(MakeExposure(id)) ? 1 : 0;
  EXPECT_LT(pushed, 100u);
  ASSERT_TRUE(log_->Flush().ok());
  EXPECT_EQ(log_->counts().exposures, pushed);
  EXPECT_EQ(log_->counts().exposures_lost, 100 - pushed);
  EXPECT_EQ(Query("SELECT count(*) FROM exposures"), static_cast<int64_t>(pushed));
}

TEST_F(SqliteEventLogTest, TooManyWaitingOutcomesAreRefusedAtOnce) {
  Open({.max_waiting_outcomes = 2});
  bool answered = false;
  log_->Report({MakeOutcome(1), MakeOutcome(2), MakeOutcome(3)}, [&](std::vector<absl::Status> statuses) {
    answered = true;
    ASSERT_EQ(statuses.size(), 3u);
    for (const absl::Status& status : statuses) {
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    }
  });
  EXPECT_TRUE(answered);
  EXPECT_EQ(log_->counts().outcomes_refused, 3u);
}

TEST_F(SqliteEventLogTest, TheEndWritesAndAnswersEverything) {
  Open();
  log_->NewQueue().TryPush(MakeExposure(1));
  absl::Status answer = absl::UnknownError("not answered");
  log_->Report({MakeOutcome(1)}, [&](std::vector<absl::Status> statuses) { answer = statuses.at(0); });
  log_.reset();
  EXPECT_TRUE(answer.ok()) << answer;
  EXPECT_EQ(Query("SELECT count(*) FROM exposures JOIN outcomes USING (event_id)"), 1);
}

TEST_F(SqliteEventLogTest, GoesOnWithWhatTheFileHolds) {
  Open();
  log_->NewQueue().TryPush(MakeExposure(77));
  EXPECT_TRUE(ReportAndWait(*log_, MakeOutcome(77)).ok());
  EXPECT_EQ(log_->last_event_id(), 0u);
  log_.reset();
  Open();
  EXPECT_EQ(log_->last_event_id(), 77u);
  EXPECT_EQ(ReportAndWait(*log_, MakeOutcome(77, 2)).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(ReportAndWait(*log_, MakeOutcome(77)).ok());
}

TEST_F(SqliteEventLogTest, OneWriterOnly) {
  Open();
  const absl::Status second = SqliteEventLog::Open({.directory = directory_.path()}).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(second)), testing::HasSubstr("another espalier"));
}

TEST_F(SqliteEventLogTest, RefusesFilesThatItDoesNotKnow) {
  const std::string path = EventsPath(directory_.path());
  {
    absl::StatusOr<Sqlite> db = Sqlite::Open(path, Sqlite::Mode::kReadWriteCreate);
    ASSERT_TRUE(db.ok() && db->Execute("CREATE TABLE somebody_elses (a)").ok());
  }
  EXPECT_EQ(SqliteEventLog::Open({.directory = directory_.path()}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  {
    absl::StatusOr<Sqlite> db = Sqlite::Open(path, Sqlite::Mode::kReadWriteCreate);
    ASSERT_TRUE(db.ok() && db->Execute("PRAGMA user_version = 2").ok());
  }
  const absl::Status newer = SqliteEventLog::Open({.directory = directory_.path()}).status();
  EXPECT_EQ(newer.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(newer)), testing::HasSubstr("newer"));
  EXPECT_EQ(OpenEventsForReading(directory_.path()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteEventLogTest, ADirectoryThatCannotBeIsAnError) {
  std::ofstream(directory_.path() + "/file") << "x";
  EXPECT_EQ(SqliteEventLog::Open({.directory = directory_.path() + "/file/data"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// Two request threads, each reporting outcomes of its exposures while a third flushes and counts.
TEST_F(SqliteEventLogTest, ManyThreadsLoseNothing) {
  constexpr uint64_t kEach = 2'000;
  Open();
  std::vector<std::thread> threads;
  std::atomic<uint64_t> acknowledged = 0;
  for (uint64_t thread = 0; thread < 2; ++thread) {
    threads.emplace_back([this, thread, &acknowledged] {
      ExposureQueue& queue = log_->NewQueue();
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint64_t id = 1 + i * 2 + thread;
        while (!queue.TryPush(MakeExposure(id))) std::this_thread::yield();
        if (i % 4 != 0) continue;
        log_->Report({MakeOutcome(id)}, [&acknowledged](std::vector<absl::Status> statuses) {
          EXPECT_TRUE(statuses.at(0).ok()) << statuses.at(0);
          ++acknowledged;
        });
      }
    });
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(log_->Flush().ok());
    EXPECT_LE(log_->counts().exposures, 2 * kEach);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(log_->Flush().ok());
  EXPECT_EQ(acknowledged, kEach / 2);
  EXPECT_EQ(Query("SELECT count(*) FROM exposures"), static_cast<int64_t>(2 * kEach));
  EXPECT_EQ(Query("SELECT count(*) FROM outcomes"), static_cast<int64_t>(kEach / 2));
}

}  // namespace
}  // namespace espalier
