// The routing table of a directory of experiment documents, followed as the directory changes.
//
//   ESPALIER_ASSIGN_OR_RETURN(auto experiments, ExperimentDirectory::Create(
//                                 {.directory = "experiments", .state_file =
//                                 "espalier-data/experiments.json"}));
//   experiments->Start();                                     // or: Poll() by hand
//   SnapshotReader<RoutingTable> table(experiments->table());  // one per request thread
//
// A directory is accepted whole or not at all: while any of its documents is bad, the generation that runs
// stays, and one log line says why.
#ifndef ESPALIER_SERVICES_EXPERIMENTS_EXPERIMENT_DIRECTORY_H_
#define ESPALIER_SERVICES_EXPERIMENTS_EXPERIMENT_DIRECTORY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/base/mutex.h"
#include "models/base/snapshot.h"
#include "models/repository/directory_watcher.h"
#include "models/repository/repository_scan.h"
#include "router/experiment/routing_table.h"
#include "services/experiments/config_versions.h"

namespace espalier {

// Thread-safe.
class ExperimentDirectory {
 public:
  struct Options {
    std::string directory;
    // Where config versions are counted (config_versions.h); empty: in memory, from 1.
    std::string state_file;
    // How often the directory is looked at (beside inotify, which network file systems do not have).
    int64_t poll_millis = 1000;
  };

  // Reads the directory; fails when it cannot be read, when any document is bad, or when the state file is.
  static absl::StatusOr<std::unique_ptr<ExperimentDirectory>> Create(Options options);
  // Stops following.
  ~ExperimentDirectory();

  // What is routed; listeners may be attached before Start.
  Snapshot<RoutingTable>& table() { return table_; }

  // Reads the directory once, synchronously, and publishes it if it is good and something changed. An error
  // is also kept in last_error().
  absl::Status Poll();

  // Follows the directory from a thread of its own. A change that inotify tells is taken at once; one that
  // only the stamps of the files tell, when they have rested for one interval.
  void Start();

  // Why the directory as it is now is not what runs; OK when it is.
  absl::Status last_error() const;

 private:
  using Stamps = std::map<std::string, FileStamp>;

  explicit ExperimentDirectory(Options options);

  absl::Status PollLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  void Run();
  // Whether the stamps of the files ask for a look into them.
  bool Changed();

  const Options options_;
  Snapshot<RoutingTable> table_;
  // One pass at a time; files are read under it, and no request waits for it.
  Mutex pass_mutex_;
  ConfigVersions versions_ ABSL_GUARDED_BY(pass_mutex_);
  std::string digest_ ABSL_GUARDED_BY(pass_mutex_);
  Stamps read_stamps_ ABSL_GUARDED_BY(pass_mutex_);
  mutable Mutex error_mutex_;
  absl::Status last_error_ ABSL_GUARDED_BY(error_mutex_);
  // The follower's own.
  Stamps seen_stamps_;
  DirectoryWatcher watcher_;
  std::thread thread_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EXPERIMENTS_EXPERIMENT_DIRECTORY_H_
