#include "services/cli/experiment_verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/read_experiments.h"
#include "router/experiment/routing_table.h"
#include "services/cli/print_json.h"
#include "services/experiments/config_versions.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;
using nlohmann::json;

struct Options {
  std::string path;
  std::string data;
  bool as_json = false;
};

json ToJson(const CompiledExperiment& experiment) {
  json variants = json::array();
  for (const Variant& variant : experiment.variants()) {
    variants.push_back({{"key", variant.key},
                        {"version", variant.backend.version},
                        {"weight", variant.weight},
                        {"control", variant.control}});
  }
  const Experiment& document = experiment.document();
  return {{"experiment", experiment.key()},
          {"model", experiment.model()},
          {"state", experiment.state()},
          {"config_version", experiment.config_version()},
          {"coverage", document.has_coverage() ? document.coverage() : 1.0},
          {"layer", document.has_layer() ? json(document.layer().name()) : json()},
          {"variants", std::move(variants)}};
}

// "control=1:0.5": key, version and weight.
std::string VariantsText(const CompiledExperiment& experiment) {
  std::string text;
  for (const Variant& variant : experiment.variants()) {
    text += fmt::format("{}{}={}:{:g}", text.empty() ? "" : " ", variant.key, variant.backend.version,
                        variant.weight);
  }
  return text;
}

// Columns as wide as their widest cell.
void PrintTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += i + 1 < row.size() ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
    }
    std::cout << line << '\n';
  }
}

void Print(const RoutingTable& table, bool as_json) {
  if (as_json) {
    json list = json::array();
    for (const auto& experiment : table.experiments()) list.push_back(ToJson(*experiment));
    PrintJson(json{{"experiments", std::move(list)}});
    return;
  }
  std::vector<std::vector<std::string>> rows = {
      {"EXPERIMENT", "MODEL", "STATE", "CONFIG", "COVERAGE", "LAYER", "VARIANTS"}};
  for (const auto& experiment : table.experiments()) {
    const Experiment& document = experiment->document();
    rows.push_back({experiment->key(), experiment->model(), experiment->state(),
                    std::to_string(experiment->config_version()),
                    fmt::format("{:g}", document.has_coverage() ? document.coverage() : 1.0),
                    document.has_layer() ? document.layer().name() : "-", VariantsText(*experiment)});
  }
  PrintTable(rows);
}

absl::StatusOr<std::shared_ptr<const RoutingTable>> ReadTable(const std::string& path,
                                                              const std::string& data) {
  ESPALIER_ASSIGN_OR_RETURN(std::vector<Experiment> documents, ReadExperiments(path, Together::kChecked));
  if (!data.empty()) {
    const std::string state_file = (std::filesystem::path(data) / "experiments.json").string();
    ESPALIER_ASSIGN_OR_RETURN(ConfigVersions versions, ConfigVersions::Load(state_file));
    versions.Number(documents);
  }
  auto table = RoutingTable::Create(documents);
  return table.ok() ? std::move(table) : Annotate(table.status(), path);
}

absl::Status RunValidate(const Options& options) {
  ESPALIER_ASSIGN_OR_RETURN(const std::shared_ptr<const RoutingTable> table, ReadTable(options.path, ""));
  Print(*table, options.as_json);
  if (!options.as_json) std::cout << "valid\n";
  return absl::OkStatus();
}

absl::Status RunList(const Options& options) {
  ESPALIER_ASSIGN_OR_RETURN(const std::shared_ptr<const RoutingTable> table,
                            ReadTable(options.path, options.data));
  Print(*table, options.as_json);
  return absl::OkStatus();
}

}  // namespace

CLI::App* AddExperimentVerbs(Cli& cli) {
  CLI::App* parent = cli.AddVerb("experiment", "Experiments: check, list and judge them.",
                                 "espalier experiment validate deploy/experiments");
  parent->require_subcommand(1);

  CLI::App* validate =
      cli.AddVerb("validate", "Checks an experiment document, or all of a directory against each other.",
                  "espalier experiment validate deploy/experiments", parent);
  auto validate_options = std::make_shared<Options>();
  validate->add_option("path", validate_options->path, "document or directory")
      ->type_name("FILE|DIR")
      ->required();
  validate->add_flag("--json", validate_options->as_json, "prints one JSON object");
  cli.OnRun(validate, [validate_options] { return RunValidate(*validate_options); });

  CLI::App* list = cli.AddVerb("list", "Lists the experiments of a directory.",
                               "espalier experiment list --experiments deploy/experiments", parent);
  auto list_options = std::make_shared<Options>();
  list->add_option("--experiments", list_options->path, "directory of experiment documents")
      ->type_name("DIR")
      ->required();
  list->add_option(
          "--data", list_options->data,
          "the server's data directory: shows its config versions, and what a changed document would get")
      ->type_name("DIR");
  list->add_flag("--json", list_options->as_json, "prints one JSON object");
  cli.OnRun(list, [list_options] { return RunList(*list_options); });
  return parent;
}

}  // namespace espalier
