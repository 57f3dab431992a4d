// Names for versions: models/<name>/labels.json, {"champion": 2, "candidate": 3}.
//
// A label matches [a-z0-9_-]{1,64} and is not all digits, so that it is never taken for a version number.
#ifndef ESPALIER_MODELS_REPOSITORY_LABELS_H_
#define ESPALIER_MODELS_REPOSITORY_LABELS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// label -> version
using Labels = std::map<std::string, int64_t>;

inline constexpr char kLabelsFile[] = "labels.json";

bool IsLabel(std::string_view text);

// Reads the text of a labels.json, strictly: INVALID_ARGUMENT for anything but one object of positive
// integers, for a name that is no label, and for one that is given twice.
absl::StatusOr<Labels> ParseLabels(std::string_view text);

std::string FormatLabels(const Labels& labels);

// Sets or (version 0) removes a label in the file of `model` below the repository `directory`, atomically.
// INVALID_ARGUMENT for a bad name, NOT_FOUND for a model, version or (removing) label that is not there,
// FAILED_PRECONDITION when the present file is malformed: it is somebody's, and stays.
absl::Status WriteLabel(const std::string& directory, std::string_view model, std::string_view label,
                        int64_t version);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_LABELS_H_
