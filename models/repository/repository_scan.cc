#include "models/repository/repository_scan.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// Longer than the tick of any file system's clock that is worth serving from.
constexpr int64_t kFreshNanos = 50'000'000;

int64_t Nanos(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

// The system's clock, for it is the one that file systems stamp with.
int64_t NowNanos() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return Nanos(now);
}

FileStamp MakeStamp(const struct stat& info) {
  const int64_t modified = Nanos(info.st_mtim);
  const int64_t age = NowNanos() - modified;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = info.st_size,
          .modified_nanos = modified,
          // A file from far in the future would stay fresh for as long; it is taken as it is.
          .fresh = age < kFreshNanos && age > -kSecond};
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// The names in a directory, sorted, without those that begin with a dot.
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
  if (directory == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read folder ", path));
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    errno = 0;
  }
  if (errno != 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read folder ", path));
  std::sort(names.begin(), names.end());
  return names;
}

bool IsDirectory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

absl::StatusOr<VersionFolder> ScanVersion(const std::string& path) {
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(path));
  VersionFolder files;
  for (const std::string& name : names) {
    if (const auto stamp = StampOf(absl::StrCat(path, "/", name))) files.emplace(name, *stamp);
  }
  return files;
}

// A folder that vanished while it was looked at is no error: it is gone.
ModelFolder ScanFolder(std::string name, std::string path) {
  ModelFolder folder{.name = std::move(name), .path = std::move(path), .versions = {}, .status = {}};
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder.path);
  if (!names.ok()) {
    if (!absl::IsNotFound(names.status())) folder.status = names.status();
    return folder;
  }
  for (const std::string& entry : *names) {
    const std::optional<int64_t> version = ParseVersionFolder(entry);
    const std::string version_path = absl::StrCat(folder.path, "/", entry);
    if (!version || !IsDirectory(version_path)) continue;
    absl::StatusOr<VersionFolder> files = ScanVersion(version_path);
    if (files.ok()) {
      folder.versions.emplace(*version, *std::move(files));
    } else if (!absl::IsNotFound(files.status())) {
      folder.status = files.status();
    }
  }
  return folder;
}

}  // namespace

std::optional<FileStamp> StampOf(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return MakeStamp(info);
}

bool IsModelName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
         });
}

std::optional<int64_t> ParseVersionFolder(std::string_view name) {
  int64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (version <= 0 || name.front() == '0') return std::nullopt;
  return version;
}

absl::StatusOr<RepositoryScan> ScanRepository(const std::string& directory) {
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(directory));
  RepositoryScan scan;
  for (const std::string& name : names) {
    std::string path = absl::StrCat(directory, "/", name);
    if (!IsDirectory(path)) continue;
    if (IsModelName(name)) {
      scan.models.emplace(name, ScanFolder(name, std::move(path)));
    } else {
      scan.ignored.push_back(name);
    }
  }
  return scan;
}

absl::StatusOr<ModelFolder> ScanModel(const std::string& directory, std::string_view model) {
  if (!IsModelName(model)) {
    return InvalidArgument("model \"", model,
                           "\": a name matches [A-Za-z0-9._-]{1,64} without a leading dot");
  }
  std::string path = StrCat(directory, "/", model);
  if (!IsDirectory(path)) {
    return Error(absl::StatusCode::kNotFound, "the repository ", directory, " has no model \"", model, "\"");
  }
  return ScanFolder(std::string(model), std::move(path));
}

absl::StatusOr<std::string> ChooseModelFile(const VersionFolder& files,
                                            const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (files.contains(name)) return name;
  }
  const std::set<std::string> sought(names.begin(), names.end());
  return Error(absl::StatusCode::kNotFound, "the version's folder has no model file (",
               absl::StrJoin(sought, ", "), ")");
}

}  // namespace espalier
