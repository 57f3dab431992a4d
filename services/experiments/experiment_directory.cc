#include "services/experiments/experiment_directory.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "models/base/log_text.h"
#include "models/base/sha256.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/read_experiments.h"

namespace espalier {
namespace {

// The files that hold experiments, by path; none when the directory cannot be read.
std::map<std::string, FileStamp> StampsOf(const std::string& directory) {
  std::map<std::string, FileStamp> stamps;
  const auto files = ListExperimentFiles(directory);
  if (!files.ok()) return stamps;
  for (const std::string& file : *files) {
    if (const auto stamp = StampOf(file); stamp.has_value()) stamps[file] = *stamp;
  }
  return stamps;
}

bool AnyFresh(const std::map<std::string, FileStamp>& stamps) {
  return std::any_of(stamps.begin(), stamps.end(), [](const auto& entry) { return entry.second.fresh; });
}

// Of all documents, in order.
std::string DigestOfAll(const std::vector<espalier::v1::Experiment>& documents) {
  std::string digests;
  for (const auto& document : documents) digests += DigestOf(document);
  return Sha256Hex(digests);
}

size_t CountRunning(const RoutingTable& table) {
  const auto& experiments = table.experiments();
  return static_cast<size_t>(std::count_if(experiments.begin(), experiments.end(),
                                           [](const auto& experiment) { return experiment->running(); }));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExperimentDirectory>> ExperimentDirectory::Create(Options options) {
  auto directory = std::unique_ptr<ExperimentDirectory>(new ExperimentDirectory(std::move(options)));
  if (!directory->options_.state_file.empty()) {
    ESPALIER_ASSIGN_OR_RETURN(ConfigVersions versions, ConfigVersions::Load(directory->options_.state_file));
    MutexLock lock(directory->pass_mutex_);
    directory->versions_ = std::move(versions);
  }
  {
    MutexLock lock(directory->pass_mutex_);
    ESPALIER_RETURN_IF_ERROR(directory->PollLocked());
  }
  return directory;
}

ExperimentDirectory::ExperimentDirectory(Options options)
    : options_(std::move(options)), table_(std::make_shared<const RoutingTable>()) {}

ExperimentDirectory::~ExperimentDirectory() {
  watcher_.Stop();
  if (thread_.joinable()) thread_.join();
}

absl::Status ExperimentDirectory::Poll() {
  MutexLock lock(pass_mutex_);
  absl::Status status = PollLocked();
  MutexLock error_lock(error_mutex_);
  if (!status.ok() && status != last_error_) {
    spdlog::error("experiments_refused directory={} running={} reason={}", QuotedForLog(options_.directory),
                  CountRunning(*table_.Get()), QuotedForLog(Message(status)));
  }
  last_error_ = status;
  return status;
}

absl::Status ExperimentDirectory::PollLocked() {
  read_stamps_ = StampsOf(options_.directory);
  ESPALIER_ASSIGN_OR_RETURN(std::vector<espalier::v1::Experiment> documents,
                            ReadExperimentDirectory(options_.directory, Together::kChecked));
  ConfigVersions versions = versions_;
  const bool counted = versions.Number(documents);
  ESPALIER_ASSIGN_OR_RETURN(std::shared_ptr<const RoutingTable> next, RoutingTable::Create(documents));
  const std::string digest = DigestOfAll(documents);
  if (digest == digest_) return absl::OkStatus();
  if (counted && !options_.state_file.empty()) {
    ESPALIER_RETURN_IF_ERROR(versions.Save(options_.state_file));
  }
  versions_ = std::move(versions);
  digest_ = digest;
  spdlog::info("experiments_accepted directory={} experiments={} running={}",
               QuotedForLog(options_.directory), next->experiments().size(), CountRunning(*next));
  table_.Publish(std::move(next));
  return absl::OkStatus();
}

absl::Status ExperimentDirectory::last_error() const {
  MutexLock lock(error_mutex_);
  return last_error_;
}

void ExperimentDirectory::Start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void ExperimentDirectory::Run() {
  // Errors are logged and kept where they happen.
  while (true) {
    if (watcher_.Watch({options_.directory})) {
      // It may have changed before it was watched.
      Poll().IgnoreError();
      continue;
    }
    switch (watcher_.Wait(options_.poll_millis)) {
      case DirectoryWatcher::Wake::kStopped:
        return;
      case DirectoryWatcher::Wake::kChanged:
        Poll().IgnoreError();
        break;
      case DirectoryWatcher::Wake::kTimeout:
        if (Changed()) Poll().IgnoreError();
        break;
    }
  }
}

bool ExperimentDirectory::Changed() {
  Stamps stamps = StampsOf(options_.directory);
  const bool resting = stamps == seen_stamps_;
  seen_stamps_ = stamps;
  MutexLock lock(pass_mutex_);
  return resting && (stamps != read_stamps_ || AnyFresh(read_stamps_));
}

}  // namespace espalier
