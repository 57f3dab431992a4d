#include "models/training/training_spec.h"

#include <algorithm>
#include <set>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Parameters that have a field of their own, so that the lineage cannot contradict the model.
absl::Status CheckParams(const TrainingSpec& spec) {
  static constexpr std::pair<std::string_view, std::string_view> kFields[] = {
      {"objective", "objective"}, {"seed", "seed"},         {"random_state", "seed"},
      {"nthread", "threads"},     {"n_jobs", "threads"},    {"num_boost_round", "rounds"},
      {"num_round", "rounds"},    {"verbosity", "progress"}};
  for (const auto& [name, field] : kFields) {
    if (spec.params.count(std::string(name)) != 0) {
      return InvalidArgument("parameter ", name, " has an option of its own: ", field);
    }
  }
  return absl::OkStatus();
}

// Boosters of trees alone can be served.
absl::Status CheckBooster(const TrainingSpec& spec) {
  const auto booster = spec.params.find("booster");
  if (booster == spec.params.end() || booster->second == "gbtree" || booster->second == "dart") {
    return absl::OkStatus();
  }
  return InvalidArgument("parameter booster: ", booster->second, " must be gbtree or dart");
}

absl::Status CheckColumns(const TrainingSpec& spec) {
  if (spec.label.empty()) return InvalidArgument("label: a column is needed");
  std::set<std::string_view> seen;
  for (const std::string& feature : spec.features) {
    if (feature == spec.label) return InvalidArgument("features: ", feature, " is the label");
    if (feature == spec.weight) return InvalidArgument("features: ", feature, " is the weight");
    if (!seen.insert(feature).second) return InvalidArgument("features: ", feature, " stands there twice");
  }
  for (const std::string& name : spec.categorical) {
    if (!spec.features.empty() && !Contains(spec.features, name)) {
      return InvalidArgument("categorical: ", name, " is not among the features");
    }
  }
  return absl::OkStatus();
}

// Objectives whose labels are more than one column.
absl::Status CheckObjective(const std::string& objective) {
  if (objective.empty())
    return InvalidArgument("objective: one of XGBoost's is needed, such as binary:logistic");
  if (StartsWith(objective, "rank:") || objective == "survival:aft") {
    return InvalidArgument("objective: ", objective, " needs ",
                           objective[0] == 'r' ? "query groups" : "two label bounds",
                           ", which a table with one label column does not have");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RowRange> ParseRowRange(std::string_view text) {
  const size_t first = text.find(':');
  const size_t last = text.rfind(':');
  RowRange range;
  if (first != std::string_view::npos && first != last) {
    range.column = text.substr(0, first);
    range.low = text.substr(first + 1, last - first - 1);
    range.high = text.substr(last + 1);
  }
  if (range.column.empty() || range.low.find(':') != std::string::npos ||
      (range.low.empty() && range.high.empty())) {
    return InvalidArgument("range ", text, " must be COLUMN:LOW:HIGH; one bound may be empty");
  }
  return range;
}

absl::Status ValidateTrainingSpec(const TrainingSpec& spec) {
  ESPALIER_RETURN_IF_ERROR(CheckColumns(spec));
  ESPALIER_RETURN_IF_ERROR(CheckObjective(spec.objective));
  ESPALIER_RETURN_IF_ERROR(CheckParams(spec));
  ESPALIER_RETURN_IF_ERROR(CheckBooster(spec));
  if (spec.rounds < 1 || spec.rounds > 100'000) {
    return InvalidArgument("rounds: ", spec.rounds, " must be from 1 to 100000");
  }
  if (spec.threads < 0 || spec.threads > 1024) {
    return InvalidArgument("threads: ", spec.threads, " must be from 0 (one for each core) to 1024");
  }
  if (spec.early_stopping_rounds < 0) {
    return InvalidArgument("early stopping: ", spec.early_stopping_rounds, " must be at least 0");
  }
  if (spec.early_stopping_rounds > 0 && !spec.valid) {
    return InvalidArgument("early stopping needs validation rows to watch (valid)");
  }
  return absl::OkStatus();
}

bool IsBinary(const TrainingSpec& spec) {
  return StartsWith(spec.objective, "binary:") || spec.objective == "reg:logistic";
}

bool IsMulticlass(const TrainingSpec& spec) { return StartsWith(spec.objective, "multi:"); }

}  // namespace espalier
