#include "services/experiments/read_experiments.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/document.h"
#include "router/experiment/document_node.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;

bool IsExperimentFile(const std::string& name) {
  return !name.starts_with('.') &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListExperimentFiles(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> paths;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (IsExperimentFile(entry->path().filename().string())) paths.push_back(entry->path().string());
  }
  if (error) {
    return Error(absl::StatusCode::kFailedPrecondition, "the experiment directory \"", directory,
                 "\" cannot be read: ", error.message());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

absl::StatusOr<std::vector<Experiment>> ReadExperimentFile(const std::string& path) {
  ESPALIER_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxDocumentBytes));
  return ParseExperiments(text, path);
}

absl::StatusOr<std::vector<Experiment>> ReadExperimentDirectory(const std::string& directory) {
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListExperimentFiles(directory));
  std::vector<Experiment> experiments;
  absl::flat_hash_map<std::string, std::string> file_of;
  for (const std::string& file : files) {
    ESPALIER_ASSIGN_OR_RETURN(std::vector<Experiment> some, ReadExperimentFile(file));
    for (Experiment& experiment : some) {
      const auto [other, is_new] = file_of.emplace(experiment.experiment(), file);
      if (!is_new) {
        return InvalidArgument(file, ": experiment \"", experiment.experiment(), "\" stands in ",
                               other->second, ", too");
      }
      experiments.push_back(std::move(experiment));
    }
  }
  return experiments;
}

absl::StatusOr<std::vector<Experiment>> ReadExperiments(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? ReadExperimentDirectory(path)
                                                    : ReadExperimentFile(path);
}

}  // namespace espalier
