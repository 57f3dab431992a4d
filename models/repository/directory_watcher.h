// Wakes when something changes in a set of directories (inotify), when it is told to, or after a while.
//
//   DirectoryWatcher watcher;
//   watcher.Watch({"models", "models/a", "models/a/1"});
//   while (watcher.Wait(1000) != DirectoryWatcher::Wake::kStopped) Look();
//
// A file counts as changed when its writer closes it or a rename puts it there, not at every write. Network
// file systems tell nothing, and there may be no inotify: then Wait just returns after its time. Watch and
// Wait belong to one thread; Stop may come from any.
#ifndef ESPALIER_MODELS_REPOSITORY_DIRECTORY_WATCHER_H_
#define ESPALIER_MODELS_REPOSITORY_DIRECTORY_WATCHER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace espalier {

class DirectoryWatcher {
 public:
  enum class Wake { kChanged, kTimeout, kStopped };

  DirectoryWatcher();
  ~DirectoryWatcher();
  DirectoryWatcher(const DirectoryWatcher&) = delete;
  DirectoryWatcher& operator=(const DirectoryWatcher&) = delete;

  // Watches exactly `directories` from now on; those that cannot be watched are left to the timeout. Whether
  // any of them was not watched before: it may have changed between the caller's look and this call.
  bool Watch(const std::vector<std::string>& directories);

  // Waits for a change, Stop or `timeout_millis`; takes all changes that are waiting.
  Wake Wait(int64_t timeout_millis);

  // Ends the present Wait and all later ones.
  void Stop();

 private:
  // Empties the queue; whether something in it counts as a change.
  bool TakeEvents();
  void Forget(int watch);

  const int inotify_;
  const int stop_;
  // Watched path -> watch descriptor.
  std::map<std::string, int> watches_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_DIRECTORY_WATCHER_H_
