// A table on disk, checked and turned into the numbers that a training run needs.
#ifndef ESPALIER_MODELS_TRAINING_TRAINING_DATA_H_
#define ESPALIER_MODELS_TRAINING_TRAINING_DATA_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/training/training_spec.h"

namespace espalier {

// Rows with their labels.
struct LabelledRows {
  // Row-major, [rows, features]; NaN is missing.
  std::vector<float> values;
  std::vector<float> labels;
  // One for each row, or empty.
  std::vector<float> weights;

  size_t rows() const { return labels.size(); }
};

struct TrainingData {
  std::vector<std::string> features;
  // Parallel to `features`.
  std::vector<bool> categorical;
  LabelledRows train;
  LabelledRows valid;
  // Of the file's bytes.
  std::string sha256;
};

// Reads spec.input. Errors name the file and what is wrong with it: NOT_FOUND when there is none,
// INVALID_ARGUMENT for a column that is missing, a cell that is no number (with its line), a label that is
// missing or does not suit the objective, labels of one class only, a negative weight, a category that is no
// whole number from 0, or no rows that `where` and `valid` leave.
absl::StatusOr<TrainingData> ReadTrainingData(const TrainingSpec& spec);

// The same from bytes in memory; `name` stands for the file in messages.
absl::StatusOr<TrainingData> ParseTrainingData(const TrainingSpec& spec, std::string_view bytes,
                                               std::string_view name);

}  // namespace espalier

#endif  // ESPALIER_MODELS_TRAINING_TRAINING_DATA_H_
