#include "services/cli/experiment_status_verb.h"

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "models/base/clock.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/read_experiments.h"
#include "services/cli/print_json.h"
#include "services/events/events_schema.h"
#include "services/experiments/config_versions.h"
#include "services/verdict/judge.h"
#include "services/verdict/report.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;

struct StatusOptions {
  std::string name;
  std::string experiments;
  std::string data = "espalier-data";
  bool json = false;
};

// The document of the experiment that is asked for: the only one, where no name is given.
absl::StatusOr<Experiment> FindDocument(const StatusOptions& options) {
  // What other documents say of each other is no matter of this one's verdict.
  ESPALIER_ASSIGN_OR_RETURN(std::vector<Experiment> documents,
                            ReadExperiments(options.experiments, Together::kUnchecked));
  // The server counts config versions; without its file they count from 1.
  const std::string counted = (std::filesystem::path(options.data) / "experiments.json").string();
  ESPALIER_ASSIGN_OR_RETURN(ConfigVersions versions, ConfigVersions::Load(counted));
  versions.Number(documents);
  std::string known;
  for (Experiment& document : documents) {
    const bool asked = options.name.empty() ? documents.size() == 1 : document.experiment() == options.name;
    if (asked) return std::move(document);
    absl::StrAppend(&known, known.empty() ? "" : ", ", document.experiment());
  }
  if (documents.empty()) {
    return Error(absl::StatusCode::kNotFound, options.experiments, ": holds no experiment");
  }
  if (options.name.empty()) return UsageError(StrCat("say which experiment: ", known));
  return Error(absl::StatusCode::kNotFound, options.experiments, ": no experiment \"", options.name,
               "\"; it has ", known);
}

absl::Status RunStatus(const StatusOptions& options) {
  ESPALIER_ASSIGN_OR_RETURN(const Experiment document, FindDocument(options));
  ESPALIER_ASSIGN_OR_RETURN(const auto experiment, CompiledExperiment::Compile(document));
  ESPALIER_ASSIGN_OR_RETURN(Sqlite db, OpenEventsForReading(options.data));
  ESPALIER_ASSIGN_OR_RETURN(const Judgement judgement, Judge(db, *experiment, RealClock().UnixMicros()));
  if (options.json) {
    PrintJson(ToJson(judgement));
  } else {
    std::cout << ToText(judgement);
  }
  return absl::OkStatus();
}

}  // namespace

void AddExperimentStatusVerb(Cli& cli, CLI::App* experiment) {
  CLI::App* verb = cli.AddVerb(
      "status", "Judges an experiment: units, effects, intervals, p and a verdict.",
      "espalier experiment status delay-model --experiments deploy/experiments --data espalier-data",
      experiment);
  auto options = std::make_shared<StatusOptions>();
  verb->add_option("NAME", options->name, "the experiment; may be left out where there is only one");
  verb->add_option("--experiments", options->experiments, "its document, or the directory that holds it")
      ->type_name("DIR|FILE")
      ->required();
  verb->add_option("--data", options->data, "the server's data directory")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_flag("--json", options->json, "prints one JSON object");
  cli.OnRun(verb, [options] { return RunStatus(*options); });
}

}  // namespace espalier
