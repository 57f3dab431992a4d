// Trains a boosted model with XGBoost.
//
//   ESPALIER_ASSIGN_OR_RETURN(TrainingData data, ReadTrainingData(spec));
//   ESPALIER_ASSIGN_OR_RETURN(TrainedModel model, Train(spec, data));
//   ... PublishVersion(models, "flight-delay", 1, model.bytes, LineageJson(...))
//
// The same spec, data, thread count and XGBoost give the same bytes. Thread-safe.
#ifndef ESPALIER_MODELS_TRAINING_TRAIN_H_
#define ESPALIER_MODELS_TRAINING_TRAIN_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/training/evaluation.h"
#include "models/training/training_data.h"
#include "models/training/training_spec.h"

namespace espalier {

// One metric on one set of rows, as XGBoost names them: "train-logloss", "valid-auc".
struct Metric {
  std::string name;
  double value = 0;
};

// What a round achieved; `round` counts from 0.
struct RoundMetrics {
  int round = 0;
  std::vector<Metric> metrics;
};

struct TrainedModel {
  // A model file in UBJSON, with the features' names and types.
  std::string bytes;
  // Rounds that the model holds: with early stopping, up to the best one.
  int rounds = 0;
  // Every round that was run.
  std::vector<RoundMetrics> history;
  // Of the model as it is, on the validation rows; for a binary objective that predicts probabilities.
  std::optional<BinaryEvaluation> evaluation;
  std::string xgboost_version;
};

// Called after each round on the training thread. An error ends the training with it: so a run is cancelled.
using TrainingProgress = std::function<absl::Status(const RoundMetrics&)>;

// INVALID_ARGUMENT for a parameter that XGBoost does not know, or for whatever it refuses in spec and data,
// with its reason; RESOURCE_EXHAUSTED when memory runs out.
absl::StatusOr<TrainedModel> Train(const TrainingSpec& spec, const TrainingData& data,
                                   const TrainingProgress& progress = nullptr);

}  // namespace espalier

#endif  // ESPALIER_MODELS_TRAINING_TRAIN_H_
