#include "services/cli/model_verb.h"

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "nlohmann/json.hpp"
#include "services/cli/print_json.h"

namespace espalier {
namespace {

struct InspectOptions {
  std::string file;
  bool json = false;
};

// The report in the order in which it is shown.
nlohmann::ordered_json Describe(const Forest& forest) {
  nlohmann::ordered_json report = {{"format", forest.format()},
                                   {"xgboost_version", forest.version()},
                                   {"objective", forest.objective()},
                                   {"num_feature", forest.num_features()},
                                   {"num_outputs", forest.num_outputs()},
                                   {"trees", forest.num_trees()},
                                   {"iterations", forest.num_iterations()},
                                   {"best_iteration", nullptr},
                                   {"nodes", forest.num_nodes()},
                                   {"max_depth", forest.max_depth()},
                                   {"feature_names", forest.feature_names()},
                                   {"categorical_features", nlohmann::ordered_json::array()},
                                   {"kernel", forest.kernel()},
                                   {"memory_bytes", forest.MemoryBytes()}};
  if (forest.best_iteration().has_value()) report["best_iteration"] = *forest.best_iteration();
  for (size_t i = 0; i < forest.feature_kinds().size(); ++i) {
    if (forest.feature_kinds()[i] == FeatureKind::kCategorical) report["categorical_features"].push_back(i);
  }
  return report;
}

std::string ForPeople(const nlohmann::ordered_json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return Printable(value.get<std::string>());
  if (!value.is_array()) return JsonText(value);
  std::string text;
  for (const nlohmann::ordered_json& element : value) text += (text.empty() ? "" : ", ") + ForPeople(element);
  return text.empty() ? "-" : text;
}

absl::Status RunInspect(const InspectOptions& options) {
  ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadEnsembleFile(options.file));
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(std::move(ensemble));
  if (!forest.ok()) return Annotate(forest.status(), options.file);
  const nlohmann::ordered_json report = Describe(**forest);
  if (options.json) {
    PrintJson(report);
    return absl::OkStatus();
  }
  for (const auto& [key, value] : report.items())
    std::cout << fmt::format("{:<22}{}\n", key, ForPeople(value));
  return absl::OkStatus();
}

}  // namespace

CLI::App* AddModelVerb(Cli& cli) {
  CLI::App* model = cli.AddVerb("model", "Models: files and versions", "espalier model inspect xgboost.ubj");
  model->require_subcommand(1);
  CLI::App* inspect = cli.AddVerb("inspect", "Summarises a model file, or says why it cannot be served",
                                  "espalier model inspect models/flight-delay/1/xgboost.ubj", model);
  auto options = std::make_shared<InspectOptions>();
  inspect->add_option("FILE", options->file, "Model of XGBoost, LightGBM (text) or scikit-learn (exported)")
      ->required();
  inspect->add_flag("--json", options->json, "Print JSON");
  cli.OnRun(inspect, [options] { return RunInspect(*options); });
  return model;
}

}  // namespace espalier
