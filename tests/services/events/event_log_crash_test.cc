// SIGKILL of the writer: what was acknowledged is there, once.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <set>

#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

// The child's life: exposures and outcomes without end; each acknowledged event id goes into the pipe.
[[noreturn]] void WriteUntilKilled(const std::string& directory, int acknowledged_pipe) {
  absl::StatusOr<std::unique_ptr<SqliteEventLog>> log =
      SqliteEventLog::Open({.directory = directory, .interval = std::chrono::milliseconds(1)});
  if (!log.ok()) _exit(1);
  ExposureQueue& queue = (*log)->NewQueue();
  for (uint64_t id = (*log)->last_event_id() + 1;; ++id) {
    while (!queue.TryPush(MakeExposure(id))) sched_yield();
    (*log)->Report({MakeOutcome(id)}, [id, acknowledged_pipe](std::vector<absl::Status> statuses) {
      if (!statuses.at(0).ok()) return;
      if (write(acknowledged_pipe, &id, sizeof(id)) != sizeof(id)) _exit(1);
    });
  }
}

// Reads ids until `enough` came, kills the child, and takes what was still in the pipe.
std::set<uint64_t> KillAfter(pid_t child, int pipe, size_t enough) {
  std::set<uint64_t> acknowledged;
  uint64_t id;
  while (acknowledged.size() < enough && read(pipe, &id, sizeof(id)) == sizeof(id)) acknowledged.insert(id);
  kill(child, SIGKILL);
  while (read(pipe, &id, sizeof(id)) == sizeof(id)) acknowledged.insert(id);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  return acknowledged;
}

TEST(EventLogCrashTest, AcknowledgedOutcomesSurviveSigkill) {
  const char* rounds_text = getenv("ESPALIER_CRASH_ROUNDS");
  const int rounds = rounds_text != nullptr ? std::atoi(rounds_text) : 20;
  const TemporaryDirectory directory;
  std::set<uint64_t> acknowledged;
  for (int round = 0; round < rounds; ++round) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = fork();
    if (child == 0) WriteUntilKilled(directory.path(), fds[1]);
    close(fds[1]);
    acknowledged.merge(KillAfter(child, fds[0], 50 + 37 * (round % 7)));
    close(fds[0]);

    absl::StatusOr<Sqlite> db = OpenEventsForReading(directory.path());
    ASSERT_TRUE(db.ok()) << db.status();
    absl::StatusOr<SqliteStatement> select =
        db->Prepare("SELECT event_id FROM exposures JOIN outcomes USING (event_id) ORDER BY event_id");
    ASSERT_TRUE(select.ok()) << select.status();
    std::set<uint64_t> logged;
    while (select->Step()) EXPECT_TRUE(logged.insert(static_cast<uint64_t>(select->Int(0))).second);
    ASSERT_TRUE(select->status().ok()) << select->status();
    for (const uint64_t id : acknowledged) ASSERT_TRUE(logged.contains(id)) << "round " << round;
    ASSERT_EQ(*db->QueryInt("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check != 'ok'"), 0);
  }
  EXPECT_GE(acknowledged.size(), static_cast<size_t>(50 * rounds));
}

}  // namespace
}  // namespace espalier
