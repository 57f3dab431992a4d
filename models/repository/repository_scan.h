// What a repository directory holds right now: names and file stamps, no contents.
//
//   models/<name>/config.pbtxt         optional
//   models/<name>/labels.json          optional
//   models/<name>/<version>/...        the model file and what lies beside it
//
// Model names match [A-Za-z0-9._-]{1,64} without a leading dot; version folders are positive decimal int64
// without leading zeros. Symbolic links are followed; entries of other names, and those with a leading dot,
// are not looked at. Reads directories only; thread-safe.
#ifndef ESPALIER_MODELS_REPOSITORY_REPOSITORY_SCAN_H_
#define ESPALIER_MODELS_REPOSITORY_REPOSITORY_SCAN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// By what a changed file is told. Equal stamps mean the same bytes, unless the stamp is fresh.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;
  int64_t modified_nanos = 0;
  // The file was changed so shortly before the look that another change could bear the same time (file
  // systems count in milliseconds): its bytes must be compared once more. No part of equality.
  bool fresh = false;

  friend bool operator==(const FileStamp& a, const FileStamp& b) {
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.modified_nanos == b.modified_nanos;
  }
};

// Nothing when there is no such file.
std::optional<FileStamp> StampOf(const std::string& path);

// The files of one version, by name.
using VersionFolder = std::map<std::string, FileStamp>;

struct ModelFolder {
  std::string name;
  std::string path;
  std::map<int64_t, VersionFolder> versions;
  // Not OK when a folder could not be read: then `versions` is not the whole truth.
  absl::Status status;
};

struct RepositoryScan {
  std::map<std::string, ModelFolder> models;
  // Folders whose names no model may have.
  std::vector<std::string> ignored;
};

bool IsModelName(std::string_view name);

// Nothing for a name that is no version.
std::optional<int64_t> ParseVersionFolder(std::string_view name);

// Fails when `directory` itself cannot be read.
absl::StatusOr<RepositoryScan> ScanRepository(const std::string& directory);

// One model. INVALID_ARGUMENT for a bad name, NOT_FOUND when there is no such folder.
absl::StatusOr<ModelFolder> ScanModel(const std::string& directory, std::string_view model);

// Which of `files` is the model: the first of `names` that is there. NOT_FOUND naming what was looked for.
absl::StatusOr<std::string> ChooseModelFile(const VersionFolder& files,
                                            const std::vector<std::string>& names);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_REPOSITORY_SCAN_H_
