// Experiment documents from files.
#ifndef ESPALIER_ROUTER_EXPERIMENT_READ_EXPERIMENTS_H_
#define ESPALIER_ROUTER_EXPERIMENT_READ_EXPERIMENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"

namespace espalier {

// The files of `directory` that hold experiments, ascending by name: *.yaml, *.yml and *.json without a
// leading dot.
absl::StatusOr<std::vector<std::string>> ListExperimentFiles(const std::string& directory);

// The experiments of a file, each valid by itself; the error names the file.
absl::StatusOr<std::vector<espalier::v1::Experiment>> ReadExperimentFile(const std::string& path);

// Whether documents are checked against each other, as a server does that is to run them all: the error names
// the file of the first that does not go with those before it.
enum class Together { kChecked, kUnchecked };

// Those of every file of a directory; a key that stands in two files is refused, naming both.
absl::StatusOr<std::vector<espalier::v1::Experiment>> ReadExperimentDirectory(const std::string& directory,
                                                                              Together together);

// Those of a file or a directory, whichever `path` is.
absl::StatusOr<std::vector<espalier::v1::Experiment>> ReadExperiments(const std::string& path,
                                                                      Together together);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_READ_EXPERIMENTS_H_
