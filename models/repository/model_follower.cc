#include "models/repository/model_follower.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_join.h"
#include "models/base/log_text.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr char kConfigFile[] = "config.pbtxt";
constexpr uint64_t kMaxLabelsBytes = uint64_t{1} << 20;

}  // namespace

ModelFollower::ModelFollower(std::string name, const Clock& clock, FollowerListener& listener)
    : name_(std::move(name)), clock_(clock), listener_(listener), settings_(DefaultModelSettings(name_)) {}

void ModelFollower::Follow(const ModelFolder& folder) {
  if (folder.status != folder_error_) {
    folder_error_ = folder.status;
    if (!folder.status.ok()) {
      spdlog::error("model_folder_unreadable model={} reason={}", name_,
                    QuotedForLog(Message(folder.status)));
    }
  }
  // Half the truth is no reason to unload the other half.
  if (!folder.status.ok()) return;
  RefreshSettings(folder);
  RefreshVersions(folder);
  Settle();
  RefreshLabels(folder);
}

absl::Status ModelFollower::Load(const ModelFolder& folder, std::optional<int64_t> version) {
  ESPALIER_RETURN_IF_ERROR(folder.status);
  RefreshSettings(folder);
  RefreshVersions(folder);
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<int64_t> asked, Select(version));
  for (const int64_t number : asked) {
    Version& record = versions_.at(number);
    record.held.reset();
    if (!record.refusal.ok()) {
      record.refusal = absl::OkStatus();
      record.tried.reset();
    }
    // Whatever the policy says; where it wants the version anyway, it shall also retire it.
    if (version) {
      const std::vector<int64_t> wanted = Plan().load;
      const bool by_policy = record.loaded != nullptr || std::count(wanted.begin(), wanted.end(), number) > 0;
      record.pinned = record.pinned || !by_policy;
    }
    changed_ = true;
  }
  Settle();
  RefreshLabels(folder);
  ESPALIER_RETURN_IF_ERROR(settings_error_);
  return ResultOf(asked, !version.has_value());
}

absl::Status ModelFollower::Unload(const ModelFolder& folder, std::optional<int64_t> version) {
  ESPALIER_RETURN_IF_ERROR(folder.status);
  RefreshSettings(folder);
  RefreshVersions(folder);
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<int64_t> asked, Select(version));
  for (const int64_t number : asked) {
    Version& record = versions_.at(number);
    record.held = record.source;
    record.pinned = false;
    changed_ = true;
  }
  Settle();
  RefreshLabels(folder);
  return absl::OkStatus();
}

void ModelFollower::RefreshSettings(const ModelFolder& folder) {
  if (!config_text_.Refresh(absl::StrCat(folder.path, "/", kConfigFile), kMaxConfigBytes)) return;
  const absl::StatusOr<std::string>& text = config_text_.text();
  const bool absent = absl::IsNotFound(text.status());
  changed_ = true;
  if (!absent && !text.ok()) {
    AdoptSettings(text.status());
  } else if (settings_revision_ != 0 && settings_text_ == (absent ? "" : *text)) {
    // Back to what is in force.
    settings_error_ = absl::OkStatus();
  } else {
    AdoptSettings(absent ? DefaultModelSettings(name_) : ReadModelSettings(name_, *text));
    if (settings_error_.ok()) settings_text_ = absent ? "" : *text;
  }
}

void ModelFollower::AdoptSettings(absl::StatusOr<ModelSettings> settings) {
  settings_error_ = settings.status();
  if (!settings.ok()) {
    spdlog::error("model_config_refused model={} reason={}", name_, QuotedForLog(Message(settings.status())));
    return;
  }
  settings_ = *std::move(settings);
  ++settings_revision_;
  if (!settings_.without_effect.empty()) {
    spdlog::info("model_config_keys_without_effect model={} keys={}", name_,
                 QuotedForLog(absl::StrJoin(settings_.without_effect, " ")));
  }
}

void ModelFollower::RefreshVersions(const ModelFolder& folder) {
  for (auto& [number, version] : versions_) version.on_disk = false;
  for (const auto& [number, files] : folder.versions) {
    const auto [it, added] = versions_.try_emplace(number);
    changed_ |= added;
    Version& version = it->second;
    RefreshVersion(absl::StrCat(folder.path, "/", number), files, version);
    if (version.held && *version.held != version.source) {
      version.held.reset();
      changed_ = true;
    }
    Verify(number, version);
    if (std::exchange(version.log_later, false) && version.tried == version.source) Report(number, version);
  }
}

void ModelFollower::RefreshVersion(const std::string& path, const VersionFolder& files, Version& version) {
  version.on_disk = true;
  version.folder = path;
  const absl::StatusOr<std::string> file = ChooseModelFile(files, settings_);
  version.no_file = file.status();
  version.source = {.file = file.ok() ? *file : "",
                    .stamp = file.ok() ? files.at(*file) : FileStamp(),
                    .settings_revision = settings_revision_,
                    .bare = files.empty()};
}

void ModelFollower::Verify(int64_t number, Version& version) {
  if (!version.tried || *version.tried != version.source || !version.tried->stamp.fresh) return;
  const absl::StatusOr<ModelBytes> bytes = ReadModelBytes(SourceOf(number, version));
  if ((bytes.ok() ? bytes->sha256 : "") == version.tried_sha256) {
    version.tried = version.source;
  } else {
    version.tried.reset();
  }
}

void ModelFollower::Settle() {
  while (true) {
    LoadPlan plan = Plan();
    // Under settings that are refused nothing new can be judged.
    if (!settings_error_.ok()) plan.load.clear();
    for (const int64_t number : plan.unload) LetGo(number, versions_.at(number));
    for (const int64_t number : plan.load) versions_.at(number).waiting = true;
    for (const int64_t number : plan.load) {
      if (listener_.Stopping()) return;
      Try(number, versions_.at(number));
    }
    if (plan.load.empty()) break;
  }
  changed_ |= std::erase_if(versions_, [](const auto& entry) { return !entry.second.on_disk; }) > 0;
}

void ModelFollower::Try(int64_t number, Version& version) {
  changed_ |= version.loaded == nullptr;
  listener_.OnProgress();
  const int64_t begin = clock_.MonotonicNanos();
  absl::StatusOr<ModelHandle> loaded = TryBytes(number, version);
  const int64_t millis = (clock_.MonotonicNanos() - begin) / 1'000'000;
  version.tried = version.source;
  version.waiting = false;
  changed_ = true;
  version.refusal = loaded.status();
  if (loaded.ok()) {
    version.loaded = *std::move(loaded);
    version.logged.reset();
    spdlog::info("model_version_loaded model={} version={} file={} sha256={} trees={} millis={}", name_,
                 number, version.source.file, version.tried_sha256, version.loaded->forest->num_trees(),
                 millis);
  }
  version.log_later = IsPerhapsBeingRemoved(version);
  if (!IsBeingFilled(version) && !version.log_later) Report(number, version);
}

absl::StatusOr<ModelHandle> ModelFollower::TryBytes(int64_t number, Version& version) try {
  version.tried_sha256.clear();
  ESPALIER_RETURN_IF_ERROR(version.no_file);
  const VersionSource source = SourceOf(number, version);
  ESPALIER_ASSIGN_OR_RETURN(ModelBytes bytes, ReadModelBytes(source));
  version.tried_sha256 = bytes.sha256;
  return LoadVersion(source, std::move(bytes), settings_);
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError(absl::StrCat(version.source.file, " does not fit into memory"));
}

void ModelFollower::Report(int64_t number, Version& version) {
  if (!version.refusal.ok()) LogRefusal(number, version);
  listener_.OnLoad(name_, number, version.refusal);
}

// The same bytes, refused for the same reason, are one line: a file's stamp may be taken before its last
// bytes are written, and the bytes read after.
void ModelFollower::LogRefusal(int64_t number, Version& version) {
  Refusal refusal{.file = version.source.file,
                  .sha256 = version.tried_sha256,
                  .settings_revision = version.source.settings_revision,
                  .reason = std::string(Message(version.refusal))};
  if (version.logged == refusal) return;
  spdlog::error("model_version_refused model={} version={} file={} serving={} reason={}", name_, number,
                refusal.file, version.loaded == nullptr ? "none" : "previous", QuotedForLog(refusal.reason));
  version.logged = std::move(refusal);
}

void ModelFollower::LetGo(int64_t number, Version& version) {
  version.loaded.reset();
  version.tried.reset();
  changed_ = true;
  spdlog::info("model_version_unloaded model={} version={} reason={}", name_, number,
               !version.on_disk ? "removed"
               : version.held   ? "request"
                                : "version_policy");
}

void ModelFollower::RefreshLabels(const ModelFolder& folder) {
  if (labels_text_.Refresh(absl::StrCat(folder.path, "/", kLabelsFile), kMaxLabelsBytes)) {
    const absl::StatusOr<std::string>& text = labels_text_.text();
    absl::StatusOr<Labels> labels = absl::IsNotFound(text.status()) ? Labels()
                                    : text.ok()                     ? ParseLabels(*text)
                                                                    : absl::StatusOr<Labels>(text.status());
    if (labels.ok()) {
      wanted_labels_ = *std::move(labels);
    } else {
      spdlog::error("model_labels_refused model={} reason={}", name_, QuotedForLog(Message(labels.status())));
    }
  }
  MoveLabels();
}

void ModelFollower::MoveLabels() {
  Labels next = wanted_labels_;
  Labels waiting;
  for (auto& [label, version] : next) {
    const auto before = labels_.find(label);
    if (IsReady(version) || before == labels_.end() || before->second == version) continue;
    if (!IsReady(before->second)) continue;
    waiting[label] = version;
    const auto noted = waiting_labels_.find(label);
    if (noted == waiting_labels_.end() || noted->second != version) {
      spdlog::warn("model_label_waits model={} label={} for_version={} on_version={}", name_, label, version,
                   before->second);
    }
    version = before->second;
  }
  changed_ |= next != labels_;
  labels_ = std::move(next);
  waiting_labels_ = std::move(waiting);
}

absl::StatusOr<std::vector<int64_t>> ModelFollower::Select(std::optional<int64_t> version) const {
  std::vector<int64_t> on_disk;
  for (const auto& [number, record] : versions_) {
    if (record.on_disk) on_disk.push_back(number);
  }
  if (!version) return on_disk;
  if (std::count(on_disk.begin(), on_disk.end(), *version) > 0) return std::vector<int64_t>{*version};
  return Error(absl::StatusCode::kNotFound, "model \"", name_, "\" has no version ", *version, "; it has ",
               on_disk.empty() ? "none" : absl::StrJoin(on_disk, ", "));
}

absl::Status ModelFollower::ResultOf(const std::vector<int64_t>& asked, bool all) const {
  bool any_ready = false;
  for (const int64_t number : asked) {
    const Version& version = versions_.at(number);
    if (!version.refusal.ok()) {
      return Annotate(version.refusal, StrCat("version ", number, " of model \"", name_, "\""));
    }
    any_ready |= version.loaded != nullptr;
  }
  if (any_ready) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "model \"", name_, "\" has no version ",
               all ? "that version_policy wants" : "that could be loaded");
}

LoadPlan ModelFollower::Plan() const {
  std::map<int64_t, VersionSituation> situations;
  for (const auto& [number, version] : versions_) {
    situations[number] = {.on_disk = version.on_disk,
                          .serves = version.loaded != nullptr,
                          .tried = version.tried == version.source,
                          .refused = !version.refusal.ok(),
                          .held = version.held.has_value(),
                          .pinned = version.pinned};
  }
  return PlanLoads(settings_.config.version_policy(), situations);
}

bool ModelFollower::IsBeingFilled(const Version& version) {
  return version.source.bare && version.loaded == nullptr;
}

bool ModelFollower::IsPerhapsBeingRemoved(const Version& version) {
  return version.loaded != nullptr && absl::IsNotFound(version.no_file) && !version.refusal.ok();
}

bool ModelFollower::IsReady(int64_t version) const {
  const auto found = versions_.find(version);
  return found != versions_.end() && found->second.loaded != nullptr;
}

std::string ModelFollower::WhyNotReady(const Version& version) const {
  if (!version.refusal.ok() && version.tried == version.source) return std::string(Message(version.refusal));
  if (version.waiting) return "loading";
  if (version.held) return "unloaded";
  if (!settings_error_.ok()) return std::string(Message(settings_error_));
  return "version_policy does not want it";
}

VersionSource ModelFollower::SourceOf(int64_t number, const Version& version) const {
  return {.model = name_, .version = number, .folder = version.folder, .file = version.source.file};
}

CatalogModel ModelFollower::Describe() const {
  std::vector<ModelHandle> ready;
  std::map<int64_t, std::string> known;
  for (const auto& [number, version] : versions_) {
    if (version.loaded != nullptr) {
      ready.push_back(version.loaded);
    } else {
      known.emplace(number, WhyNotReady(version));
    }
  }
  return CatalogModel(name_, std::move(ready), std::move(known), labels_);
}

void ModelFollower::AppendIndex(std::vector<IndexEntry>& index) const {
  for (const auto& [number, version] : versions_) {
    IndexEntry entry{.name = name_, .version = number, .state = "READY", .reason = ""};
    if (version.loaded == nullptr) {
      entry.state = version.waiting ? "LOADING" : "UNAVAILABLE";
      entry.reason = version.waiting ? "" : WhyNotReady(version);
    } else if (!version.refusal.ok()) {
      entry.reason =
          StrCat("serving the file before the present one, which was refused: ", Message(version.refusal));
    }
    index.push_back(std::move(entry));
  }
}

}  // namespace espalier
