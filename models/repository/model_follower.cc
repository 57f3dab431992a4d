#include "models/repository/model_follower.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_join.h"
#include "models/base/log_text.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// Longest config that is read, in bytes; a longer one is refused by what reads it.
constexpr uint64_t kMaxConfigBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxLabelsBytes = uint64_t{1} << 20;

std::optional<FileStamp> StampIn(const VersionFolder& files, const std::string& name) {
  const auto found = files.find(name);
  return found == files.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

ModelFollower::ModelFollower(std::string name, const Clock& clock, const ModelBuilder& builder,
                             FollowerListener& listener)
    : name_(std::move(name)),
      clock_(clock),
      builder_(builder),
      listener_(listener),
      rules_(builder_.DefaultRules(name_)) {}

void ModelFollower::Follow(const ModelFolder& folder) {
  if (folder.status != folder_error_) {
    folder_error_ = folder.status;
    if (!folder.status.ok()) LogFailure("model_folder_unreadable", folder.status);
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
  const std::string_view file = builder_.ConfigFile();
  if (file.empty()) return;
  if (!config_text_.Refresh(StrCat(folder.path, "/", file), kMaxConfigBytes)) return;
  const absl::StatusOr<std::string>& text = config_text_.text();
  const bool absent = absl::IsNotFound(text.status());
  changed_ = true;
  if (!absent && !text.ok()) {
    AdoptSettings(text.status());
  } else if (settings_revision_ != 0 && settings_text_ == (absent ? "" : *text)) {
    // Back to what is in force.
    settings_error_ = absl::OkStatus();
  } else {
    AdoptSettings(absent ? builder_.DefaultRules(name_) : builder_.ReadRules(name_, *text));
    if (settings_error_.ok()) settings_text_ = absent ? "" : *text;
  }
}

void ModelFollower::AdoptSettings(absl::StatusOr<ModelRulesHandle> rules) {
  settings_error_ = rules.status();
  if (!rules.ok()) return LogFailure("model_config_refused", rules.status());
  rules_ = *std::move(rules);
  ++settings_revision_;
  if (!rules_->without_effect.empty()) {
    listener_.OnLog(LogLevel::kInfo, StrCat("model_config_keys_without_effect model=", name_, " keys=",
                                            QuotedForLog(absl::StrJoin(rules_->without_effect, " "))));
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
  const absl::StatusOr<std::string> file = ChooseModelFile(files, rules_->model_files);
  version.no_file = file.status();
  version.source = {.file = file.ok() ? *file : "",
                    .stamp = file.ok() ? files.at(*file) : FileStamp(),
                    .lineage = StampIn(files, kLineageFile),
                    .checksum = file.ok() ? StampIn(files, *file + kChecksumSuffix) : std::nullopt,
                    .settings_revision = settings_revision_,
                    .bare = files.empty()};
}

void ModelFollower::Verify(int64_t number, Version& version) {
  if (!version.tried || *version.tried != version.source || version.settled) return;
  // Without a file there is nothing to compare.
  if (!version.no_file.ok()) return;
  const absl::StatusOr<ModelBytes> bytes = ReadModelBytes(SourceOf(number, version));
  if ((bytes.ok() ? bytes->Fingerprint() : "") != version.tried_fingerprint) {
    version.tried.reset();
  } else {
    version.settled = bytes.ok() && !version.source.fresh();
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
  version.settled = false;
  version.waiting = false;
  changed_ = true;
  version.refusal = loaded.status();
  if (loaded.ok()) {
    version.loaded = *std::move(loaded);
    version.logged.reset();
    listener_.OnLog(LogLevel::kInfo,
                    StrCat("model_version_loaded model=", name_, " version=", number,
                           " file=", version.source.file, " sha256=", version.tried_sha256,
                           " trees=", version.loaded->forest->num_trees(), " millis=", millis));
  }
  version.log_later = IsPerhapsBeingRemoved(version);
  if (!IsBeingFilled(version) && !version.log_later) Report(number, version);
}

absl::StatusOr<ModelHandle> ModelFollower::TryBytes(int64_t number, Version& version) try {
  version.tried_sha256.clear();
  version.tried_fingerprint.clear();
  ESPALIER_RETURN_IF_ERROR(version.no_file);
  const VersionSource source = SourceOf(number, version);
  ESPALIER_ASSIGN_OR_RETURN(ModelBytes bytes, ReadModelBytes(source));
  version.tried_sha256 = bytes.sha256;
  version.tried_fingerprint = bytes.Fingerprint();
  if (!bytes.lineage_fault.empty()) {
    listener_.OnLog(LogLevel::kWarning, StrCat("model_lineage_ignored model=", name_, " version=", number,
                                               " reason=", QuotedForLog(bytes.lineage_fault)));
  }
  return builder_.Build(source, std::move(bytes), *rules_);
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
  listener_.OnLog(LogLevel::kError,
                  StrCat("model_version_refused model=", name_, " version=", number, " file=", refusal.file,
                         " serving=", version.loaded == nullptr ? "none" : "previous",
                         " reason=", QuotedForLog(refusal.reason)));
  version.logged = std::move(refusal);
}

void ModelFollower::LetGo(int64_t number, Version& version) {
  version.loaded.reset();
  version.tried.reset();
  changed_ = true;
  const char* const reason = !version.on_disk ? "removed" : version.held ? "request" : "version_policy";
  listener_.OnLog(LogLevel::kInfo,
                  StrCat("model_version_unloaded model=", name_, " version=", number, " reason=", reason));
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
      LogFailure("model_labels_refused", labels.status());
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
      listener_.OnLog(LogLevel::kWarning, StrCat("model_label_waits model=", name_, " label=", label,
                                                 " for_version=", version, " on_version=", before->second));
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
  return PlanLoads(rules_->version_policy, situations);
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

void ModelFollower::LogFailure(std::string_view event, const absl::Status& status) const {
  listener_.OnLog(LogLevel::kError,
                  StrCat(event, " model=", name_, " reason=", QuotedForLog(Message(status))));
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
