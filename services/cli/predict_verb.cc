#include "services/cli/predict_verb.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "models/base/clock.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/background_contributions.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "nlohmann/json.hpp"
#include "services/cli/print_json.h"
#include "services/cli/score_file.h"
#include "services/cli/table_io.h"
#include "services/cli/table_writer.h"

namespace espalier {
namespace {

// Values of a part, of the input or of the output; there are two parts a thread.
constexpr size_t kPartValues = size_t{1} << 18;
// Of a row of the output: 1 GiB.
constexpr size_t kMaxRowValues = size_t{1} << 28;
constexpr int64_t kProgressNanos = 100'000'000;

struct PredictVerbOptions {
  std::string model;
  std::string input;
  std::string out;
  std::string kind = "value";
  std::string background;
  std::string iterations;
  uint32_t threads = std::max(1u, std::thread::hardware_concurrency());
  bool json = false;
};

const std::vector<std::pair<std::string, OutputKind>>& Kinds() {
  static const std::vector<std::pair<std::string, OutputKind>> kinds = {
      {"value", OutputKind::kValue},
      {"margin", OutputKind::kMargin},
      {"class", OutputKind::kClass},
      {"leaf", OutputKind::kLeaf},
      {"contributions", OutputKind::kContributions},
      {"interactions", OutputKind::kInteractions}};
  return kinds;
}

OutputKind KindOf(const std::string& name) {
  return std::find_if(Kinds().begin(), Kinds().end(), [&](const auto& kind) { return kind.first == name; })
      ->second;
}

std::vector<std::string> KindNames() {
  std::vector<std::string> names;
  for (const auto& [name, kind] : Kinds()) names.push_back(name);
  return names;
}

bool ParseUint(std::string_view text, uint32_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// "" is all, "best" up to the best iteration, "A:B" half open.
absl::StatusOr<IterationRange> ParseIterations(const std::string& text, const Forest& forest) {
  if (text.empty()) return IterationRange{};
  if (text == "best") {
    if (forest.best_iteration().has_value()) return IterationRange{0, *forest.best_iteration() + 1};
    return InvalidArgument("--iterations best: the model has no best_iteration");
  }
  IterationRange range;
  const size_t colon = text.find(':');
  const std::string_view view = text;
  if (colon == std::string::npos || !ParseUint(view.substr(0, colon), range.begin) ||
      !ParseUint(view.substr(colon + 1), range.end) || range.begin >= range.end) {
    return UsageError(StrCat("--iterations ", text, ": must be A:B with A below B, or best"));
  }
  if (range.end > forest.num_iterations()) {
    return InvalidArgument("--iterations ", text, ": the model has ", forest.num_iterations());
  }
  return range;
}

// "value", or "value_0", "value_1", ...
std::vector<std::string> NumberedNames(const std::string& name, size_t count) {
  if (count == 1) return {name};
  std::vector<std::string> names;
  for (size_t i = 0; i < count; ++i) names.push_back(StrCat(name, "_", i));
  return names;
}

// The features by name, then the bias.
std::vector<std::string> ExplainedNames(const Forest& forest) {
  std::vector<std::string> names = forest.feature_names();
  for (auto i = static_cast<uint32_t>(names.size()); i < forest.num_features(); ++i) {
    names.push_back(StrCat("f", i));
  }
  names.emplace_back("bias");
  return names;
}

// Of contributions a column a feature, of interactions one a pair ("age*height"); before each of several
// outputs its number.
std::vector<std::string> ExplanationColumns(const Forest& forest, bool pairs) {
  const std::vector<std::string> names = ExplainedNames(forest);
  std::vector<std::string> columns;
  for (uint32_t output = 0; output < forest.num_outputs(); ++output) {
    const std::string prefix = forest.num_outputs() == 1 ? "" : StrCat(output, ".");
    for (const std::string& name : names) {
      if (!pairs) columns.push_back(prefix + name);
      for (size_t i = 0; pairs && i < names.size(); ++i) columns.push_back(prefix + name + "*" + names[i]);
    }
  }
  return columns;
}

TableShape ExplanationShape(const Forest& forest, bool pairs, bool has_header) {
  TableShape shape;
  if (has_header) shape.column_names = ExplanationColumns(forest, pairs);
  if (forest.num_outputs() > 1) shape.row_shape.push_back(forest.num_outputs());
  shape.row_shape.insert(shape.row_shape.end(), pairs ? 2 : 1, uint64_t{forest.num_features()} + 1);
  return shape;
}

TableShape ShapeOf(const Forest& forest, const PredictVerbOptions& verb, const PredictOptions& options) {
  const uint64_t width = forest.OutputWidth(options.kind, options.iterations);
  TableShape shape;
  shape.integers = options.kind == OutputKind::kClass || options.kind == OutputKind::kLeaf;
  shape.doubles = !shape.integers && forest.is_float64();
  if (options.kind == OutputKind::kContributions || options.kind == OutputKind::kInteractions) {
    // Squares have too many names to make those that nobody reads.
    const bool has_header = verb.out.ends_with(".csv");
    TableShape explained = ExplanationShape(forest, options.kind == OutputKind::kInteractions, has_header);
    explained.doubles = shape.doubles;
    return explained;
  }
  if (width != 1 || options.kind == OutputKind::kLeaf) shape.row_shape = {width};
  shape.column_names = NumberedNames(verb.kind, width);
  return shape;
}

// How the rows become scores, in parts of such a size that a few of them fit into memory.
ScorePlan PlanOf(const Forest& forest, const PredictOptions& options, bool integers, uint32_t threads) {
  ScorePlan plan;
  plan.width = forest.OutputWidth(options.kind, options.iterations);
  plan.integers = integers;
  plan.doubles = !integers && forest.is_float64();
  plan.part_rows =
      std::max<size_t>(1, kPartValues / std::max<size_t>({plan.width, forest.num_features(), 1}));
  plan.threads = threads;
  plan.predict = [&forest, options](const Rows& rows, std::span<float> out) {
    return forest.Predict(rows, options, out);
  };
  plan.predict_doubles = [&forest, options](const Rows& rows, std::span<double> out) {
    return forest.Predict(rows, options, out);
  };
  plan.predict_integers = [&forest, options](const Rows& rows, std::span<int32_t> out) {
    return forest.Predict(rows, options, out);
  };
  return plan;
}

// Tells somebody who waits at a terminal how far it is, at most ten times a second.
class TerminalProgress {
 public:
  explicit TerminalProgress(size_t total_bytes) : total_bytes_(total_bytes) {}
  ~TerminalProgress() {
    if (shown_) std::cerr << "\r\x1b[K";
  }
  TerminalProgress(const TerminalProgress&) = delete;
  TerminalProgress& operator=(const TerminalProgress&) = delete;

  void Show(uint64_t rows, size_t bytes) {
    const int64_t now = RealClock().MonotonicNanos();
    if (!terminal_ || now < next_nanos_) return;
    next_nanos_ = now + kProgressNanos;
    shown_ = true;
    std::cerr << fmt::format("\r{} rows, {} %", rows, bytes * 100 / std::max<size_t>(total_bytes_, 1))
              << std::flush;
  }

 private:
  const size_t total_bytes_;
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  int64_t next_nanos_ = RealClock().MonotonicNanos() + kProgressNanos;
};

absl::StatusOr<std::shared_ptr<const Forest>> LoadForest(const std::string& path) {
  ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadEnsembleFile(path));
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(std::move(ensemble));
  if (!forest.ok()) return Annotate(forest.status(), path);
  return forest;
}

// A prediction of no rows: what cannot be predicted is said before a file is begun.
absl::Status CheckKind(const Forest& forest, const PredictOptions& options, bool integers) {
  const size_t width = forest.OutputWidth(options.kind, options.iterations);
  if (width > kMaxRowValues) {
    return InvalidArgument("a row would have ", width, " numbers, at most ", kMaxRowValues, " are allowed");
  }
  if (integers) return forest.Predict({}, options, std::span<int32_t>());
  return forest.Predict({}, options, std::span<float>());
}

// All rows of a file; too many are read no further than to be sure of it.
absl::StatusOr<std::vector<float>> ReadBackground(const std::string& path, const Forest& forest) {
  ESPALIER_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> source,
      OpenRows(path, {forest.num_features(), forest.feature_names(), &forest.category_names()}));
  const size_t width = forest.num_features();
  const size_t part_rows = std::max<size_t>(1, kPartValues / std::max<size_t>(width, 1));
  std::vector<float> values;
  std::vector<float> buffer;
  Rows all = {nullptr, 0, width * sizeof(float)};
  for (RowPart part = source->Next(part_rows); !part.bytes.empty() && values.size() <= kMaxBackgroundValues;
       part = source->Next(part_rows)) {
    ESPALIER_ASSIGN_OR_RETURN(const Rows rows, source->Read(part, buffer));
    for (size_t i = 0; i < rows.count; ++i) {
      values.resize(values.size() + width);
      std::memcpy(values.data() + values.size() - width, rows.data + i * rows.stride, all.stride);
    }
    all.count += rows.count;
  }
  if (absl::Status status = CheckBackground(all, forest.num_features()); !status.ok()) {
    return Annotate(status, path);
  }
  return values;
}

absl::Status RunPredict(const PredictVerbOptions& options) {
  if (!IsTablePath(options.out))
    return UsageError(StrCat("--out ", options.out, ": must end in .npy or .csv"));
  ESPALIER_ASSIGN_OR_RETURN(const std::shared_ptr<const Forest> forest, LoadForest(options.model));
  PredictOptions predict;
  predict.kind = KindOf(options.kind);
  ESPALIER_ASSIGN_OR_RETURN(predict.iterations, ParseIterations(options.iterations, *forest));
  std::vector<float> background;
  if (!options.background.empty()) {
    if (predict.kind != OutputKind::kContributions) {
      return UsageError(StrCat("--background goes with --output-kind contributions, not ", options.kind));
    }
    ESPALIER_ASSIGN_OR_RETURN(background, ReadBackground(options.background, *forest));
    const size_t row_bytes = forest->num_features() * sizeof(float);
    predict.background = {reinterpret_cast<const std::byte*>(background.data()),
                          background.size() / std::max(1u, forest->num_features()), row_bytes};
  }
  TableShape shape = ShapeOf(*forest, options, predict);
  const bool integers = shape.integers;
  ESPALIER_RETURN_IF_ERROR(CheckKind(*forest, predict, integers));
  ESPALIER_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> source,
      OpenRows(options.input, {forest->num_features(), forest->feature_names(), &forest->category_names()}));
  ESPALIER_ASSIGN_OR_RETURN(const std::unique_ptr<TableWriter> writer,
                            TableWriter::Create(options.out, std::move(shape)));
  const int64_t start = RealClock().MonotonicNanos();
  ScorePlan plan = PlanOf(*forest, predict, integers, options.threads);
  TerminalProgress progress(source->size());
  plan.on_progress = [&](uint64_t rows, size_t bytes) { progress.Show(rows, bytes); };
  ESPALIER_ASSIGN_OR_RETURN(const uint64_t rows, ScoreFile(plan, *source, *writer));
  ESPALIER_RETURN_IF_ERROR(writer->Finish());
  const double seconds = static_cast<double>(RealClock().MonotonicNanos() - start) / 1e9;
  const size_t width = forest->OutputWidth(predict.kind, predict.iterations);
  if (options.json) {
    const nlohmann::ordered_json report = {{"rows", rows},
                                           {"width", width},
                                           {"output_kind", options.kind},
                                           {"out", options.out},
                                           {"seconds", seconds}};
    PrintJson(report);
  } else {
    std::cout << fmt::format("{} rows x {} ({}) in {:.2f} s -> {}\n", rows, width, options.kind, seconds,
                             options.out);
  }
  return absl::OkStatus();
}

}  // namespace

void AddPredictVerb(Cli& cli) {
  CLI::App* verb = cli.AddVerb("predict", "Predicts a file of rows with a model file, without a server",
                               "espalier predict --model xgboost.ubj --input rows.csv --out scores.npy");
  auto options = std::make_shared<PredictVerbOptions>();
  verb->add_option("--model", options->model, "Model of XGBoost, LightGBM (text) or scikit-learn (exported)")
      ->required();
  verb->add_option("--input", options->input, "Rows: .npy (float32), CSV with a header row, or LIBSVM")
      ->required();
  verb->add_option("--out", options->out, "File to write: .npy or .csv")->required();
  verb->add_option("--output-kind", options->kind, "What to predict")
      ->check(CLI::IsMember(KindNames()))
      ->capture_default_str();
  verb->add_option("--background", options->background,
                   "Rows that contributions compare with, in a form of --input (default: the training rows)");
  verb->add_option("--iterations", options->iterations,
                   "Boosting iterations A:B, half open, or best (default: all)");
  verb->add_option("--threads", options->threads, "Threads; the scores are the same for any number")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_flag("--json", options->json, "Print the summary as JSON");
  cli.OnRun(verb, [options] { return RunPredict(*options); });
}

}  // namespace espalier
