// From the files of a version to a model that is ready to serve.
//
//   ESPALIER_ASSIGN_OR_RETURN(ModelBytes bytes, ReadModelBytes(source));
//   ESPALIER_RETURN_IF_ERROR(LoadVersion(source, std::move(bytes), model));
//
// The model file is read once: the digest is of the same bytes that are parsed.
//
// A version may carry its checksum, the SHA-256 of its model file in hexadecimal: `sha256` of variant.json,
// as `espalier train` publishes it, or the first word of FILE.sha256, as `sha256sum` writes it. A model whose
// bytes do not match each of those that are there is refused. Thread-safe; takes as long as reading and
// compiling take.
#ifndef ESPALIER_MODELS_REPOSITORY_VERSION_LOADER_H_
#define ESPALIER_MODELS_REPOSITORY_VERSION_LOADER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/repository/model_catalog.h"

namespace espalier {

inline constexpr char kLineageFile[] = "variant.json";
inline constexpr char kChecksumSuffix[] = ".sha256";

struct VersionSource {
  std::string model;
  int64_t version = 0;
  // The version's folder, and the model file in it.
  std::string folder;
  std::string file;
};

struct ModelBytes {
  std::string bytes;
  // SHA-256 in hexadecimal.
  std::string sha256;
  // What it must be: file name -> what that file says.
  std::vector<std::pair<std::string, std::string>> checksums;
  // The text of variant.json, or why it is ignored.
  std::string lineage;
  std::string lineage_fault;

  // Equal for equal files.
  std::string Fingerprint() const;
};

// The error of ReadFile: the model file is none, is no regular file or too large. A file beside it is ignored
// unless it can be read, for it changes no answer.
absl::StatusOr<ModelBytes> ReadModelBytes(const VersionSource& source);

// Compares checksums, parses, compiles and fills everything of `model` that comes from the version's files
// alone. The first error, which names the file.
absl::Status LoadVersion(const VersionSource& source, ModelBytes bytes, LoadedModel& model);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_VERSION_LOADER_H_
