#include "services/cli/predict_verb.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "models/base/clock.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "nlohmann/json.hpp"
#include "services/cli/print_json.h"
#include "services/cli/table_io.h"
#include "services/cli/table_writer.h"

namespace espalier {
namespace {

// Values that are in memory at a time, of the input or of the output.
constexpr size_t kChunkValues = size_t{1} << 20;

struct PredictVerbOptions {
  std::string model;
  std::string input;
  std::string out;
  std::string kind = "value";
  std::string iterations;
  bool json = false;
};

const std::vector<std::pair<std::string, OutputKind>>& Kinds() {
  static const std::vector<std::pair<std::string, OutputKind>> kinds = {
      {"value", OutputKind::kValue},
      {"margin", OutputKind::kMargin},
      {"class", OutputKind::kClass},
      {"leaf", OutputKind::kLeaf},
      {"contributions", OutputKind::kContributions}};
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

// Features by name, then the bias; before each of several outputs its number.
std::vector<std::string> ContributionNames(const Forest& forest) {
  std::vector<std::string> names;
  for (uint32_t output = 0; output < forest.num_outputs(); ++output) {
    const std::string prefix = forest.num_outputs() == 1 ? "" : StrCat(output, ".");
    for (uint32_t i = 0; i < forest.num_features(); ++i) {
      names.push_back(prefix + (forest.feature_names().empty() ? StrCat("f", i) : forest.feature_names()[i]));
    }
    names.push_back(prefix + "bias");
  }
  return names;
}

TableShape ShapeOf(const Forest& forest, const std::string& name, const PredictOptions& options) {
  const uint64_t width = forest.OutputWidth(options.kind, options.iterations);
  TableShape shape;
  shape.integers = options.kind == OutputKind::kClass || options.kind == OutputKind::kLeaf;
  if (options.kind == OutputKind::kContributions) {
    shape.column_names = ContributionNames(forest);
    shape.row_shape = {uint64_t{forest.num_features()} + 1};
    if (forest.num_outputs() > 1) shape.row_shape.insert(shape.row_shape.begin(), forest.num_outputs());
    return shape;
  }
  if (width != 1 || options.kind == OutputKind::kLeaf) shape.row_shape = {width};
  shape.column_names = NumberedNames(name, width);
  return shape;
}

// Predicts all rows of `source` and writes them; returns their number.
template <typename Number>
absl::StatusOr<uint64_t> PredictRows(const Forest& forest, const PredictOptions& options, RowSource& source,
                                     TableWriter& writer) {
  const size_t width = forest.OutputWidth(options.kind, options.iterations);
  const size_t widest = std::max<size_t>({width, forest.num_features(), 1});
  const size_t chunk_rows = std::max<size_t>(1, kChunkValues / widest);
  std::vector<float> rows;
  std::vector<Number> out;
  uint64_t total = 0;
  while (true) {
    ESPALIER_ASSIGN_OR_RETURN(const size_t count, source.Read(chunk_rows, rows));
    if (count == 0) return total;
    out.resize(count * width);
    const Rows view{reinterpret_cast<const std::byte*>(rows.data()), count,
                    forest.num_features() * sizeof(float)};
    ESPALIER_RETURN_IF_ERROR(forest.Predict(view, options, std::span<Number>(out)));
    ESPALIER_RETURN_IF_ERROR(writer.Write(std::span<const Number>(out)));
    total += count;
  }
}

absl::StatusOr<std::shared_ptr<const Forest>> LoadForest(const std::string& path) {
  ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadEnsembleFile(path));
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(std::move(ensemble));
  if (!forest.ok()) return Annotate(forest.status(), path);
  return forest;
}

// A prediction of no rows: what cannot be predicted is said before a file is begun.
absl::Status CheckKind(const Forest& forest, const PredictOptions& options, bool integers) {
  if (integers) return forest.Predict({}, options, std::span<int32_t>());
  return forest.Predict({}, options, std::span<float>());
}

absl::Status RunPredict(const PredictVerbOptions& options) {
  if (!IsTablePath(options.out))
    return UsageError(StrCat("--out ", options.out, ": must end in .npy or .csv"));
  ESPALIER_ASSIGN_OR_RETURN(const std::shared_ptr<const Forest> forest, LoadForest(options.model));
  PredictOptions predict;
  predict.kind = KindOf(options.kind);
  ESPALIER_ASSIGN_OR_RETURN(predict.iterations, ParseIterations(options.iterations, *forest));
  TableShape shape = ShapeOf(*forest, options.kind, predict);
  const bool integers = shape.integers;
  ESPALIER_RETURN_IF_ERROR(CheckKind(*forest, predict, integers));
  ESPALIER_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> source,
      OpenRows(options.input, {forest->num_features(), forest->feature_names(), &forest->category_names()}));
  ESPALIER_ASSIGN_OR_RETURN(const std::unique_ptr<TableWriter> writer,
                            TableWriter::Create(options.out, std::move(shape)));
  const int64_t start = RealClock().MonotonicNanos();
  ESPALIER_ASSIGN_OR_RETURN(const uint64_t rows,
                            integers ? PredictRows<int32_t>(*forest, predict, *source, *writer)
                                     : PredictRows<float>(*forest, predict, *source, *writer));
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
  verb->add_option("--model", options->model, "XGBoost model: JSON or UBJSON")->required();
  verb->add_option("--input", options->input, "Rows: .npy (float32), CSV with a header row, or LIBSVM")
      ->required();
  verb->add_option("--out", options->out, "File to write: .npy or .csv")->required();
  verb->add_option("--output-kind", options->kind, "What to predict")
      ->check(CLI::IsMember(KindNames()))
      ->capture_default_str();
  verb->add_option("--iterations", options->iterations,
                   "Boosting iterations A:B, half open, or best (default: all)");
  verb->add_flag("--json", options->json, "Print the summary as JSON");
  cli.OnRun(verb, [options] { return RunPredict(*options); });
}

}  // namespace espalier
