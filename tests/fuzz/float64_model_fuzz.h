// What the fuzzers of LightGBM's text and of scikit-learn's JSON check: a file is refused with a good
// message, or every promise holds and it predicts.
#ifndef ESPALIER_TESTS_FUZZ_FLOAT64_MODEL_FUZZ_H_
#define ESPALIER_TESTS_FUZZ_FLOAT64_MODEL_FUZZ_H_

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {

inline void CheckPromise(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// One row of a few values in turn, missing ones among them, into every kind of output.
inline void PredictAllKinds(const Forest& forest) {
  const float values[] = {0, 1, std::nanf(""), -2.5f, 3e38f, 7, 1e-36f, -0.5f};
  std::vector<float> row(forest.num_features());
  for (size_t i = 0; i < row.size(); ++i) row[i] = values[i % std::size(values)];
  const Rows rows{reinterpret_cast<const std::byte*>(row.data()), 1, row.size() * sizeof(float)};
  for (const OutputKind kind : {OutputKind::kValue, OutputKind::kMargin, OutputKind::kContributions}) {
    PredictOptions options;
    options.kind = kind;
    // Contributions of very deep trees would make a run of the fuzzer slow, not fail.
    if (kind == OutputKind::kContributions && forest.max_depth() > 12) continue;
    std::vector<double> out(forest.OutputWidth(kind));
    CheckPromise(forest.Predict(rows, options, std::span<double>(out)).ok(), "a forest predicts");
  }
  PredictOptions options;
  options.kind = OutputKind::kLeaf;
  std::vector<int32_t> leaves(forest.OutputWidth(OutputKind::kLeaf));
  CheckPromise(forest.Predict(rows, options, std::span<int32_t>(leaves)).ok(), "a forest names leaves");
  options.kind = OutputKind::kClass;
  std::vector<int32_t> classes(forest.OutputWidth(OutputKind::kClass));
  const absl::StatusCode code = forest.Predict(rows, options, std::span<int32_t>(classes)).code();
  CheckPromise(code == absl::StatusCode::kOk || code == absl::StatusCode::kInvalidArgument, "classes");
}

inline void CheckModel(std::string_view bytes) {
  ReadLimits limits;
  limits.max_features = 1u << 12;  // so that a row stays small
  limits.max_outputs = 1u << 8;
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes, limits);
  if (!ensemble.ok()) {
    const absl::StatusCode code = ensemble.status().code();
    CheckPromise(code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kUnimplemented,
                 "the code");
    const std::string_view message = Message(ensemble.status());
    CheckPromise(!message.empty() && message.size() < 2000, "the message");
    return;
  }
  CheckPromise(ValidateEnsemble(*ensemble, limits).ok(), "a read ensemble is valid");
  const absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(*std::move(ensemble));
  if (forest.ok()) PredictAllKinds(**forest);
}

}  // namespace espalier

#endif  // ESPALIER_TESTS_FUZZ_FLOAT64_MODEL_FUZZ_H_
