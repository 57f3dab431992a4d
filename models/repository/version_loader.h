// From the bytes of a model file to a version that is ready to serve.
//
//   ESPALIER_ASSIGN_OR_RETURN(ModelBytes bytes, ReadModelBytes(source));
//   ESPALIER_ASSIGN_OR_RETURN(ModelHandle model, LoadVersion(source, std::move(bytes), settings));
//
// The file is read once: the digest is of the same bytes that are parsed. Thread-safe; takes as long as
// reading, compiling and warming up take.
#ifndef ESPALIER_MODELS_REPOSITORY_VERSION_LOADER_H_
#define ESPALIER_MODELS_REPOSITORY_VERSION_LOADER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "models/repository/model_catalog.h"
#include "models/repository/model_settings.h"

namespace espalier {

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
};

// The error of ReadFile: the file is none, is no regular file or too large.
absl::StatusOr<ModelBytes> ReadModelBytes(const VersionSource& source);

// Parses, compiles, checks against `settings` and warms up. The first error, which names the file or the key.
absl::StatusOr<ModelHandle> LoadVersion(const VersionSource& source, ModelBytes bytes,
                                        const ModelSettings& settings);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_VERSION_LOADER_H_
