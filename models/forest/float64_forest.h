// A compiled forest of a float64 dialect: trees, objective and starts. What Forest is made of when the model
// is LightGBM's or scikit-learn's.
#ifndef ESPALIER_MODELS_FOREST_FLOAT64_FOREST_H_
#define ESPALIER_MODELS_FOREST_FLOAT64_FOREST_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"
#include "models/forest/float64_objective.h"
#include "models/forest/float64_trees.h"
#include "models/forest/forest.h"
#include "models/forest/kernel.h"

namespace espalier {

// Immutable and thread-safe. Rows, options and ranges of trees have been checked by the caller, but for what
// Check() says.
class Float64Forest {
 public:
  static absl::StatusOr<Float64Forest> Compile(const Ensemble& ensemble);

  const Float64Trees& trees() const { return trees_; }
  const Float64Objective& objective() const { return objective_; }
  size_t MemoryBytes() const;

  // INVALID_ARGUMENT for a base margin where sums are averaged: it would be divided too.
  absl::Status Check(const PredictOptions& options) const;

  // Values, margins or contributions, by options.kind, of rows that walk the trees of `range`, which are
  // those of `iterations` iterations. Number is double, or float: then each is rounded once.
  template <typename Number>
  void Predict(const Rows& rows, const PredictOptions& options, TreeRange range, uint32_t iterations,
               std::span<Number> out) const;
  void PredictClasses(const Rows& rows, const PredictOptions& options, TreeRange range, uint32_t iterations,
                      std::span<int32_t> out) const;

 private:
  Float64Forest(Float64Trees trees, Float64Objective objective)
      : trees_(std::move(trees)), objective_(objective) {}

  // The starts of rows [begin, begin + count): of all rows alike, or one of each.
  std::span<const double> Starts(std::span<const float> base_margin, size_t begin, size_t count) const;
  // The sums of a few rows, and then their values; both live in memory of the calling thread.
  double* ComputeMargins(const Rows& rows, std::span<const double> starts, TreeRange range) const;
  double* ToValues(double* margins, size_t rows, uint32_t iterations) const;

  Float64Trees trees_;
  Float64Objective objective_;
  std::vector<double> base_margins_;
  bool average_ = false;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FLOAT64_FOREST_H_
