#include "models/repository/labels.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/repository/repository_scan.h"

namespace espalier {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxLabelsBytes = uint64_t{1} << 20;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Parses, and notes the first key of the outermost object that is given twice.
Json ParseNotingRepeats(std::string_view text, std::optional<std::string>& repeated) {
  std::set<std::string> seen;
  const auto note = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second) {
      repeated = parsed.get<std::string>();
    }
    return true;
  };
  return Json::parse(text, note);
}

absl::StatusOr<int64_t> ParseVersion(const std::string& label, const Json& value) {
  if (value.is_number_unsigned() && value.get<uint64_t>() > 0 && value.get<uint64_t>() <= INT64_MAX) {
    return value.get<int64_t>();
  }
  return InvalidArgument("labels.json: label \"", label, "\" must have a positive version number");
}

absl::StatusOr<Labels> ReadLabels(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path, kMaxLabelsBytes);
  if (absl::IsNotFound(text.status())) return Labels();
  if (!text.ok()) return text.status();
  absl::StatusOr<Labels> labels = ParseLabels(*text);
  if (!labels.ok()) {
    return Error(absl::StatusCode::kFailedPrecondition, path,
                 " is malformed and was left alone: ", Message(labels.status()));
  }
  return labels;
}

absl::Status CheckVersion(const ModelFolder& folder, int64_t version) {
  if (version == 0 || folder.versions.contains(version)) return absl::OkStatus();
  std::string present;
  for (const auto& [number, files] : folder.versions) present += StrCat(present.empty() ? "" : ", ", number);
  return Error(absl::StatusCode::kNotFound, "model \"", folder.name, "\" has no version ", version,
               present.empty() ? "; it has none" : "; it has ", present);
}

}  // namespace

bool IsLabel(std::string_view text) {
  return !text.empty() && text.size() <= 64 && !std::all_of(text.begin(), text.end(), IsDigit) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '_' || c == '-'; });
}

absl::StatusOr<Labels> ParseLabels(std::string_view text) {
  Json json;
  std::optional<std::string> repeated;
  try {
    json = ParseNotingRepeats(text, repeated);
  } catch (const Json::exception& error) {
    return InvalidArgument("labels.json: ", error.what());
  }
  if (!json.is_object()) return InvalidArgument("labels.json: an object of label: version is needed");
  if (repeated) return InvalidArgument("labels.json: label \"", *repeated, "\" is given twice");
  Labels labels;
  for (const auto& [label, value] : json.items()) {
    if (!IsLabel(label)) {
      return InvalidArgument("labels.json: \"", label,
                             "\" is no label; labels match [a-z0-9_-]{1,64} and are not all digits");
    }
    ESPALIER_ASSIGN_OR_RETURN(labels[label], ParseVersion(label, value));
  }
  return labels;
}

std::string FormatLabels(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [label, version] : labels) json[label] = version;
  return json.dump(2) + "\n";
}

absl::Status WriteLabel(const std::string& directory, std::string_view model, std::string_view label,
                        int64_t version) {
  if (!IsLabel(label)) {
    return InvalidArgument("label \"", label, "\" must match [a-z0-9_-]{1,64} and not be all digits");
  }
  if (version < 0) return InvalidArgument("version ", version, " of label \"", label, "\" must be positive");
  ESPALIER_ASSIGN_OR_RETURN(const ModelFolder folder, ScanModel(directory, model));
  ESPALIER_RETURN_IF_ERROR(CheckVersion(folder, version));
  const std::string path = absl::StrCat(folder.path, "/", kLabelsFile);
  ESPALIER_ASSIGN_OR_RETURN(Labels labels, ReadLabels(path));
  if (version != 0) {
    labels[std::string(label)] = version;
  } else if (labels.erase(std::string(label)) == 0) {
    return Error(absl::StatusCode::kNotFound, "model \"", model, "\" has no label \"", label, "\"");
  }
  return WriteFileAtomically(path, FormatLabels(labels));
}

}  // namespace espalier
