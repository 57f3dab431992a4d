#include "services/experiments/config_versions.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "models/base/file.h"
#include "models/base/sha256.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/json_text.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;
using nlohmann::json;

absl::Status Unreadable(const std::string& path, std::string_view why) {
  return Error(absl::StatusCode::kFailedPrecondition, path, ": ", why,
               "; it counts the config versions of experiments, restore it or remove it to count from 1");
}

std::string SerializedDeterministically(const Experiment& document) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    document.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

std::string DigestOf(const Experiment& document) { return Sha256Hex(SerializedDeterministically(document)); }

absl::StatusOr<ConfigVersions> ConfigVersions::Load(const std::string& path) {
  ConfigVersions versions;
  absl::StatusOr<std::string> text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return versions;
  if (!text.ok()) return text.status();
  const absl::StatusOr<json> root = ParseJson(*text);
  if (!root.ok()) return Unreadable(path, Message(root.status()));
  if (!root->is_object()) return Unreadable(path, "is no object");
  for (const auto& item : root->items()) {
    const json& entry = item.value();
    const bool good = entry.is_object() && entry.contains("digest") && entry["digest"].is_string() &&
                      entry.contains("config_version") && entry["config_version"].is_number_unsigned() &&
                      entry["config_version"].get<uint64_t>() <= UINT32_MAX;
    if (!good) return Unreadable(path, StrCat("entry \"", item.key(), "\" is malformed"));
    versions.entries_[item.key()] = {entry["digest"].get<std::string>(),
                                     entry["config_version"].get<uint32_t>()};
  }
  return versions;
}

bool ConfigVersions::Number(std::vector<Experiment>& documents) {
  bool counted = false;
  for (Experiment& document : documents) {
    Entry& entry = entries_[document.experiment()];
    const uint32_t before = entry.config_version;
    const uint32_t stated = document.config_version();
    document.clear_config_version();
    const std::string digest = DigestOf(document);
    if (entry.digest != digest) {
      entry.digest = digest;
      ++entry.config_version;
    }
    entry.config_version = std::max(entry.config_version, stated);
    counted = counted || entry.config_version != before;
    document.set_config_version(entry.config_version);
  }
  return counted;
}

absl::Status ConfigVersions::Save(const std::string& path) const {
  json root = json::object();
  for (const auto& [key, entry] : entries_) {
    root[key] = {{"digest", entry.digest}, {"config_version", entry.config_version}};
  }
  return WriteFileAtomically(path, root.dump(1) + "\n");
}

}  // namespace espalier
