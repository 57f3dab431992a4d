// Counts the accepted edits of each experiment, across restarts.
//
// An edit is a document that means something else: comments, spaces and the order of keys do not count. An
// experiment that was away goes on counting where it was.
#ifndef ESPALIER_SERVICES_EXPERIMENTS_CONFIG_VERSIONS_H_
#define ESPALIER_SERVICES_EXPERIMENTS_CONFIG_VERSIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"

namespace espalier {

// SHA-256 of a document, equal for documents of equal meaning.
std::string DigestOf(const espalier::v1::Experiment& document);

// A value: copy it, number with the copy, and keep the copy when all went well.
class ConfigVersions {
 public:
  // From a JSON file {"<key>": {"digest": "<sha256>", "config_version": <n>}}; nothing counted yet when there
  // is none. A file that is anything else is FAILED_PRECONDITION: numbers that were given must not be given
  // again.
  static absl::StatusOr<ConfigVersions> Load(const std::string& path);

  // Sets config_version in every document: the one of the last time for an unchanged document, else one more.
  // A larger number in the document itself is taken. Whether anything was counted.
  bool Number(std::vector<espalier::v1::Experiment>& documents);

  // Writes the file whole; it survives a crash.
  absl::Status Save(const std::string& path) const;

 private:
  struct Entry {
    std::string digest;
    uint32_t config_version = 0;
  };

  std::map<std::string, Entry> entries_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_EXPERIMENTS_CONFIG_VERSIONS_H_
