// What the objectives of LightGBM and the estimators of scikit-learn make of margins, in float64 and in their
// order of operations.
//
// The names of a model of LightGBM are its own (`binary`, with the parameter `sigmoid`). Those of a model of
// scikit-learn are export_sklearn.py's (docs/model-files.md): `identity`, `exp`, `logistic`, `softmax`,
// `probabilities`.
#ifndef ESPALIER_MODELS_FOREST_FLOAT64_OBJECTIVE_H_
#define ESPALIER_MODELS_FOREST_FLOAT64_OBJECTIVE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"

namespace espalier {

// A small value; all functions are const, pure and thread-safe.
class Float64Objective {
 public:
  // UNIMPLEMENTED for a name that is not known; INVALID_ARGUMENT for parameters or outputs that do not fit.
  static absl::StatusOr<Float64Objective> Create(const Ensemble& ensemble);

  // Values a row: 2 for the probabilities of two classes that have one margin, else one an output.
  size_t ValueWidth() const { return link_ == Link::kTwoClasses ? 2 : num_outputs_; }
  bool HasClasses() const { return classes_ != Classes::kNone; }

  // Values of `rows` rows of num_outputs margins; `values` has rows * ValueWidth() elements and does not
  // overlap them.
  void ToValues(const double* margins, size_t rows, double* values) const;
  // One class a row; only when HasClasses(). `values` are those of ToValues().
  void ToClasses(const double* margins, const double* values, size_t rows, int32_t* classes) const;

 private:
  enum class Link : uint8_t {
    kIdentity,
    kSignedSquare,
    kExp,
    kSigmoid,
    kTwoClasses,
    kSoftmax,
    kLog1pExp,
  };
  enum class Classes : uint8_t {
    kNone,
    kValueAboveHalf,
    kMarginAboveZero,
    kMarginAtLeastZero,
    kLargestValue,
    kLargestMargin,
  };

  Float64Objective() = default;
  static absl::StatusOr<Float64Objective> ForLightGbm(const Ensemble& ensemble);
  static absl::StatusOr<Float64Objective> ForScikitLearn(const Ensemble& ensemble);

  Link link_ = Link::kIdentity;
  Classes classes_ = Classes::kNone;
  uint32_t num_outputs_ = 1;
  // What a margin is multiplied by before its sigmoid.
  double scale_ = 1;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FLOAT64_OBJECTIVE_H_
