#include "models/repository/directory_watcher.h"

#include <filesystem>
#include <thread>

#include "gtest/gtest.h"
#include "models/base/file.h"
#include "tests/models/repository/repository_folder.h"

namespace espalier {
namespace {

using Wake = DirectoryWatcher::Wake;

// Longer than any test may take: a wait that ends by itself has failed.
constexpr int64_t kLong = 60'000;

TEST(DirectoryWatcherTest, TellsOfFilesThatWereClosedMovedOrDeleted) {
  RepositoryFolder folder;
  DirectoryWatcher watcher;
  EXPECT_TRUE(watcher.Watch({folder.path()}));
  EXPECT_FALSE(watcher.Watch({folder.path()}));
  EXPECT_EQ(watcher.Wait(0), Wake::kTimeout);
  folder.Write("a", "x");
  EXPECT_EQ(watcher.Wait(kLong), Wake::kChanged);
  EXPECT_EQ(watcher.Wait(0), Wake::kTimeout);
  ASSERT_TRUE(WriteFileAtomically(folder.path() + "/a", "y").ok());
  EXPECT_EQ(watcher.Wait(kLong), Wake::kChanged);
  folder.Remove("a");
  EXPECT_EQ(watcher.Wait(kLong), Wake::kChanged);
  std::filesystem::create_directory(folder.path() + "/b");
  EXPECT_EQ(watcher.Wait(kLong), Wake::kChanged);
}

TEST(DirectoryWatcherTest, AFolderThatWasReplacedIsNews) {
  RepositoryFolder folder;
  DirectoryWatcher watcher;
  const std::string path = folder.path() + "/a";
  std::filesystem::create_directory(path);
  EXPECT_TRUE(watcher.Watch({path}));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(watcher.Wait(kLong), Wake::kChanged);
  EXPECT_TRUE(watcher.Watch({path}));
  EXPECT_FALSE(watcher.Watch({path, folder.path() + "/missing"}));
  EXPECT_FALSE(watcher.Watch({}));
  folder.Write("a/x", "x");
  EXPECT_EQ(watcher.Wait(0), Wake::kTimeout);
}

TEST(DirectoryWatcherTest, StopEndsAWaitFromAnotherThread) {
  RepositoryFolder folder;
  DirectoryWatcher watcher;
  watcher.Watch({folder.path()});
  std::thread stopper([&] { watcher.Stop(); });
  EXPECT_EQ(watcher.Wait(kLong), Wake::kStopped);
  stopper.join();
  EXPECT_EQ(watcher.Wait(kLong), Wake::kStopped);
}

}  // namespace
}  // namespace espalier
