#include "services/cli/analyze_verb.h"

#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/cli/print_json.h"
#include "services/verdict/report.h"
#include "services/verdict/table_analysis.h"

namespace espalier {
namespace {

struct AnalyzeOptions {
  std::string input;
  TableSpec spec;
  std::vector<std::string> metrics;
  std::string shares;
  std::string engine = "sequential";
  std::string correction = "holm";
  bool json = false;
};

absl::StatusOr<double> ReadShare(std::string_view text) {
  double share = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  if (error != std::errc() || end != text.data() + text.size() || !(share >= 0) || share > 1e12) {
    return InvalidArgument("--shares: \"", text, "\" must be a number of 0 or more");
  }
  return share;
}

// "control=0.5,weather=0.5"; a key may hold "=".
absl::Status ReadShares(const std::string& text, TableSpec& spec) {
  if (text.empty()) return absl::OkStatus();
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  for (const std::string& part : parts) {
    const size_t equals = part.rfind('=');
    if (equals == std::string::npos) return InvalidArgument("--shares: \"", part, "\" must be KEY=WEIGHT");
    ESPALIER_ASSIGN_OR_RETURN(const double share, ReadShare(std::string_view(part).substr(equals + 1)));
    spec.shares.emplace_back(part.substr(0, equals), share);
  }
  return absl::OkStatus();
}

absl::StatusOr<AnalysisEngine> ReadEngine(std::string_view name) {
  for (const AnalysisEngine engine :
       {AnalysisEngine::kSequential, AnalysisEngine::kFixed, AnalysisEngine::kBayesian}) {
    if (EngineName(engine) == name) return engine;
  }
  return InvalidArgument("--engine: \"", name, "\" must be sequential, fixed or bayesian");
}

absl::Status ReadOptions(AnalyzeOptions& options) {
  for (const std::string& text : options.metrics) {
    ESPALIER_ASSIGN_OR_RETURN(TableMetric metric, ParseTableMetric(text));
    options.spec.metrics.push_back(std::move(metric));
  }
  ESPALIER_RETURN_IF_ERROR(ReadShares(options.shares, options.spec));
  ESPALIER_ASSIGN_OR_RETURN(options.spec.engine, ReadEngine(options.engine));
  if (options.correction != "holm" && options.correction != "none") {
    return InvalidArgument("--correction: \"", options.correction, "\" must be holm or none");
  }
  options.spec.correction = options.correction == "holm" ? Correction::kHolm : Correction::kNone;
  if (!(options.spec.alpha > 0 && options.spec.alpha < 1)) {
    return InvalidArgument("--alpha: ", options.spec.alpha, " must be within (0, 1)");
  }
  if (!(options.spec.n_star >= 1 && options.spec.n_star < 1e15)) {
    return InvalidArgument("--n-star: ", options.spec.n_star, " must be a number of units, from 1");
  }
  options.spec.name = std::filesystem::path(options.input).stem().string();
  return absl::OkStatus();
}

absl::Status RunAnalyze(AnalyzeOptions& options) {
  if (absl::Status status = ReadOptions(options); !status.ok()) return UsageError(Message(status));
  ESPALIER_ASSIGN_OR_RETURN(const std::string csv, ReadFile(options.input));
  const absl::StatusOr<Judgement> judgement = AnalyzeTable(csv, options.spec);
  if (!judgement.ok()) return Annotate(judgement.status(), options.input);
  if (options.json) {
    PrintJson(ToJson(*judgement));
  } else {
    std::cout << ToText(*judgement);
  }
  return absl::OkStatus();
}

}  // namespace

void AddAnalyzeVerb(Cli& cli) {
  CLI::App* verb =
      cli.AddVerb("analyze", "Judges an experiment that is a table: effects, intervals, p and a verdict.",
                  "espalier analyze --input hillstrom.csv --variant segment --control 'No E-Mail' --metric "
                  "visit:proportion");
  auto options = std::make_shared<AnalyzeOptions>();
  TableSpec& spec = options->spec;
  verb->add_option("--input", options->input, "CSV with a header row, one observation a row")
      ->type_name("FILE")
      ->required();
  verb->add_option("--variant", spec.variant, "column that holds the variant")->type_name("COL")->required();
  verb->add_option("--control", spec.control, "the variant that the others are compared with")
      ->type_name("KEY")
      ->required();
  verb->add_option(
          "--metric", options->metrics,
          "COL:TYPE, TYPE one of mean, proportion, total, converted; or NUM/DEN:ratio; with :down where "
          "less is better; can be repeated")
      ->type_name("COL:TYPE")
      ->required();
  verb->add_option("--unit", spec.unit, "column that holds the unit, where units have several rows")
      ->type_name("COL");
  verb->add_option("--covariate", spec.covariate,
                   "column known before treatment, to narrow the intervals (CUPED)")
      ->type_name("COL");
  verb->add_option("--alpha", spec.alpha, "level")->capture_default_str();
  verb->add_option("--n-star", spec.n_star, "units at which the sequential interval is tightest")
      ->capture_default_str();
  verb->add_option("--engine", options->engine, "sequential, fixed or bayesian")->capture_default_str();
  verb->add_option("--correction", options->correction, "for several comparisons: holm or none")
      ->capture_default_str();
  verb->add_option("--shares", options->shares, "configured shares of the variants; absent: equal")
      ->type_name("K=W,..");
  verb->add_flag("--json", options->json, "prints one JSON object");
  cli.OnRun(verb, [options] { return RunAnalyze(*options); });
}

}  // namespace espalier
