// A disk that is full: nothing is acknowledged that is not written, every loss is counted, and it resumes.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <fstream>

#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

// Pushes `count` exposures of about 1 KiB; returns how many found room.
uint64_t Push(ExposureQueue& queue, uint64_t first_id, uint64_t count) {
  const std::vector<std::byte> features(1024);
  uint64_t pushed = 0;
  for (uint64_t id = first_id; id < first_id + count; ++id) {
    Exposure exposure = MakeExposure(id);
    exposure.features = features;
    pushed += queue.TryPush(exposure) ? 1 : 0;
  }
  return pushed;
}

void ExpectCountsMatchTheFile(const EventLog& log, const std::string& directory, uint64_t made) {
  const EventCounts counts = log.counts();
  EXPECT_EQ(counts.exposures + counts.exposures_lost, made);
  EXPECT_EQ(Query(directory, "SELECT count(*) FROM exposures"), static_cast<int64_t>(counts.exposures));
}

// Fills the log until it fails, calls `make_room`, and sees it resume.
void FillAndResume(SqliteEventLog& log, const std::string& directory, const std::function<void()>& take_room,
                   const std::function<void()>& make_room) {
  ExposureQueue& queue = log.NewQueue();
  uint64_t made = 100;
  ASSERT_EQ(Push(queue, 1, 100), 100u);
  ASSERT_TRUE(ReportAndWait(log, MakeOutcome(1)).ok());
  take_room();
  absl::Status status = absl::OkStatus();
  while (status.ok() && made < 100'000) {
    Push(queue, made + 1, 200);
    made += 200;
    status = log.Flush();
  }
  ASSERT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReportAndWait(log, MakeOutcome(2)).code(), absl::StatusCode::kResourceExhausted);
  // Inference goes on: pushing never blocks, and what finds no room is lost and counted.
  Push(queue, made + 1, 2'000);
  made += 2'000;
  EXPECT_GT(log.counts().exposures_lost, 0u);
  EXPECT_EQ(Query(directory, "SELECT count(*) FROM outcomes"), 1);

  make_room();
  ASSERT_TRUE(log.Flush().ok());
  ExpectCountsMatchTheFile(log, directory, made);
  EXPECT_TRUE(ReportAndWait(log, MakeOutcome(2)).ok());
  EXPECT_EQ(Query(directory, "SELECT count(*) FROM outcomes"), 2);
}

TEST(EventLogFullTest, FullDiskLosesNothingThatWasAcknowledged) {
  const TemporaryDirectory directory;
  const std::string filler = directory.path() + "/filler";
  // A real full disk where the test may mount one; else a limit on file sizes, which fails writes as well.
  const bool mounted = mount("espalier-test", directory.path().c_str(), "tmpfs", 0, "size=4m") == 0;
  signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited;
  getrlimit(RLIMIT_FSIZE, &unlimited);
  const auto take_room = [&] {
    if (mounted) {
      std::ofstream(filler) << std::string(1 << 20, 'x');
    } else {
      const rlimit small = {.rlim_cur = 3 << 20, .rlim_max = unlimited.rlim_max};
      setrlimit(RLIMIT_FSIZE, &small);
    }
  };
  const auto make_room = [&] {
    std::filesystem::remove(filler);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    if (mounted) mount(nullptr, directory.path().c_str(), nullptr, MS_REMOUNT, "size=64m");
  };
  {
    absl::StatusOr<std::unique_ptr<SqliteEventLog>> log =
        OpenLog({.directory = directory.path(), .queue_bytes = 1 << 20});
    ASSERT_TRUE(log.ok()) << log.status();
    FillAndResume(**log, directory.path(), take_room, make_room);
  }
  setrlimit(RLIMIT_FSIZE, &unlimited);
  if (mounted) umount(directory.path().c_str());
}

TEST(EventLogFullTest, AFileAtItsLimitIsAFullDisk) {
  const TemporaryDirectory directory;
  absl::StatusOr<std::unique_ptr<SqliteEventLog>> log =
      OpenLog({.directory = directory.path(), .queue_bytes = 1 << 16, .max_pages = 64});
  ASSERT_TRUE(log.ok()) << log.status();
  ExposureQueue& queue = (*log)->NewQueue();
  uint64_t made = 0;
  absl::Status status;
  while (status.ok() && made < 10'000) {
    Push(queue, made + 1, 20);
    made += 20;
    status = (*log)->Flush();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(ReportAndWait(**log, MakeOutcome(1)).code(), absl::StatusCode::kResourceExhausted);
  Push(queue, made + 1, 1'000);
  const EventCounts counts = (*log)->counts();
  EXPECT_EQ(Query(directory.path(), "SELECT count(*) FROM exposures"),
            static_cast<int64_t>(counts.exposures));
  EXPECT_GT(counts.exposures_lost, 0u);
}

}  // namespace
}  // namespace espalier
