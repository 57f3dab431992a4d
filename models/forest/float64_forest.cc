#include "models/forest/float64_forest.h"

#include <algorithm>
#include <array>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/float64_contributions.h"
#include "models/forest/float64_walker.h"

namespace espalier {
namespace {

// Rows, and numbers of the output, that are computed at a time.
constexpr size_t kChunkRows = 256;
constexpr size_t kChunkNumbers = size_t{1} << 16;

// Memory of the calling thread, for one purpose each.
enum class Purpose : uint8_t { kStarts, kMargins, kValues, kContributions };

double* Scratch(Purpose purpose, size_t size) {
  static thread_local std::array<std::vector<double>, 4> scratch;
  std::vector<double>& memory = scratch[static_cast<size_t>(purpose)];
  if (memory.size() < size) memory.resize(size);
  return memory.data();
}

Rows Slice(const Rows& rows, size_t begin, size_t count) {
  return {rows.data + begin * rows.stride, count, rows.stride};
}

}  // namespace

absl::StatusOr<Float64Forest> Float64Forest::Compile(const Ensemble& ensemble) {
  ESPALIER_ASSIGN_OR_RETURN(const Float64Objective objective, Float64Objective::Create(ensemble));
  ESPALIER_ASSIGN_OR_RETURN(Float64Trees trees, BuildFloat64Trees(ensemble));
  Float64Forest forest(std::move(trees), objective);
  forest.base_margins_ = ensemble.base_margins;
  forest.base_margins_.resize(ensemble.num_outputs, 0.0);
  forest.average_ = ensemble.average_output;
  return forest;
}

size_t Float64Forest::MemoryBytes() const {
  return trees_.MemoryBytes() + base_margins_.capacity() * sizeof(double);
}

absl::Status Float64Forest::Check(const PredictOptions& options) const {
  if (!average_ || options.base_margin.empty()) return absl::OkStatus();
  return InvalidArgument("base_margin: the model averages its trees, and takes none");
}

std::span<const double> Float64Forest::Starts(std::span<const float> base_margin, size_t begin,
                                              size_t count) const {
  if (base_margin.empty()) return base_margins_;
  const size_t width = trees_.num_outputs;
  double* const starts = Scratch(Purpose::kStarts, count * width);
  std::copy_n(base_margin.data() + begin * width, count * width, starts);
  return {starts, count * width};
}

double* Float64Forest::ComputeMargins(const Rows& rows, std::span<const double> starts,
                                      TreeRange range) const {
  const size_t width = trees_.num_outputs;
  double* const margins = Scratch(Purpose::kMargins, rows.count * width);
  for (size_t i = 0; i < rows.count; ++i) {
    const size_t start = starts.size() == width ? 0 : i * width;
    std::copy_n(starts.data() + start, width, margins + i * width);
  }
  AddFloat64Margins(trees_, rows, range, margins);
  return margins;
}

double* Float64Forest::ToValues(double* margins, size_t rows, uint32_t iterations) const {
  if (average_) {
    for (size_t i = 0; i < rows * trees_.num_outputs; ++i) margins[i] /= std::max(iterations, 1u);
  }
  double* const values = Scratch(Purpose::kValues, rows * objective_.ValueWidth());
  objective_.ToValues(margins, rows, values);
  return values;
}

template <typename Number>
void Float64Forest::Predict(const Rows& rows, const PredictOptions& options, TreeRange range,
                            uint32_t iterations, std::span<Number> out) const {
  if (rows.count == 0) return;
  const size_t width = out.size() / rows.count;
  const size_t chunk = std::clamp<size_t>(kChunkNumbers / std::max<size_t>(width, 1), 1, kChunkRows);
  for (size_t begin = 0; begin < rows.count; begin += chunk) {
    const Rows part = Slice(rows, begin, std::min(chunk, rows.count - begin));
    const std::span<const double> starts = Starts(options.base_margin, begin, part.count);
    const double* numbers = nullptr;
    if (options.kind == OutputKind::kContributions) {
      double* const contributions = Scratch(Purpose::kContributions, part.count * width);
      const auto num_features = static_cast<uint32_t>(width / trees_.num_outputs - 1);
      ComputeFloat64Contributions(trees_, part, range, num_features, starts, contributions);
      numbers = contributions;
    } else {
      double* const margins = ComputeMargins(part, starts, range);
      numbers = options.kind == OutputKind::kMargin ? margins : ToValues(margins, part.count, iterations);
    }
    std::transform(numbers, numbers + part.count * width, out.data() + begin * width,
                   [](double number) { return static_cast<Number>(number); });
  }
}

template void Float64Forest::Predict(const Rows&, const PredictOptions&, TreeRange, uint32_t,
                                     std::span<float>) const;
template void Float64Forest::Predict(const Rows&, const PredictOptions&, TreeRange, uint32_t,
                                     std::span<double>) const;

void Float64Forest::PredictClasses(const Rows& rows, const PredictOptions& options, TreeRange range,
                                   uint32_t iterations, std::span<int32_t> out) const {
  for (size_t begin = 0; begin < rows.count; begin += kChunkRows) {
    const Rows part = Slice(rows, begin, std::min(kChunkRows, rows.count - begin));
    double* const margins = ComputeMargins(part, Starts(options.base_margin, begin, part.count), range);
    objective_.ToClasses(margins, ToValues(margins, part.count, iterations), part.count, out.data() + begin);
  }
}

}  // namespace espalier
