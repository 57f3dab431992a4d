// An immutable compiled ensemble: predicts bit-identically to the library that wrote the model, from any
// thread, without locks.
//
//   ESPALIER_ASSIGN_OR_RETURN(std::shared_ptr<const Forest> forest, Forest::Compile(std::move(ensemble)));
//   std::vector<float> out(rows.count * forest->OutputWidth(OutputKind::kValue));
//   ESPALIER_RETURN_IF_ERROR(forest->Predict(rows, {}, absl::MakeSpan(out)));
#ifndef ESPALIER_MODELS_FOREST_FOREST_H_
#define ESPALIER_MODELS_FOREST_FOREST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/forest/category_names.h"
#include "models/forest/ensemble.h"

namespace espalier {

// `count` rows of num_features() little-endian float32 each; row i starts at data + i * stride bytes. No
// alignment is needed. NaN is missing.
struct Rows {
  const std::byte* data = nullptr;
  size_t count = 0;
  size_t stride = 0;
};

// What a prediction gives for each row. float: float32, or float64 of models of LightGBM and scikit-learn.
enum class OutputKind : uint8_t {
  kValue,          // as the library's predict(): probability, class (multi:softmax), count, ... float
  kMargin,         // the untransformed sums                                                     float
  kContributions,  // SHAP values per output: one a feature and the bias last                    float
  kInteractions,   // those split up among pairs: a symmetric square per output                  float
  kClass,          // the most probable class; for a probability, 1 where it is > 0.5            int32
  kLeaf,           // index of the leaf reached in each tree                                     int32
};

// Boosting iterations [begin, end); end 0 means all.
struct IterationRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct PredictOptions {
  OutputKind kind = OutputKind::kValue;
  IterationRange iterations = {};
  // Empty, or rows.count * num_outputs() margins on which the trees are added, in place of the model's base
  // score.
  std::span<const float> base_margin = {};
  // Of contributions: rows from which a feature that is not known has its value ("interventional"; the model
  // must have trees). Empty: what is not known goes the ways of the training rows ("path-dependent"). It is
  // prepared anew for each prediction, so that many rows at a time are cheaper.
  std::optional<Rows> background = {};
  // Threads that may work on many rows, the caller's included; the bits are the same for any number. More
  // than one allocates.
  uint32_t threads = 1;
};

struct CompileOptions {
  // The kernel that predicts, by the name that kernel_plan.h lists. Empty: what is fastest here.
  std::string_view kernel = {};
};

class Forest {
 public:
  // UNIMPLEMENTED for an objective that is not known; INVALID_ARGUMENT for an ensemble that contradicts
  // itself.
  static absl::StatusOr<std::shared_ptr<const Forest>> Compile(Ensemble ensemble,
                                                               const CompileOptions& options = {});

  ~Forest();
  Forest(const Forest&) = delete;
  Forest& operator=(const Forest&) = delete;

  uint32_t num_features() const;
  // Margins per row.
  uint32_t num_outputs() const;
  uint32_t num_trees() const;
  uint32_t num_iterations() const;
  uint64_t num_nodes() const;
  uint32_t max_depth() const;
  std::optional<uint32_t> best_iteration() const;
  std::string_view objective() const;
  std::string_view format() const;
  std::string_view version() const;
  // A linear model (gblinear): it has no trees, no iterations and no leaves.
  bool is_linear() const;
  // The model computes in float64 (LightGBM, scikit-learn): Predict() into float64 gives its own bits, into
  // float32 the same numbers rounded.
  bool is_float64() const;
  // The engines that walk the trees, as `model inspect` shows them: "mask_walker; bit_slicer from 40 rows".
  std::string_view kernel() const;
  // Empty, or one a feature.
  const std::vector<std::string>& feature_names() const;
  // One a feature.
  const std::vector<FeatureKind>& feature_kinds() const;
  // By which texts become the codes that the splits ask for; of no feature for most models.
  const CategoryNames& category_names() const;
  // Bytes that this object holds.
  size_t MemoryBytes() const;

  // Elements per row of an output of this kind (leaf: of the trees of `iterations`).
  size_t OutputWidth(OutputKind kind, IterationRange iterations = {}) const;

  // Value, margin, contributions, interactions. `out` has rows.count * OutputWidth(kind) elements, row-major.
  // INVALID_ARGUMENT for a stride or size that does not fit, iterations out of range, or a background that is
  // empty, too large or of another kind than contributions; UNIMPLEMENTED for contributions and interactions
  // that are not defined for the model. Does not allocate for value and margin once a thread is warm.
  absl::Status Predict(const Rows& rows, const PredictOptions& options, std::span<float> out) const;

  // The same in float64: what a model of float64 computes, and the float32 numbers of any other.
  absl::Status Predict(const Rows& rows, const PredictOptions& options, std::span<double> out) const;

  // int32 kinds: class and leaf.
  absl::Status Predict(const Rows& rows, const PredictOptions& options, std::span<int32_t> out) const;

 private:
  struct Compiled;
  static absl::StatusOr<std::shared_ptr<const Forest>> CompileFloat64(Ensemble& ensemble,
                                                                      const CompileOptions& options);
  absl::Status CheckFloatKind(OutputKind kind) const;
  explicit Forest(std::unique_ptr<const Compiled> compiled);

  std::unique_ptr<const Compiled> compiled_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_FOREST_H_
