#include "models/training/train.h"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/training/xgboost_booster.h"

namespace espalier {
namespace {

// Metrics that grow as a model gets better; XGBoost's list for early stopping.
bool LargerIsBetter(std::string_view metric) {
  static constexpr std::string_view kLarger[] = {"auc", "aucpr", "map", "ndcg", "pre"};
  // "valid-ndcg@10-" carries a rank and a variant.
  metric.remove_prefix(std::min(metric.size(), metric.find('-') + 1));
  metric = metric.substr(0, metric.find('@'));
  return std::find(std::begin(kLarger), std::end(kLarger), metric) != std::end(kLarger);
}

// Follows one metric over the rounds and says when to stop.
class EarlyStopping {
 public:
  explicit EarlyStopping(int patience) : patience_(patience) {}

  bool ShouldStop(const RoundMetrics& round) {
    if (patience_ == 0 || round.metrics.empty()) return false;
    const Metric& last = round.metrics.back();
    const double score = LargerIsBetter(last.name) ? last.value : -last.value;
    if (best_round_ < 0 || score > best_score_) best_round_ = round.round, best_score_ = score;
    return round.round - best_round_ >= patience_;
  }

  // The best round so far; -1 when none is followed.
  int best_round() const { return best_round_; }

 private:
  const int patience_;
  int best_round_ = -1;
  double best_score_ = 0;
};

int Threads(const TrainingSpec& spec) {
  return spec.threads > 0 ? spec.threads : std::max(1u, std::thread::hardware_concurrency());
}

absl::Status Configure(const TrainingSpec& spec, const TrainingData& data, XgboostBooster& booster) {
  ESPALIER_RETURN_IF_ERROR(booster.SetParam("objective", spec.objective));
  ESPALIER_RETURN_IF_ERROR(booster.SetParam("seed", StrCat(spec.seed)));
  ESPALIER_RETURN_IF_ERROR(booster.SetParam("nthread", StrCat(Threads(spec))));
  ESPALIER_RETURN_IF_ERROR(booster.SetParam("validate_parameters", "1"));
  const bool trees = spec.params.count("booster") == 0 || spec.params.at("booster") != "gblinear";
  // XGBoost 1.x chooses the method by the number of rows; later versions always take this one.
  if (trees && spec.params.count("tree_method") == 0) {
    ESPALIER_RETURN_IF_ERROR(booster.SetParam("tree_method", "hist"));
  }
  if (IsMulticlass(spec) && spec.params.count("num_class") == 0) {
    const float last = *std::max_element(data.train.labels.begin(), data.train.labels.end());
    ESPALIER_RETURN_IF_ERROR(booster.SetParam("num_class", StrCat(static_cast<int>(last) + 1)));
  }
  for (const auto& [name, value] : spec.params) ESPALIER_RETURN_IF_ERROR(booster.SetParam(name, value));
  return absl::OkStatus();
}

// Runs the rounds; returns how many of them the model should keep.
absl::StatusOr<int> RunRounds(const TrainingSpec& spec, const std::vector<const XgboostMatrix*>& matrices,
                              const TrainingProgress& progress, XgboostBooster& booster, XgboostLog& log,
                              std::vector<RoundMetrics>& history) {
  static const std::vector<std::string> kNames = {"train", "valid"};
  const std::vector<std::string> names(kNames.begin(), kNames.begin() + matrices.size());
  EarlyStopping stopping(spec.early_stopping_rounds);
  for (int round = 0; round < spec.rounds; ++round) {
    ESPALIER_RETURN_IF_ERROR(booster.Update(round, *matrices.front()));
    if (round == 0) ESPALIER_RETURN_IF_ERROR(log.TakeUnknownParams());
    ESPALIER_ASSIGN_OR_RETURN(RoundMetrics metrics, booster.Evaluate(round, matrices, names));
    if (progress) ESPALIER_RETURN_IF_ERROR(progress(metrics));
    history.push_back(std::move(metrics));
    if (stopping.ShouldStop(history.back())) break;
  }
  return stopping.best_round() < 0 ? static_cast<int>(history.size()) : stopping.best_round() + 1;
}

// The rounds to keep, with the attributes by which XGBoost's own tools know an early stop.
absl::Status KeepBest(int rounds, const std::vector<RoundMetrics>& history, XgboostBooster& booster) {
  if (rounds < static_cast<int>(history.size())) {
    ESPALIER_ASSIGN_OR_RETURN(booster, booster.Slice(rounds));
  }
  ESPALIER_RETURN_IF_ERROR(booster.SetAttribute("best_iteration", StrCat(rounds - 1)));
  return booster.SetAttribute("best_score", StrCat(history[rounds - 1].metrics.back().value));
}

}  // namespace

absl::StatusOr<TrainedModel> Train(const TrainingSpec& spec, const TrainingData& data,
                                   const TrainingProgress& progress) {
  ESPALIER_RETURN_IF_ERROR(ValidateTrainingSpec(spec));
  XgboostLog log;
  ESPALIER_ASSIGN_OR_RETURN(
      const XgboostMatrix train,
      XgboostMatrix::Create(data.train, data.features, data.categorical, Threads(spec)));
  std::vector<const XgboostMatrix*> matrices = {&train};
  std::optional<XgboostMatrix> valid;
  if (data.valid.rows() > 0) {
    ESPALIER_ASSIGN_OR_RETURN(
        valid, XgboostMatrix::Create(data.valid, data.features, data.categorical, Threads(spec)));
    matrices.push_back(&*valid);
  }
  ESPALIER_ASSIGN_OR_RETURN(XgboostBooster booster, XgboostBooster::Create(matrices));
  ESPALIER_RETURN_IF_ERROR(Configure(spec, data, booster));
  TrainedModel model;
  ESPALIER_ASSIGN_OR_RETURN(model.rounds, RunRounds(spec, matrices, progress, booster, log, model.history));
  if (spec.early_stopping_rounds > 0)
    ESPALIER_RETURN_IF_ERROR(KeepBest(model.rounds, model.history, booster));
  if (valid && IsBinary(spec) && spec.objective != "binary:logitraw" && spec.objective != "binary:hinge") {
    ESPALIER_ASSIGN_OR_RETURN(const std::vector<float> scores, booster.Predict(*valid));
    // Validation rows of one class have no AUC; the model is none the worse.
    if (auto evaluation = EvaluateBinary(scores, data.valid.labels, data.valid.weights); evaluation.ok()) {
      model.evaluation = *evaluation;
    }
  }
  ESPALIER_RETURN_IF_ERROR(booster.NameFeatures(data.features, data.categorical));
  ESPALIER_ASSIGN_OR_RETURN(model.bytes, booster.Save());
  model.xgboost_version = XgboostVersion();
  return model;
}

}  // namespace espalier
