#include "models/repository/warm_up.h"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// A block of rows, smaller for a model so wide that it would take too much memory.
constexpr size_t kBlockRows = 64;
constexpr size_t kBlockElements = size_t{1} << 20;

size_t BlockRows(const Forest& forest, OutputKind kind) {
  const size_t width = std::max<size_t>({forest.num_features(), forest.OutputWidth(kind), 1});
  return std::clamp<size_t>(kBlockElements / width, 1, kBlockRows);
}

template <typename T>
absl::Status PredictInto(const Forest& forest, const Rows& rows, OutputKind kind) {
  std::vector<T> out(rows.count * forest.OutputWidth(kind));
  return forest.Predict(rows, {.kind = kind}, std::span<T>(out));
}

absl::Status PredictOnce(const Forest& forest, const std::vector<float>& values, size_t count,
                         OutputKind kind) {
  const Rows rows{.data = reinterpret_cast<const std::byte*>(values.data()),
                  .count = count,
                  .stride = forest.num_features() * sizeof(float)};
  return kind == OutputKind::kClass ? PredictInto<int32_t>(forest, rows, kind)
                                    : PredictInto<float>(forest, rows, kind);
}

std::vector<float> SampleValues(bool random, size_t size) {
  std::vector<float> values(size, 0.0f);
  if (!random) return values;
  std::mt19937 engine(1);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  for (float& value : values) value = uniform(engine);
  return values;
}

absl::Status RunSample(const Forest& forest, const WarmUpSample& sample, OutputKind kind) {
  const std::vector<float> values = SampleValues(sample.random, sample.rows * forest.num_features());
  for (uint32_t i = 0; i < sample.times; ++i) {
    ESPALIER_RETURN_IF_ERROR(PredictOnce(forest, values, sample.rows, kind));
  }
  return absl::OkStatus();
}

absl::Status RunAll(const Forest& forest, OutputKind kind, std::span<const WarmUpSample> samples) {
  const size_t rows = BlockRows(forest, kind);
  const std::vector<float> zeros(rows * forest.num_features(), 0.0f);
  const std::vector<float> missing(zeros.size(), std::numeric_limits<float>::quiet_NaN());
  ESPALIER_RETURN_IF_ERROR(PredictOnce(forest, zeros, 1, kind));
  ESPALIER_RETURN_IF_ERROR(PredictOnce(forest, zeros, rows, kind));
  ESPALIER_RETURN_IF_ERROR(PredictOnce(forest, missing, rows, kind));
  for (const WarmUpSample& sample : samples) ESPALIER_RETURN_IF_ERROR(RunSample(forest, sample, kind));
  return absl::OkStatus();
}

}  // namespace

absl::Status WarmUp(const Forest& forest, OutputKind kind, std::span<const WarmUpSample> samples) {
  return Annotate(RunAll(forest, kind, samples), "warm-up");
}

}  // namespace espalier
