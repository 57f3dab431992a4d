// One model of a repository: what its folder asks for, and what is loaded.
//
// Follow() compares the folder with what is loaded, acts by PlanLoads, and keeps serving what it has wherever
// something new is refused. Every refusal is logged once, and tried again when the file (or config.pbtxt)
// changes.
//
// A label moves only to a version that is ready: while its new version is not, it stays on the old one if
// that still serves.
//
// Equal stamps are not believed at once: what was loaded is read a second time at the next look, and compared
// byte by byte, for a network file system's clock may be another than ours and its stamps older than its
// bytes. A file that could not be read is read again at every look.
//
// Not thread-safe: it belongs to the manager's pass.
#ifndef ESPALIER_MODELS_REPOSITORY_MODEL_FOLLOWER_H_
#define ESPALIER_MODELS_REPOSITORY_MODEL_FOLLOWER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "models/base/clock.h"
#include "models/repository/labels.h"
#include "models/repository/load_plan.h"
#include "models/repository/log_sink.h"
#include "models/repository/model_builder.h"
#include "models/repository/model_catalog.h"
#include "models/repository/model_manager.h"
#include "models/repository/repository_scan.h"
#include "models/repository/version_loader.h"
#include "models/repository/watched_text.h"

namespace espalier {

// What a follower tells while it works, on the thread of the pass.
class FollowerListener {
 public:
  virtual ~FollowerListener() = default;
  // A version is about to be loaded: what is ready so far can be published.
  virtual void OnProgress() = 0;
  // A load was tried.
  virtual void OnLoad(const std::string& model, int64_t version, const absl::Status& result) = 0;
  // Whether to stop before the next load.
  virtual bool Stopping() const = 0;
  virtual void OnLog(LogLevel level, std::string_view line) = 0;
};

class ModelFollower {
 public:
  // What is referred to outlives the follower.
  ModelFollower(std::string name, const Clock& clock, const ModelBuilder& builder,
                FollowerListener& listener);

  // Loads, unloads and labels as `folder` asks. A folder without versions unloads everything.
  void Follow(const ModelFolder& folder);

  // The same after a request to load all versions that the policy wants, or one whatever the policy says. The
  // error that refused what was asked; NOT_FOUND for a version that is not there.
  absl::Status Load(const ModelFolder& folder, std::optional<int64_t> version);

  // The same after a request to unload, which holds until a load or a changed file.
  absl::Status Unload(const ModelFolder& folder, std::optional<int64_t> version);

  // Whether there is anything that a catalog or an index would show.
  bool empty() const { return versions_.empty(); }

  // Whether Describe() or AppendIndex() would give something new since the last call of TakeChanged().
  bool TakeChanged() { return std::exchange(changed_, false); }

  CatalogModel Describe() const;
  void AppendIndex(std::vector<IndexEntry>& index) const;

 private:
  // All that makes a version what it is. An empty file name: there is no model file.
  struct Source {
    std::string file;
    FileStamp stamp;
    // Of the files beside it that hold its checksum, where they are there.
    std::optional<FileStamp> lineage;
    std::optional<FileStamp> checksum;
    uint64_t settings_revision = 0;
    // The folder holds nothing at all, as while it is being filled.
    bool bare = false;
    // Whether one of the files was changed a moment ago.
    bool fresh() const { return stamp.fresh || (lineage && lineage->fresh) || (checksum && checksum->fresh); }
    friend bool operator==(const Source&, const Source&) = default;
  };

  struct Refusal {
    std::string file;
    std::string sha256;
    uint64_t settings_revision = 0;
    std::string reason;
    friend bool operator==(const Refusal&, const Refusal&) = default;
  };

  struct Version {
    ModelHandle loaded;
    bool on_disk = false;
    std::string folder;
    Source source;
    // Why there is no model file.
    absl::Status no_file;
    // The last try: of what, with which bytes, and how it ended.
    std::optional<Source> tried;
    std::string tried_sha256;
    std::string tried_fingerprint;
    absl::Status refusal;
    // The files were read again after the last try, and were the same.
    bool settled = false;
    // The refusal that was logged last; it is not repeated for the same bytes.
    std::optional<Refusal> logged;
    // A refusal that is to be logged at the next look, if nothing has changed until then.
    bool log_later = false;
    // Unloaded by request, as of this source.
    std::optional<Source> held;
    // Loaded by request although the policy does not want it.
    bool pinned = false;
    bool waiting = false;
  };

  void RefreshSettings(const ModelFolder& folder);
  void AdoptSettings(absl::StatusOr<ModelRulesHandle> rules);
  void RefreshVersions(const ModelFolder& folder);
  void RefreshVersion(const std::string& path, const VersionFolder& files, Version& version);
  // Compares bytes where the stamps alone cannot tell.
  void Verify(int64_t number, Version& version);
  void RefreshLabels(const ModelFolder& folder);
  void MoveLabels();

  // Acts until the plan asks for nothing more.
  void Settle();
  void Try(int64_t number, Version& version);
  absl::StatusOr<ModelHandle> TryBytes(int64_t number, Version& version);
  void Report(int64_t number, Version& version);
  void LogRefusal(int64_t number, Version& version);
  void LetGo(int64_t number, Version& version);

  absl::StatusOr<std::vector<int64_t>> Select(std::optional<int64_t> version) const;
  absl::Status ResultOf(const std::vector<int64_t>& asked, bool all) const;
  LoadPlan Plan() const;
  // An empty folder of which nothing serves is no failure yet: it is neither logged nor counted.
  static bool IsBeingFilled(const Version& version);
  // A version that serves and has lost its file is perhaps being removed: it is logged and counted when it is
  // still so at the next look.
  static bool IsPerhapsBeingRemoved(const Version& version);
  bool IsReady(int64_t version) const;
  std::string WhyNotReady(const Version& version) const;
  void LogFailure(std::string_view event, const absl::Status& status) const;
  VersionSource SourceOf(int64_t number, const Version& version) const;

  const std::string name_;
  const Clock& clock_;
  const ModelBuilder& builder_;
  FollowerListener& listener_;

  WatchedText config_text_;
  ModelRulesHandle rules_;
  // The text that rules_ come from; empty for a model without a config.
  std::string settings_text_;
  uint64_t settings_revision_ = 0;
  // Why the present config is refused; rules_ are then those before it.
  absl::Status settings_error_;

  WatchedText labels_text_;
  // As the file has them, and as they are served.
  Labels wanted_labels_;
  Labels labels_;
  // Those of wanted_labels_ that wait for their versions.
  Labels waiting_labels_;

  std::map<int64_t, Version> versions_;
  absl::Status folder_error_;
  bool changed_ = true;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_MODEL_FOLLOWER_H_
