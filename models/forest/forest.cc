#include "models/forest/forest.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/background_contributions.h"
#include "models/forest/contribution_trees.h"
#include "models/forest/contributions.h"
#include "models/forest/float64_forest.h"
#include "models/forest/float64_walker.h"
#include "models/forest/interactions.h"
#include "models/forest/kernel.h"
#include "models/forest/kernel_plan.h"
#include "models/forest/linear_kernel.h"
#include "models/forest/objective.h"
#include "models/forest/predict_in_parts.h"

namespace espalier {
namespace {

// Rows whose margins are kept at a time when they are not themselves the output.
constexpr size_t kChunkRows = 256;

absl::Status CheckMetadata(const Ensemble& ensemble) {
  const size_t weights = ensemble.is_linear ? (size_t{ensemble.num_features} + 1) * ensemble.num_outputs : 0;
  if (ensemble.linear_weights.size() != weights) {
    return InvalidArgument("linear_weights has ", ensemble.linear_weights.size(), " entries, must be ",
                           weights);
  }
  if (ensemble.num_outputs == 0) return InvalidArgument("num_outputs is 0, must be at least 1");
  for (const auto& [name, size] : {std::pair("feature_names", ensemble.feature_names.size()),
                                   std::pair("feature_kinds", ensemble.feature_kinds.size())}) {
    if (size != 0 && size != ensemble.num_features) {
      return InvalidArgument(name, " has ", size, " entries, the model has ", ensemble.num_features,
                             " features");
    }
  }
  return absl::OkStatus();
}

// Index of the first tree of each iteration, and the number of trees.
absl::StatusOr<std::vector<uint32_t>> FirstTrees(const Ensemble& ensemble) {
  std::vector<uint32_t> first;
  uint32_t last = 0;
  for (uint32_t i = 0; i < ensemble.trees.size(); ++i) {
    const uint32_t iteration = ensemble.trees[i].iteration;
    if (iteration >= ensemble.num_iterations || iteration < last) {
      return InvalidArgument("tree ", i, " is of iteration ", iteration, ", allowed are ", last, " to ",
                             ensemble.num_iterations, " (exclusive)");
    }
    last = iteration;
    while (first.size() <= iteration) first.push_back(i);
  }
  if (ensemble.num_iterations > std::max<size_t>(first.size(), 1) * 2 + 100'000) {
    return InvalidArgument("num_iterations is ", ensemble.num_iterations, " with ", ensemble.trees.size(),
                           " trees");
  }
  first.resize(size_t{ensemble.num_iterations} + 1, static_cast<uint32_t>(ensemble.trees.size()));
  return first;
}

// A buffer of the calling thread.
std::span<float> MarginScratch(size_t size) {
  static thread_local std::vector<float> scratch;
  if (scratch.size() < size) scratch.resize(size);
  return {scratch.data(), size};
}

// At most what no output can have, for models whose squares would be larger than memory.
size_t InteractionsWidth(size_t outputs, size_t features) {
  size_t width = 0;
  const bool overflow = __builtin_mul_overflow(features + 1, features + 1, &width) ||
                        __builtin_mul_overflow(width, outputs, &width);
  return overflow ? std::numeric_limits<size_t>::max() : width;
}

bool IsExplanation(OutputKind kind) {
  return kind == OutputKind::kContributions || kind == OutputKind::kInteractions;
}

Rows Slice(const Rows& rows, size_t begin, size_t count) {
  return {rows.data + begin * rows.stride, count, rows.stride};
}

}  // namespace

// What is left of an ensemble once it is compiled.
struct Forest::Compiled {
  Compiled(Ensemble& ensemble, std::optional<Objective> objective)
      : num_features(ensemble.num_features),
        num_outputs(ensemble.num_outputs),
        best_iteration(ensemble.best_iteration),
        objective_name(std::move(ensemble.objective)),
        format(std::move(ensemble.format)),
        version(std::move(ensemble.version)),
        feature_names(std::move(ensemble.feature_names)),
        feature_kinds(std::move(ensemble.feature_kinds)),
        category_names(std::move(ensemble.category_names)),
        objective(objective) {
    feature_kinds.resize(num_features, FeatureKind::kNumeric);
  }

  // Fills `kernels` or `linear`.
  absl::Status ChooseKernels(Ensemble& ensemble, std::string_view kernel);
  absl::StatusOr<TreeRange> Trees(IterationRange iterations) const;
  // Iterations of a range that Trees() has taken.
  uint32_t CountOf(IterationRange iterations) const;
  bool HasClasses() const {
    return float64_forest.has_value() ? float64_forest->objective().HasClasses() : objective->HasClasses();
  }
  absl::Status CheckRows(const Rows& rows) const;
  // Checks `rows` and `options` and that `size` elements of the output are rows.count * width.
  absl::StatusOr<TreeRange> Check(const Rows& rows, const PredictOptions& options, size_t width,
                                  size_t size) const;
  // Whether the model can be explained as `options` ask, if they do.
  absl::Status CheckExplanation(const PredictOptions& options) const;
  // Contributions or interactions.
  void Explain(const Rows& rows, const PredictOptions& options, TreeRange trees, float* out) const;
  // Starts margins of rows [begin, begin + rows.count) and adds the trees.
  void ComputeMargins(const Rows& rows, size_t begin, TreeRange trees, std::span<const float> base_margin,
                      float* margins) const;
  // Calls finish(margins, begin, count) for all rows, a chunk at a time.
  template <typename Finish>
  void ForEachChunk(const Rows& rows, TreeRange trees, std::span<const float> base_margin,
                    Finish finish) const;
  // Any kind of output, of a model of float64.
  template <typename Number>
  absl::Status PredictFloat64(const Rows& rows, const PredictOptions& options, TreeRange trees,
                              std::span<Number> out) const;

  uint32_t num_features;
  uint32_t num_outputs;
  std::optional<uint32_t> best_iteration;
  std::string objective_name;
  std::string format;
  std::string version;
  std::vector<std::string> feature_names;
  std::vector<FeatureKind> feature_kinds;
  CategoryNames category_names;
  // Of XGBoost's models; the others have float64_forest.
  std::optional<Objective> objective;
  std::vector<float> base_margins;
  std::vector<uint32_t> first_trees;
  uint64_t num_nodes = 0;
  // Of trees; none in a linear model.
  std::optional<KernelPlan> kernels;
  std::optional<LinearKernel> linear;
  LazyContributionTrees contribution_trees;
  std::optional<Float64Forest> float64_forest;
};

absl::Status Forest::Compiled::ChooseKernels(Ensemble& ensemble, std::string_view kernel) {
  if (!ensemble.is_linear) {
    ESPALIER_ASSIGN_OR_RETURN(kernels, KernelPlan::Create(ensemble, kernel));
    return absl::OkStatus();
  }
  if (!kernel.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, "kernel ", kernel, " cannot take a linear model");
  }
  linear.emplace(std::move(ensemble.linear_weights), num_features, num_outputs);
  return absl::OkStatus();
}

absl::StatusOr<TreeRange> Forest::Compiled::Trees(IterationRange iterations) const {
  if (linear.has_value() && (iterations.begin != 0 || iterations.end != 0)) {
    return InvalidArgument("iterations ", iterations.begin, ":", iterations.end,
                           ": a linear model (gblinear) has no iterations to choose from");
  }
  const auto count = static_cast<uint32_t>(first_trees.size() - 1);
  const uint32_t end = iterations.end == 0 ? count : iterations.end;
  if (end > count || iterations.begin > end || (iterations.begin == end && count != 0)) {
    return InvalidArgument("iterations ", iterations.begin, ":", iterations.end,
                           " is not a range of the model's ", count);
  }
  return TreeRange{first_trees[iterations.begin], first_trees[end]};
}

uint32_t Forest::Compiled::CountOf(IterationRange iterations) const {
  return (iterations.end == 0 ? static_cast<uint32_t>(first_trees.size() - 1) : iterations.end) -
         iterations.begin;
}

absl::Status Forest::Compiled::CheckRows(const Rows& rows) const {
  if (rows.count == 0) return absl::OkStatus();
  if (rows.data == nullptr) return InvalidArgument("rows have no data");
  if (rows.stride < num_features * sizeof(float)) {
    return InvalidArgument("stride is ", rows.stride, " bytes, must be at least ",
                           num_features * sizeof(float), " (", num_features, " features)");
  }
  return absl::OkStatus();
}

absl::StatusOr<TreeRange> Forest::Compiled::Check(const Rows& rows, const PredictOptions& options,
                                                  size_t width, size_t size) const {
  ESPALIER_RETURN_IF_ERROR(CheckRows(rows));
  size_t expected = 0;
  if (__builtin_mul_overflow(rows.count, width, &expected) || expected != size) {
    return InvalidArgument("the output has ", size, " elements, must be ", rows.count, " rows of ", width);
  }
  if (!options.base_margin.empty() && (__builtin_mul_overflow(rows.count, size_t{num_outputs}, &expected) ||
                                       expected != options.base_margin.size())) {
    return InvalidArgument("base_margin has ", options.base_margin.size(), " elements, must be ", rows.count,
                           " rows of ", num_outputs);
  }
  return Trees(options.iterations);
}

absl::Status Forest::Compiled::CheckExplanation(const PredictOptions& options) const {
  if (options.background.has_value()) {
    if (options.kind == OutputKind::kInteractions) {
      return Error(absl::StatusCode::kUnimplemented, "interactions against a background are not built");
    }
    if (options.kind != OutputKind::kContributions) {
      return InvalidArgument("a background is for contributions alone");
    }
    if (linear.has_value()) {
      return Error(absl::StatusCode::kUnimplemented,
                   "contributions of a linear model (gblinear) against a background are not built");
    }
    ESPALIER_RETURN_IF_ERROR(CheckBackground(*options.background, num_features));
    if (absl::Status status = CheckRows(*options.background); !status.ok()) {
      return Annotate(status, "background");
    }
  }
  if (float64_forest.has_value() &&
      (options.kind == OutputKind::kInteractions || options.background.has_value())) {
    return Error(absl::StatusCode::kUnimplemented,
                 "interactions, and contributions against a background, of a model of float64 (LightGBM, "
                 "scikit-learn) are not known");
  }
  if (IsExplanation(options.kind) && kernels.has_value() && kernels->HasLeafVectors()) {
    return Error(
        absl::StatusCode::kUnimplemented,
        "contributions of trees with vector leaves (multi_strategy multi_output_tree) are not known to "
        "XGBoost either");
  }
  if (options.kind == OutputKind::kInteractions && linear.has_value()) {
    return Error(absl::StatusCode::kUnimplemented, "a linear model (gblinear) has no interactions");
  }
  return absl::OkStatus();
}

void Forest::Compiled::Explain(const Rows& rows, const PredictOptions& options, TreeRange trees,
                               float* out) const {
  const std::span<const float> starts =
      options.base_margin.empty() ? std::span<const float>(base_margins) : options.base_margin;
  if (rows.count == 0) return;
  if (linear.has_value()) return linear->Contribute(rows, starts, out);
  const ContributionTrees& walked = contribution_trees.Get(kernels->table());
  if (options.background.has_value()) {
    ComputeBackgroundContributions(walked, rows, *options.background, trees, num_features, num_outputs,
                                   starts, out);
  } else if (options.kind == OutputKind::kInteractions) {
    ComputeInteractions(walked, rows, trees, num_features, num_outputs, starts, out);
  } else {
    ComputeContributions(walked, rows, trees, num_features, num_outputs, starts, out);
  }
}

void Forest::Compiled::ComputeMargins(const Rows& rows, size_t begin, TreeRange trees,
                                      std::span<const float> base_margin, float* margins) const {
  const size_t width = num_outputs;
  if (!base_margin.empty()) {
    std::memcpy(margins, base_margin.data() + begin * width, rows.count * width * sizeof(float));
  } else {
    for (size_t i = 0; i < rows.count; ++i) std::copy_n(base_margins.data(), width, margins + i * width);
  }
  const Kernel& kernel = linear.has_value() ? *linear : kernels->For(rows.count);
  kernel.AddMargins(rows, trees, margins);
}

template <typename Finish>
void Forest::Compiled::ForEachChunk(const Rows& rows, TreeRange trees, std::span<const float> base_margin,
                                    Finish finish) const {
  const std::span<float> margins = MarginScratch(std::min(rows.count, kChunkRows) * num_outputs);
  for (size_t begin = 0; begin < rows.count; begin += kChunkRows) {
    const size_t count = std::min(kChunkRows, rows.count - begin);
    ComputeMargins(Slice(rows, begin, count), begin, trees, base_margin, margins.data());
    finish(margins.data(), begin, count);
  }
}

absl::StatusOr<std::shared_ptr<const Forest>> Forest::Compile(Ensemble ensemble,
                                                              const CompileOptions& options) {
  ESPALIER_RETURN_IF_ERROR(CheckMetadata(ensemble));
  if (ensemble.is_float64()) return CompileFloat64(ensemble, options);
  ESPALIER_ASSIGN_OR_RETURN(const Objective objective, Objective::Create(ensemble));
  ESPALIER_ASSIGN_OR_RETURN(std::vector<float> base_margins, objective.BaseMargins(ensemble.base_score));
  // XGBoost (3.1 to 3.4) starts every output of gblinear at the first one's base score.
  if (ensemble.is_linear) std::fill(base_margins.begin(), base_margins.end(), base_margins.front());
  ESPALIER_ASSIGN_OR_RETURN(std::vector<uint32_t> first_trees, FirstTrees(ensemble));
  uint64_t num_nodes = 0;
  for (const Tree& tree : ensemble.trees) num_nodes += tree.nodes.size();
  auto compiled = std::make_unique<Compiled>(ensemble, objective);
  compiled->base_margins = std::move(base_margins);
  compiled->first_trees = std::move(first_trees);
  compiled->num_nodes = num_nodes;
  ESPALIER_RETURN_IF_ERROR(compiled->ChooseKernels(ensemble, options.kernel));
  return std::shared_ptr<const Forest>(new Forest(std::move(compiled)));
}

absl::StatusOr<std::shared_ptr<const Forest>> Forest::CompileFloat64(Ensemble& ensemble,
                                                                     const CompileOptions& options) {
  if (!options.kernel.empty()) {
    return Error(absl::StatusCode::kFailedPrecondition, "kernel ", options.kernel,
                 " cannot take a model of float64");
  }
  ESPALIER_ASSIGN_OR_RETURN(Float64Forest forest, Float64Forest::Compile(ensemble));
  ESPALIER_ASSIGN_OR_RETURN(std::vector<uint32_t> first_trees, FirstTrees(ensemble));
  uint64_t num_nodes = 0;
  for (const Tree& tree : ensemble.trees) num_nodes += tree.nodes.size();
  auto compiled = std::make_unique<Compiled>(ensemble, std::nullopt);
  compiled->first_trees = std::move(first_trees);
  compiled->num_nodes = num_nodes;
  compiled->float64_forest.emplace(std::move(forest));
  return std::shared_ptr<const Forest>(new Forest(std::move(compiled)));
}

Forest::Forest(std::unique_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Forest::~Forest() = default;

uint32_t Forest::num_features() const { return compiled_->num_features; }
uint32_t Forest::num_outputs() const { return compiled_->num_outputs; }
uint32_t Forest::num_trees() const { return compiled_->first_trees.back(); }
uint32_t Forest::num_iterations() const { return static_cast<uint32_t>(compiled_->first_trees.size() - 1); }
uint64_t Forest::num_nodes() const { return compiled_->num_nodes; }
uint32_t Forest::max_depth() const {
  if (is_float64()) return compiled_->float64_forest->trees().max_depth;
  return is_linear() ? 0 : compiled_->kernels->max_depth();
}
std::optional<uint32_t> Forest::best_iteration() const { return compiled_->best_iteration; }
std::string_view Forest::objective() const { return compiled_->objective_name; }
std::string_view Forest::format() const { return compiled_->format; }
std::string_view Forest::version() const { return compiled_->version; }
bool Forest::is_linear() const { return compiled_->linear.has_value(); }
bool Forest::is_float64() const { return compiled_->float64_forest.has_value(); }
std::string_view Forest::kernel() const {
  if (is_float64()) return kFloat64Walker;
  return is_linear() ? compiled_->linear->Name() : compiled_->kernels->description();
}
const std::vector<std::string>& Forest::feature_names() const { return compiled_->feature_names; }
const std::vector<FeatureKind>& Forest::feature_kinds() const { return compiled_->feature_kinds; }

const CategoryNames& Forest::category_names() const { return compiled_->category_names; }

size_t Forest::MemoryBytes() const {
  size_t names = compiled_->feature_names.capacity() * sizeof(std::string);
  for (const std::string& name : compiled_->feature_names) {
    names += name.capacity() > sizeof(std::string) / 2 ? name.capacity() : 0;
  }
  const auto engines = [this] {
    if (is_float64()) return compiled_->float64_forest->MemoryBytes();
    return is_linear() ? compiled_->linear->MemoryBytes() : compiled_->kernels->MemoryBytes();
  };
  return sizeof(Forest) + sizeof(Compiled) + names + compiled_->feature_kinds.capacity() +
         compiled_->category_names.MemoryBytes() + compiled_->base_margins.capacity() * sizeof(float) +
         compiled_->first_trees.capacity() * sizeof(uint32_t) + compiled_->contribution_trees.MemoryBytes() +
         engines();
}

size_t Forest::OutputWidth(OutputKind kind, IterationRange iterations) const {
  switch (kind) {
    case OutputKind::kValue:
      return is_float64() ? compiled_->float64_forest->objective().ValueWidth()
                          : compiled_->objective->ValueWidth();
    case OutputKind::kMargin:
      return compiled_->num_outputs;
    case OutputKind::kContributions:
      return size_t{compiled_->num_outputs} * (size_t{compiled_->num_features} + 1);
    case OutputKind::kInteractions:
      return InteractionsWidth(compiled_->num_outputs, compiled_->num_features);
    case OutputKind::kClass:
      return is_float64() ? 1 : compiled_->objective->ClassWidth();
    case OutputKind::kLeaf: {
      const absl::StatusOr<TreeRange> trees = compiled_->Trees(iterations);
      return trees.ok() ? trees->end - trees->begin : 0;
    }
  }
  return 0;
}

template <typename Number>
absl::Status Forest::Compiled::PredictFloat64(const Rows& rows, const PredictOptions& options,
                                              TreeRange trees, std::span<Number> out) const {
  ESPALIER_RETURN_IF_ERROR(float64_forest->Check(options));
  const uint32_t iterations = CountOf(options.iterations);
  if constexpr (std::is_same_v<Number, int32_t>) {
    if (options.kind == OutputKind::kLeaf) {
      FindFloat64Leaves(float64_forest->trees(), rows, trees, out.data());
    } else {
      float64_forest->PredictClasses(rows, options, trees, iterations, out);
    }
  } else {
    float64_forest->Predict(rows, options, trees, iterations, out);
  }
  return absl::OkStatus();
}

absl::Status Forest::CheckFloatKind(OutputKind kind) const {
  if (kind != OutputKind::kClass && kind != OutputKind::kLeaf) return absl::OkStatus();
  return InvalidArgument("classes and leaves are int32, the output is ",
                         is_float64() ? "float64" : "float32");
}

absl::Status Forest::Predict(const Rows& rows, const PredictOptions& options, std::span<double> out) const {
  if (options.threads > 1) return PredictInParts(*this, rows, options, out);
  const Compiled& forest = *compiled_;
  ESPALIER_RETURN_IF_ERROR(CheckFloatKind(options.kind));
  ESPALIER_RETURN_IF_ERROR(forest.CheckExplanation(options));
  ESPALIER_ASSIGN_OR_RETURN(const TreeRange trees,
                            forest.Check(rows, options, OutputWidth(options.kind), out.size()));
  if (is_float64()) return forest.PredictFloat64(rows, options, trees, out);
  std::vector<float> numbers(out.size());
  ESPALIER_RETURN_IF_ERROR(Predict(rows, options, std::span<float>(numbers)));
  std::copy(numbers.begin(), numbers.end(), out.begin());
  return absl::OkStatus();
}

absl::Status Forest::Predict(const Rows& rows, const PredictOptions& options, std::span<float> out) const {
  if (options.threads > 1) return PredictInParts(*this, rows, options, out);
  const Compiled& forest = *compiled_;
  ESPALIER_RETURN_IF_ERROR(CheckFloatKind(options.kind));
  ESPALIER_RETURN_IF_ERROR(forest.CheckExplanation(options));
  ESPALIER_ASSIGN_OR_RETURN(const TreeRange trees,
                            forest.Check(rows, options, OutputWidth(options.kind), out.size()));
  if (is_float64()) return forest.PredictFloat64(rows, options, trees, out);
  if (IsExplanation(options.kind)) {
    forest.Explain(rows, options, trees, out.data());
  } else if (options.kind == OutputKind::kMargin) {
    forest.ComputeMargins(rows, 0, trees, options.base_margin, out.data());
  } else if (forest.objective->ValueWidth() == forest.num_outputs) {
    forest.ComputeMargins(rows, 0, trees, options.base_margin, out.data());
    forest.objective->ToValues(out.data(), rows.count, out.data());
  } else {
    forest.ForEachChunk(rows, trees, options.base_margin, [&](float* margins, size_t begin, size_t count) {
      forest.objective->ToValues(margins, count, out.data() + begin * forest.objective->ValueWidth());
    });
  }
  return absl::OkStatus();
}

absl::Status Forest::Predict(const Rows& rows, const PredictOptions& options, std::span<int32_t> out) const {
  if (options.threads > 1) return PredictInParts(*this, rows, options, out);
  const Compiled& forest = *compiled_;
  if (options.kind != OutputKind::kClass && options.kind != OutputKind::kLeaf) {
    return InvalidArgument("values, margins, contributions and interactions are ",
                           is_float64() ? "float64" : "float32", ", the output is int32");
  }
  const bool classes = options.kind == OutputKind::kClass;
  if (classes && !forest.HasClasses()) {
    return InvalidArgument("objective ", forest.objective_name, " has no classes");
  }
  if (!classes && forest.linear.has_value()) {
    return InvalidArgument("a linear model (gblinear) has no leaves");
  }
  ESPALIER_RETURN_IF_ERROR(forest.CheckExplanation(options));
  ESPALIER_RETURN_IF_ERROR(forest.Trees(options.iterations).status());
  ESPALIER_ASSIGN_OR_RETURN(
      const TreeRange trees,
      forest.Check(rows, options, OutputWidth(options.kind, options.iterations), out.size()));
  if (is_float64()) return forest.PredictFloat64(rows, options, trees, out);
  if (classes) {
    forest.ForEachChunk(rows, trees, options.base_margin, [&](float* margins, size_t begin, size_t count) {
      forest.objective->ToClasses(margins, count, out.data() + begin * forest.objective->ClassWidth());
    });
  } else {
    forest.kernels->leaves().FindLeaves(rows, trees, out.data());
  }
  return absl::OkStatus();
}

}  // namespace espalier
