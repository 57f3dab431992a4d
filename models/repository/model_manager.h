// Drives the loaded versions towards those that a repository directory (and load / unload requests) aspire
// to.
//
//   ESPALIER_ASSIGN_OR_RETURN(auto manager, ModelManager::Create({.directory = "models"}));
//   manager->Poll();        // one pass, synchronous: tests step it
//   manager->Start();       // or: follow the directory from a thread of its own
//
// A version is read, compiled and warmed up off the request threads, then the catalog is swapped whole. A
// version that cannot be loaded is refused with one log line; what was loaded keeps serving. Thread-safe.
#ifndef ESPALIER_MODELS_REPOSITORY_MODEL_MANAGER_H_
#define ESPALIER_MODELS_REPOSITORY_MODEL_MANAGER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/base/clock.h"
#include "models/base/snapshot.h"
#include "models/repository/log_sink.h"
#include "models/repository/model_builder.h"
#include "models/repository/model_catalog.h"

namespace espalier {

// One row of RepositoryIndex.
struct IndexEntry {
  std::string name;
  int64_t version = 0;
  // Triton's words: READY, LOADING, UNLOADING, UNAVAILABLE.
  std::string state;
  // Why it is not ready.
  std::string reason;
};

class ModelManager {
 public:
  struct Options {
    std::string directory;
    // How often the directory is looked at (beside inotify, which network file systems do not have); 0 leaves
    // it to inotify alone.
    int64_t poll_millis = 1000;
    const Clock* clock = &RealClock();
    // What versions become. Null: a PlainModelBuilder, which reads no config.
    std::shared_ptr<const ModelBuilder> builder = nullptr;
    // Called after every attempt to load a version, from the loading thread; for the counter of loads.
    std::function<void(std::string_view model, int64_t version, const absl::Status& result)> on_load;
    LogSink log = {};
  };

  // FAILED_PRECONDITION when `directory` is none.
  static absl::StatusOr<std::unique_ptr<ModelManager>> Create(Options options);
  virtual ~ModelManager() = default;

  // What is served; listeners may be attached before Start.
  virtual Snapshot<ModelCatalog>& catalog() = 0;

  // Looks at the directory once, loads and unloads what changed, publishes the catalog; returns when that is
  // done.
  virtual void Poll() = 0;

  // Follows the directory until the manager dies.
  virtual void Start() = 0;

  // Loads the model, or one version of it, from the directory as it is now, and returns when it is ready
  // (Triton's RepositoryModelLoad; blocking). NOT_FOUND, or the error that refused it.
  virtual absl::Status Load(std::string_view model, std::optional<int64_t> version) = 0;

  // Unloads; holds until a load, a restart or a changed file.
  virtual absl::Status Unload(std::string_view model, std::optional<int64_t> version) = 0;

  // Sets or (version 0) removes a label in models/<name>/labels.json, and publishes.
  virtual absl::Status SetLabel(std::string_view model, std::string_view label, int64_t version) = 0;

  // Every version on disk or loaded, ascending by name and version.
  virtual std::vector<IndexEntry> Index() const = 0;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_MODEL_MANAGER_H_
