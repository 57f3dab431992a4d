// Any bytes as a model: refused, or an ensemble of which every promise holds and that predicts.
//
//   cmake --preset fuzz && cmake --build --preset fuzz --target read_ensemble_fuzz
//   build/fuzz/tests/fuzz/read_ensemble_fuzz -dict=tests/fuzz/read_ensemble.dict -max_total_time=60 NEW \
//     tests/fuzz/corpus/read_ensemble
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

// One row of a few values in turn, missing among them.
void Predict(const Forest& forest) {
  const float values[] = {0, 1, std::nanf(""), -2.5f, 3e38f, 7};
  std::vector<float> row(forest.num_features());
  for (size_t i = 0; i < row.size(); ++i) row[i] = values[i % std::size(values)];
  const Rows rows{reinterpret_cast<const std::byte*>(row.data()), 1, row.size() * sizeof(float)};
  std::vector<float> value(forest.OutputWidth(OutputKind::kValue));
  Check(forest.Predict(rows, {}, std::span<float>(value)).ok(), "a forest predicts");
  std::vector<int32_t> leaves(forest.OutputWidth(OutputKind::kLeaf));
  PredictOptions options;
  options.kind = OutputKind::kLeaf;
  Check(forest.Predict(rows, options, std::span<int32_t>(leaves)).ok() == !forest.is_linear(),
        "a forest of trees names leaves");
}

}  // namespace
}  // namespace espalier

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace espalier;
  ReadLimits limits;
  limits.max_features = 1u << 12;  // so that a row stays small
  limits.max_outputs = 1u << 8;
  absl::StatusOr<Ensemble> ensemble =
      ReadEnsemble(std::string_view(reinterpret_cast<const char*>(data), size), limits);
  if (!ensemble.ok()) {
    const absl::StatusCode code = ensemble.status().code();
    Check(code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kUnimplemented, "the code");
    Check(!Message(ensemble.status()).empty() && Message(ensemble.status()).size() < 2000, "the message");
    return 0;
  }
  Check(ValidateEnsemble(*ensemble, limits).ok(), "a read ensemble is valid");
  const absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(*std::move(ensemble));
  if (forest.ok()) Predict(**forest);
  return 0;
}
