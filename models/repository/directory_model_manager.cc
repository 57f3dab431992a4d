#include "models/repository/directory_model_manager.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "models/base/log_text.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/repository/labels.h"
#include "models/repository/repository_scan.h"

namespace espalier {
namespace {

constexpr int64_t kDayMillis = int64_t{24} * 3600 * 1000;

ModelManager::Options WithBuilder(ModelManager::Options options) {
  if (options.builder == nullptr) options.builder = std::make_shared<const PlainModelBuilder>();
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelManager>> ModelManager::Create(Options options) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.directory, error)) {
    return Error(absl::StatusCode::kFailedPrecondition, "the model repository \"", options.directory,
                 "\" is no directory");
  }
  return std::make_unique<DirectoryModelManager>(std::move(options));
}

DirectoryModelManager::DirectoryModelManager(Options options)
    : options_(WithBuilder(std::move(options))),
      catalog_(std::make_shared<const ModelCatalog>(std::vector<CatalogModel>())),
      index_(std::make_shared<const std::vector<IndexEntry>>()) {}

DirectoryModelManager::~DirectoryModelManager() {
  stopping_ = true;
  watcher_.Stop();
  if (thread_.joinable()) thread_.join();
}

void DirectoryModelManager::Start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void DirectoryModelManager::Run() {
  while (!stopping_) {
    Poll();
    // A folder that was not watched may have changed since the look at it.
    if (watcher_.Watch(Directories())) continue;
    if (watcher_.Wait(options_.poll_millis > 0 ? options_.poll_millis : kDayMillis) ==
        DirectoryWatcher::Wake::kStopped)
      return;
  }
}

void DirectoryModelManager::Poll() {
  MutexLock lock(pass_mutex_);
  const absl::StatusOr<RepositoryScan> scan = ScanRepository(options_.directory);
  const std::string error(Message(scan.status()));
  if (!scan.ok() && error != logged_error_) {
    OnLog(LogLevel::kError, StrCat("model_repository_unreadable directory=", QuotedForLog(options_.directory),
                                   " reason=", QuotedForLog(error)));
  }
  logged_error_ = error;
  // What cannot be read asks for nothing: everything stays as it is.
  if (scan.ok()) FollowAll(*scan);
}

void DirectoryModelManager::FollowAll(const RepositoryScan& scan) {
  Note(scan);
  for (auto it = followers_.begin(); it != followers_.end();) {
    const bool present = scan.models.contains(it->first);
    if (!present) {
      it->second.Follow({.name = it->first,
                         .path = absl::StrCat(options_.directory, "/", it->first),
                         .versions = {},
                         .status = {}});
      dropped_ = true;
    }
    it = present ? std::next(it) : followers_.erase(it);
  }
  for (const auto& [name, folder] : scan.models) {
    if (stopping_) break;
    FollowerOf(name).Follow(folder);
    PublishIfChanged();
  }
  PublishIfChanged();
}

void DirectoryModelManager::Note(const RepositoryScan& scan) {
  directories_ = {options_.directory};
  for (const auto& [name, folder] : scan.models) {
    directories_.push_back(folder.path);
    for (const auto& [version, files] : folder.versions) {
      directories_.push_back(absl::StrCat(folder.path, "/", version));
    }
  }
  for (const std::string& name : scan.ignored) {
    if (!logged_names_.insert(name).second) continue;
    OnLog(LogLevel::kWarning, StrCat("model_folder_ignored folder=", QuotedForLog(name),
                                     " reason=\"a model's name matches [A-Za-z0-9._-]{1,64}\""));
  }
}

ModelFollower& DirectoryModelManager::FollowerOf(const std::string& model) {
  FollowerListener& listener = *this;
  return followers_.try_emplace(model, model, *options_.clock, *options_.builder, listener).first->second;
}

absl::Status DirectoryModelManager::WithFollower(
    std::string_view model, const std::function<absl::Status(ModelFollower&, const ModelFolder&)>& act) {
  MutexLock lock(pass_mutex_);
  ESPALIER_ASSIGN_OR_RETURN(const ModelFolder folder, ScanModel(options_.directory, model));
  absl::Status result = act(FollowerOf(folder.name), folder);
  PublishIfChanged();
  return result;
}

absl::Status DirectoryModelManager::Load(std::string_view model, std::optional<int64_t> version) {
  return WithFollower(model, [&](ModelFollower& follower, const ModelFolder& folder) {
    return follower.Load(folder, version);
  });
}

absl::Status DirectoryModelManager::Unload(std::string_view model, std::optional<int64_t> version) {
  return WithFollower(model, [&](ModelFollower& follower, const ModelFolder& folder) {
    return follower.Unload(folder, version);
  });
}

absl::Status DirectoryModelManager::SetLabel(std::string_view model, std::string_view label,
                                             int64_t version) {
  return WithFollower(model, [&](ModelFollower& follower, const ModelFolder& folder) {
    const absl::Status written = WriteLabel(options_.directory, model, label, version);
    if (written.ok()) follower.Follow(folder);
    return written;
  });
}

std::vector<IndexEntry> DirectoryModelManager::Index() const { return *index_.Get(); }

// A follower calls this from within a pass, where the mutex is held.
void DirectoryModelManager::OnProgress() ABSL_NO_THREAD_SAFETY_ANALYSIS { PublishIfChanged(); }

void DirectoryModelManager::OnLoad(const std::string& model, int64_t version, const absl::Status& result) {
  if (options_.on_load) options_.on_load(model, version, result);
}

void DirectoryModelManager::OnLog(LogLevel level, std::string_view line) {
  if (options_.log) options_.log(level, line);
}

void DirectoryModelManager::PublishIfChanged() {
  bool changed = std::exchange(dropped_, false);
  for (auto& [name, follower] : followers_) changed |= follower.TakeChanged();
  if (!changed) return;
  std::vector<CatalogModel> models;
  std::vector<IndexEntry> index;
  for (const auto& [name, follower] : followers_) {
    if (follower.empty()) continue;
    models.push_back(follower.Describe());
    follower.AppendIndex(index);
  }
  index_.Publish(std::make_shared<const std::vector<IndexEntry>>(std::move(index)));
  catalog_.Publish(std::make_shared<const ModelCatalog>(std::move(models)));
}

std::vector<std::string> DirectoryModelManager::Directories() {
  MutexLock lock(pass_mutex_);
  std::vector<std::string> directories = directories_;
  if (directories.empty()) directories.push_back(options_.directory);
  return directories;
}

}  // namespace espalier
