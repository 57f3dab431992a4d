// What is to be learned, from which table, and how: the value that a training run is made from and that its
// lineage records.
//
//   TrainingSpec spec;
//   spec.input = "flights.csv";
//   spec.label = "late";
//   spec.features = {"distance", "departure_minute"};
//   spec.where = {*ParseRowRange("month:1:6")};
//   spec.objective = "binary:logistic";
#ifndef ESPALIER_MODELS_TRAINING_TRAINING_SPEC_H_
#define ESPALIER_MODELS_TRAINING_TRAINING_SPEC_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace espalier {

// Rows whose value in `column` lies between `low` and `high`, both included; an empty bound is open. Bounds
// that are numbers are compared as numbers, others as text, which suits dates in ISO order (2013-01-01).
struct RowRange {
  std::string column;
  std::string low;
  std::string high;
};

// Reads "COLUMN:LOW:HIGH"; INVALID_ARGUMENT unless there are two colons, a column and a bound.
absl::StatusOr<RowRange> ParseRowRange(std::string_view text);

struct TrainingSpec {
  // A CSV file with a header row; empty, NA and NaN are missing.
  std::string input;
  std::string label;
  // The columns to learn from, in the model's order. Empty: all but label, weight and `drop`.
  std::vector<std::string> features;
  std::vector<std::string> drop;
  // Features that hold category codes: whole numbers from 0.
  std::vector<std::string> categorical;
  // The column of row weights; empty: every row counts the same.
  std::string weight;
  // A row is used only if it lies in all of these, typically a range of time.
  std::vector<RowRange> where;
  // Used rows in this range are kept out of training and evaluated after each round.
  std::optional<RowRange> valid;

  std::string objective = "reg:squarederror";
  int rounds = 100;
  // XGBoost's own parameters; one that XGBoost does not know is an error.
  std::map<std::string, std::string> params;
  // Stop after this many rounds without improvement of the last metric on `valid`, and keep the rounds up to
  // the best one. 0: never.
  int early_stopping_rounds = 0;
  int seed = 0;
  // 0: one for each core. The bytes of a model depend on it only through the order of sums.
  int threads = 0;
};

// INVALID_ARGUMENT names the first field that no table could satisfy.
absl::Status ValidateTrainingSpec(const TrainingSpec& spec);

// Does the objective separate two classes, labelled 0 and 1?
bool IsBinary(const TrainingSpec& spec);

// Does the objective separate several classes, labelled 0, 1, 2, ...?
bool IsMulticlass(const TrainingSpec& spec);

}  // namespace espalier

#endif  // ESPALIER_MODELS_TRAINING_TRAINING_SPEC_H_
