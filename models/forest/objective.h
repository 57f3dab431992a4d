// What an objective does to margins: the value that `predict` gives, and the margin of a base score.
//
// Every formula is XGBoost's own, in float32 and in its order of operations (src/objective of the version
// that the file names), so that values are equal to the last bit.
#ifndef ESPALIER_MODELS_FOREST_OBJECTIVE_H_
#define ESPALIER_MODELS_FOREST_OBJECTIVE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"

namespace espalier {

// A small value; all functions are const, pure and thread-safe.
class Objective {
 public:
  // UNIMPLEMENTED for a name that no XGBoost up to 3.4 has.
  static absl::StatusOr<Objective> Create(const Ensemble& ensemble);

  // The margin at which every row starts, one an output. `base_score` is as in Ensemble. INVALID_ARGUMENT
  // when it lies outside of the objective's domain.
  absl::StatusOr<std::vector<float>> BaseMargins(std::span<const float> base_score) const;

  // Values a row: 1 for multi:softmax, else one an output.
  size_t ValueWidth() const;
  // Whether a margin says a class (binary, logistic, multi-class).
  bool HasClasses() const;
  // Classes a row, when HasClasses(): 1 for multi-class, else one an output.
  size_t ClassWidth() const;

  // Values of `rows` rows of num_outputs margins. `values` has rows * ValueWidth() elements and may be
  // `margins` itself.
  void ToValues(const float* margins, size_t rows, float* values) const;
  // The same for classes; only when HasClasses().
  void ToClasses(const float* margins, size_t rows, int32_t* classes) const;

 private:
  // How a margin becomes a value.
  enum class Link : uint8_t {
    kIdentity,
    kLogistic,
    kStep,
    kExp,
    kExpInDouble,
    kSoftmax,
    kSoftprob,
    kSorted,
    kSoftplusGaps,
  };
  // How a base score becomes a margin.
  enum class BaseLink : uint8_t { kIdentity, kLogit, kBoundedLogit, kLog, kSoftplusGaps };
  enum class Classes : uint8_t { kNone, kMarginAboveZero, kProbabilityAboveHalf, kLargest };

  struct Rule {
    std::string_view name;
    Link link;
    BaseLink base;
    Classes classes;
  };

  Objective(std::string_view name, Link link, BaseLink base, Classes classes, uint32_t num_outputs)
      : name_(name), link_(link), base_(base), classes_(classes), num_outputs_(num_outputs) {}

  static const Rule* FindRule(std::string_view name);

  std::string_view name_;  // of a literal
  Link link_;
  BaseLink base_;
  Classes classes_;
  uint32_t num_outputs_;
  // The file holds the base score as a margin; later versions make a prediction of it, and a margin again.
  bool base_is_margin_ = false;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_OBJECTIVE_H_
