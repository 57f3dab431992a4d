// Whole files, with the errors that a reader of a message needs: every Status names the path.
#ifndef ESPALIER_MODELS_BASE_FILE_H_
#define ESPALIER_MODELS_BASE_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// The bytes of a regular file (links are followed). NOT_FOUND when there is none, FAILED_PRECONDITION for
// anything that is not a regular file (a directory, a pipe, a device), RESOURCE_EXHAUSTED above `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t max_bytes = uint64_t{4} << 30);

// Replaces `path` whole: a reader sees the old bytes or the new ones, and the new ones survive a crash.
absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes);

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_FILE_H_
