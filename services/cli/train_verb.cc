#include "services/cli/train_verb.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
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
#include "models/training/published_version.h"
#include "models/training/train.h"
#include "nlohmann/json.hpp"
#include "services/cli/print_json.h"

namespace espalier {
namespace {

struct TrainOptions {
  bool local = false;
  TrainingSpec spec;
  std::vector<std::string> where;
  std::string valid;
  std::vector<std::string> params;
  std::string models;
  std::string name;
  // 0: the next one.
  int64_t version = 0;
  bool json = false;
};

// Completes the spec from the options that CLI11 reads as text.
absl::Status ReadOptions(TrainOptions& options) {
  for (const std::string& text : options.where) {
    ESPALIER_ASSIGN_OR_RETURN(RowRange range, ParseRowRange(text));
    options.spec.where.push_back(std::move(range));
  }
  if (!options.valid.empty()) {
    ESPALIER_ASSIGN_OR_RETURN(options.spec.valid, ParseRowRange(options.valid));
  }
  for (const std::string& param : options.params) {
    const size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument("--param ", param, " must be NAME=VALUE, as in eta=0.1");
    }
    options.spec.params[param.substr(0, equals)] = param.substr(equals + 1);
  }
  return ValidateTrainingSpec(options.spec);
}

std::string MetricsText(const RoundMetrics& round) {
  std::string text;
  for (const Metric& metric : round.metrics) text += fmt::format("  {} {:.5f}", metric.name, metric.value);
  return text;
}

// Shows rounds as they come: one changing line on a terminal, ten lines in all elsewhere.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(int rounds) : rounds_(rounds), terminal_(isatty(STDOUT_FILENO) != 0) {}

  void Print(const RoundMetrics& round) {
    const int number = round.round + 1;
    const bool sparse = number == rounds_ || number % std::max(1, rounds_ / 10) == 0;
    if (!terminal_ && !sparse) return;
    std::cout << (terminal_ ? "\r\x1b[K" : "") << fmt::format("round {}/{}", number, rounds_)
              << MetricsText(round) << (terminal_ ? "" : "\n") << std::flush;
  }

  void Finish() {
    if (terminal_) std::cout << "\n";
  }

 private:
  const int rounds_;
  const bool terminal_;
};

void PrintReport(const TrainOptions& options, const TrainingData& data, const TrainedModel& model,
                 const std::string& folder, double seconds) {
  nlohmann::ordered_json json = {
      {"model", options.name},     {"version", options.version},      {"path", folder},
      {"rows", data.train.rows()}, {"valid_rows", data.valid.rows()}, {"features", data.features},
      {"rounds", model.rounds},    {"bytes", model.bytes.size()},     {"seconds", seconds}};
  for (const Metric& metric : model.history[model.rounds - 1].metrics)
    json["metrics"][metric.name] = metric.value;
  if (model.evaluation) {
    json["metrics"]["auc"] = model.evaluation->auc;
    json["metrics"]["log_loss"] = model.evaluation->log_loss;
    json["metrics"]["brier"] = model.evaluation->brier;
  }
  PrintJson(json);
}

void PrintSummary(const TrainingData& data, const TrainedModel& model, const std::string& folder,
                  double seconds) {
  std::cout << fmt::format("{} rows, {} features, {} rounds in {:.1f} s -> {} ({} bytes)\n",
                           data.train.rows(), data.features.size(), model.rounds, seconds, folder,
                           model.bytes.size());
  if (model.evaluation) {
    std::cout << fmt::format("on {} other rows: AUC {:.4f}, log-loss {:.4f}, Brier {:.4f}\n",
                             data.valid.rows(), model.evaluation->auc, model.evaluation->log_loss,
                             model.evaluation->brier);
  }
}

// What was trained is read as a server would read it, so that nothing is published that cannot be served.
absl::Status CheckServable(std::string_view bytes) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
  absl::Status status = ensemble.status();
  if (ensemble.ok()) status = Forest::Compile(*std::move(ensemble)).status();
  return Annotate(status, "the model was trained, but cannot be served");
}

// Usage errors exit 2, before anything is read; a version that is there is a failure. Without a number there
// is only the name to check.
absl::Status CheckPlace(const TrainOptions& options) {
  const int64_t version = options.version > 0 ? options.version : NextVersion(options.models, options.name);
  const absl::Status status = CheckVersion(options.models, options.name, version);
  return absl::IsInvalidArgument(status) ? UsageError(Message(status)) : status;
}

absl::Status RunTrain(TrainOptions options) {
  if (!options.local) {
    return UsageError(
        "train: this build has no training server to submit to; --local trains in this process");
  }
  if (absl::Status status = ReadOptions(options); !status.ok()) return UsageError(Message(status));
  ESPALIER_RETURN_IF_ERROR(CheckPlace(options));
  const int64_t start = RealClock().MonotonicNanos();
  ESPALIER_ASSIGN_OR_RETURN(const TrainingData data, ReadTrainingData(options.spec));
  ProgressPrinter printer(options.spec.rounds);
  ESPALIER_ASSIGN_OR_RETURN(const TrainedModel model,
                            Train(options.spec, data, [&](const RoundMetrics& round) {
                              if (!options.json) printer.Print(round);
                              return absl::OkStatus();
                            }));
  if (!options.json) printer.Finish();
  ESPALIER_RETURN_IF_ERROR(CheckServable(model.bytes));
  if (options.version == 0) options.version = NextVersion(options.models, options.name);
  const std::string lineage = LineageJson(options.spec, data, model, RealClock().UnixMicros());
  ESPALIER_ASSIGN_OR_RETURN(const std::string folder, PublishVersion(options.models, options.name,
                                                                     options.version, model.bytes, lineage));
  const double seconds = (RealClock().MonotonicNanos() - start) / 1e9;
  if (options.json) {
    PrintReport(options, data, model, folder, seconds);
  } else {
    PrintSummary(data, model, folder, seconds);
  }
  return absl::OkStatus();
}

void AddDataOptions(CLI::App* verb, TrainOptions& options) {
  TrainingSpec& spec = options.spec;
  verb->add_option("--input", spec.input, "Table to learn from: CSV with a header row")->required();
  verb->add_option("--label", spec.label, "Column to predict")->required();
  verb->add_option("--features", spec.features,
                   "Columns to learn from (default: all but label, weight and --drop)")
      ->delimiter(',');
  verb->add_option("--drop", spec.drop, "Columns to leave out")->delimiter(',');
  verb->add_option("--categorical", spec.categorical, "Features that hold category codes: 0, 1, 2, ...")
      ->delimiter(',');
  verb->add_option("--weight", spec.weight, "Column of row weights");
  verb->add_option("--where", options.where,
                   "Use only rows in this range, COLUMN:LOW:HIGH, both included, as numbers or ISO dates");
  verb->add_option("--valid", options.valid, "Keep rows in this range out of training and evaluate on them");
}

void AddModelOptions(CLI::App* verb, TrainOptions& options) {
  TrainingSpec& spec = options.spec;
  verb->add_option("--objective", spec.objective, "XGBoost's objective")->capture_default_str();
  verb->add_option("--rounds", spec.rounds, "Boosting rounds")->capture_default_str();
  verb->add_option("--param", options.params, "A parameter of XGBoost's, NAME=VALUE");
  verb->add_option("--early-stopping", spec.early_stopping_rounds,
                   "Stop after so many rounds without improvement on --valid, and keep the best");
  verb->add_option("--seed", spec.seed, "Seed of what is random")->capture_default_str();
  verb->add_option("--threads", spec.threads, "Threads (0: one for each core)")->capture_default_str();
  verb->add_option("--models", options.models, "Model repository to write to")->required();
  verb->add_option("--name", options.name, "The model's name")->required();
  verb->add_option("--version", options.version, "The version's number (default: the next one)")
      ->check(CLI::Range(int64_t{1}, INT64_MAX));
}

}  // namespace

void AddTrainVerb(Cli& cli) {
  CLI::App* verb = cli.AddVerb("train", "Trains a model with XGBoost and puts it into a model repository",
                               "espalier train --local --input flights.csv --label late "
                               "--features distance,departure_minute --where month:1:6 \\\n"
                               "    --objective binary:logistic --rounds 150 --param eta=0.1 --models models "
                               "--name flight-delay");
  auto options = std::make_shared<TrainOptions>();
  verb->add_flag("--local", options->local, "Train in this process, without a server");
  AddDataOptions(verb, *options);
  AddModelOptions(verb, *options);
  verb->add_flag("--json", options->json, "Print the result as JSON, without progress");
  cli.OnRun(verb, [options] { return RunTrain(*options); });
}

}  // namespace espalier
