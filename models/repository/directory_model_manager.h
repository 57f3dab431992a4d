// A ModelManager over a repository directory: scans it, lets a ModelFollower per model act, and publishes.
//
// pass_mutex_ makes passes (Poll, Load, Unload, SetLabel) take turns, files and callbacks included: nothing
// on a request's path takes it, and on_load and listeners of the catalog must not call back into the manager,
// but for catalog() and Index().
#ifndef ESPALIER_MODELS_REPOSITORY_DIRECTORY_MODEL_MANAGER_H_
#define ESPALIER_MODELS_REPOSITORY_DIRECTORY_MODEL_MANAGER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "models/base/mutex.h"
#include "models/repository/directory_watcher.h"
#include "models/repository/model_follower.h"
#include "models/repository/model_manager.h"

namespace espalier {

class DirectoryModelManager final : public ModelManager, private FollowerListener {
 public:
  explicit DirectoryModelManager(Options options);
  // Waits for the load that is under way, if any, and for nothing else.
  ~DirectoryModelManager() override;

  Snapshot<ModelCatalog>& catalog() override { return catalog_; }
  void Poll() override;
  void Start() override;
  absl::Status Load(std::string_view model, std::optional<int64_t> version) override;
  absl::Status Unload(std::string_view model, std::optional<int64_t> version) override;
  absl::Status SetLabel(std::string_view model, std::string_view label, int64_t version) override;
  std::vector<IndexEntry> Index() const override;

 private:
  // Called by followers, and so within a pass.
  void OnProgress() override;
  void OnLoad(const std::string& model, int64_t version, const absl::Status& result) override;
  bool Stopping() const override { return stopping_.load(); }
  void OnLog(LogLevel level, std::string_view line) override;

  void Run();
  void FollowAll(const RepositoryScan& scan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  void Note(const RepositoryScan& scan) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  // Lets the follower of `model` act on its folder as it is now, and publishes.
  absl::Status WithFollower(std::string_view model,
                            const std::function<absl::Status(ModelFollower&, const ModelFolder&)>& act);
  ModelFollower& FollowerOf(const std::string& model) ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  void PublishIfChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(pass_mutex_);
  std::vector<std::string> Directories();

  const Options options_;
  Snapshot<ModelCatalog> catalog_;
  Snapshot<std::vector<IndexEntry>> index_;

  Mutex pass_mutex_;
  std::map<std::string, ModelFollower> followers_ ABSL_GUARDED_BY(pass_mutex_);
  // A follower was dropped since the catalog was published.
  bool dropped_ ABSL_GUARDED_BY(pass_mutex_) = false;
  // The folders of the last scan.
  std::vector<std::string> directories_ ABSL_GUARDED_BY(pass_mutex_);
  // What was said already, so that it is said once.
  std::string logged_error_ ABSL_GUARDED_BY(pass_mutex_);
  std::set<std::string> logged_names_ ABSL_GUARDED_BY(pass_mutex_);

  DirectoryWatcher watcher_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_DIRECTORY_MODEL_MANAGER_H_
