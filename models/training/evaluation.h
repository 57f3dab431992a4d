// How good predictions of a yes-or-no label are. Pure; thread-safe.
#ifndef ESPALIER_MODELS_TRAINING_EVALUATION_H_
#define ESPALIER_MODELS_TRAINING_EVALUATION_H_

#include <span>

#include "absl/status/statusor.h"

namespace espalier {

struct BinaryEvaluation {
  // Chance that a random positive row scores above a random negative one; ties count half.
  double auc = 0;
  // Mean of -log of the probability given to what happened, natural logarithm.
  double log_loss = 0;
  // Mean squared difference between probability and label.
  double brier = 0;
};

// Compares probabilities with labels of 0 and 1. `weights` is one for each row, or empty. INVALID_ARGUMENT
// when the lengths differ, a probability or label is outside [0, 1], or only one class (of positive weight)
// is there, for which no AUC exists.
absl::StatusOr<BinaryEvaluation> EvaluateBinary(std::span<const float> probabilities,
                                                std::span<const float> labels,
                                                std::span<const float> weights = {});

}  // namespace espalier

#endif  // ESPALIER_MODELS_TRAINING_EVALUATION_H_
