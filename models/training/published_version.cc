#include "models/training/published_version.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "models/base/file.h"
#include "models/base/sha256.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

bool IsModelName(std::string_view name) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

absl::Status FileError(const std::error_code& error, std::string_view action, const fs::path& path) {
  return absl::ErrnoToStatus(error.value(), ToAbsl(StrCat(action, " ", path.string())));
}

absl::Status AlreadyThere(const fs::path& folder) {
  return Error(absl::StatusCode::kAlreadyExists, folder.string(),
               " is there already; versions are never replaced");
}

fs::path VersionFolder(const std::string& models, const std::string& name, int64_t version) {
  return fs::path(models) / name / StrCat(version);
}

// Fills `staging` and moves it to `folder`.
absl::Status WriteAndRename(const fs::path& staging, const fs::path& folder, std::string_view bytes,
                            std::string_view lineage) {
  std::error_code error;
  fs::create_directories(staging, error);
  if (error) return FileError(error, "cannot create", staging);
  ESPALIER_RETURN_IF_ERROR(WriteFileAtomically((staging / "xgboost.ubj").string(), bytes));
  ESPALIER_RETURN_IF_ERROR(WriteFileAtomically((staging / "variant.json").string(), lineage));
  fs::rename(staging, folder, error);
  if (error == std::errc::directory_not_empty || error == std::errc::file_exists) {
    return AlreadyThere(folder);
  }
  if (error) return FileError(error, "cannot create", folder);
  return absl::OkStatus();
}

std::string Timestamp(int64_t unix_micros) {
  const std::time_t seconds = unix_micros / 1'000'000;
  std::tm parts;
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

Json RangeJson(const RowRange& range) {
  return {{"column", range.column}, {"low", range.low}, {"high", range.high}};
}

Json DataJson(const TrainingSpec& spec, const TrainingData& data) {
  Json json = {{"file", spec.input}, {"sha256", data.sha256}, {"rows", data.train.rows()}};
  for (const RowRange& range : spec.where) json["where"].push_back(RangeJson(range));
  if (spec.valid) {
    json["valid"] = RangeJson(*spec.valid);
    json["valid_rows"] = data.valid.rows();
  }
  return json;
}

Json MetricsJson(const TrainedModel& model) {
  Json json = Json::object();
  const size_t kept = std::min<size_t>(model.rounds, model.history.size());
  if (kept > 0) {
    for (const Metric& metric : model.history[kept - 1].metrics) json[metric.name] = metric.value;
  }
  if (model.evaluation) {
    json["auc"] = model.evaluation->auc;
    json["log_loss"] = model.evaluation->log_loss;
    json["brier"] = model.evaluation->brier;
  }
  return json;
}

}  // namespace

absl::Status CheckVersion(const std::string& models, const std::string& name, int64_t version) {
  if (!IsModelName(name)) {
    return InvalidArgument("model name ", name, " must match [A-Za-z0-9._-]{1,64} without a leading dot");
  }
  if (version < 1) return InvalidArgument("version ", version, " must be at least 1");
  const fs::path folder = VersionFolder(models, name, version);
  std::error_code error;
  return fs::exists(folder, error) ? AlreadyThere(folder) : absl::OkStatus();
}

absl::StatusOr<std::string> PublishVersion(const std::string& models, const std::string& name,
                                           int64_t version, std::string_view bytes,
                                           std::string_view lineage) {
  ESPALIER_RETURN_IF_ERROR(CheckVersion(models, name, version));
  const fs::path folder = VersionFolder(models, name, version);
  std::error_code error;
  const fs::path staging = fs::path(models) / name / StrCat(".", version, ".tmp.", getpid());
  if (absl::Status status = WriteAndRename(staging, folder, bytes, lineage); !status.ok()) {
    fs::remove_all(staging, error);
    return status;
  }
  return folder.string();
}

int64_t NextVersion(const std::string& models, const std::string& name) {
  int64_t highest = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(models) / name, error)) {
    const std::string text = entry.path().filename().string();
    int64_t version = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (failed == std::errc() && end == text.data() + text.size()) highest = std::max(highest, version);
  }
  return highest + 1;
}

std::string LineageJson(const TrainingSpec& spec, const TrainingData& data, const TrainedModel& model,
                        int64_t unix_micros) {
  Json json = {{"created", Timestamp(unix_micros)},
               {"created_by", "espalier train"},
               {"xgboost_version", model.xgboost_version},
               {"sha256", Sha256Hex(model.bytes)},
               {"data", DataJson(spec, data)},
               {"label", spec.label},
               {"features", data.features},
               {"objective", spec.objective},
               {"rounds", model.rounds},
               {"params", spec.params},
               {"seed", spec.seed},
               {"threads", spec.threads},
               {"metrics", MetricsJson(model)}};
  if (!spec.categorical.empty()) json["categorical"] = spec.categorical;
  if (!spec.weight.empty()) json["weight"] = spec.weight;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace espalier
