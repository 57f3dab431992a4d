#include "models/repository/directory_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>

namespace espalier {
namespace {

constexpr uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
                             IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr int64_t kLongestWaitMillis = int64_t{24} * 3600 * 1000;

// Monotonic milliseconds.
int64_t Now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// A file that was only created is still being written: its writer's close is what counts.
bool Counts(const inotify_event& event) {
  return (event.mask & IN_IGNORED) == 0 && ((event.mask & IN_CREATE) == 0 || (event.mask & IN_ISDIR) != 0);
}

}  // namespace

DirectoryWatcher::DirectoryWatcher()
    : inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), stop_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

DirectoryWatcher::~DirectoryWatcher() {
  if (inotify_ >= 0) close(inotify_);
  if (stop_ >= 0) close(stop_);
}

bool DirectoryWatcher::Watch(const std::vector<std::string>& directories) {
  if (inotify_ < 0) return false;
  const std::set<std::string> wanted(directories.begin(), directories.end());
  std::erase_if(watches_, [&](const auto& watch) {
    const bool unwanted = !wanted.contains(watch.first);
    if (unwanted) inotify_rm_watch(inotify_, watch.second);
    return unwanted;
  });
  bool any_new = false;
  for (const std::string& path : wanted) {
    // A path that was watched before may be another directory by now: then it has another descriptor.
    const int watch = inotify_add_watch(inotify_, path.c_str(), kEvents);
    const auto [known, added] = watches_.try_emplace(path, watch);
    any_new |= watch >= 0 && (added || known->second != watch);
    known->second = watch;
  }
  return any_new;
}

DirectoryWatcher::Wake DirectoryWatcher::Wait(int64_t timeout_millis) {
  pollfd descriptors[] = {{.fd = stop_, .events = POLLIN, .revents = 0},
                          {.fd = inotify_, .events = POLLIN, .revents = 0}};
  const auto deadline = Now() + std::clamp<int64_t>(timeout_millis, 0, kLongestWaitMillis);
  while (true) {
    const int64_t left = std::max<int64_t>(deadline - Now(), 0);
    const int ready = poll(descriptors, 2, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (descriptors[0].revents != 0) return Wake::kStopped;
    if (ready <= 0) return Wake::kTimeout;
    if (TakeEvents()) return Wake::kChanged;
  }
}

void DirectoryWatcher::Stop() {
  const uint64_t one = 1;
  // The only way to fail is a full counter, which wakes as well.
  [[maybe_unused]] const ssize_t written = write(stop_, &one, sizeof(one));
}

bool DirectoryWatcher::TakeEvents() {
  alignas(inotify_event) char buffer[16 * 1024];
  bool changed = false;
  while (true) {
    const ssize_t size = read(inotify_, buffer, sizeof(buffer));
    if (size <= 0) return changed;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      changed |= Counts(*event);
      if ((event->mask & IN_IGNORED) != 0) Forget(event->wd);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
}

void DirectoryWatcher::Forget(int watch) {
  std::erase_if(watches_, [&](const auto& known) { return known.second == watch; });
}

}  // namespace espalier
