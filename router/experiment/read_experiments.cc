#include "router/experiment/read_experiments.h"

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
#include "router/experiment/validate.h"

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

namespace {

// The first file whose documents do not go with those of the files before it says so.
absl::Status CheckTogether(const std::vector<Experiment>& experiments,
                           const absl::flat_hash_map<std::string, std::string>& file_of) {
  const absl::Status all = ValidateTogether(experiments);
  if (all.ok()) return all;
  std::vector<Experiment> so_far;
  for (const Experiment& experiment : experiments) {
    so_far.push_back(experiment);
    const absl::Status status = ValidateTogether(so_far);
    if (!status.ok()) return Annotate(status, file_of.at(experiment.experiment()));
  }
  return all;
}

}  // namespace

absl::StatusOr<std::vector<Experiment>> ReadExperimentDirectory(const std::string& directory,
                                                                Together together) {
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
  if (together == Together::kChecked) ESPALIER_RETURN_IF_ERROR(CheckTogether(experiments, file_of));
  return experiments;
}

absl::StatusOr<std::vector<Experiment>> ReadExperiments(const std::string& path, Together together) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return ReadExperimentDirectory(path, together);
  ESPALIER_ASSIGN_OR_RETURN(std::vector<Experiment> experiments, ReadExperimentFile(path));
  if (together == Together::kChecked) {
    ESPALIER_RETURN_IF_ERROR(Annotate(ValidateTogether(experiments), path));
  }
  return experiments;
}

}  // namespace espalier
