#include "services/cli/assign_verb.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "models/base/clock.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/attributes_with_unit.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/document.h"
#include "router/experiment/document_node.h"
#include "router/experiment/json_text.h"
#include "router/experiment/read_experiments.h"
#include "router/experiment/routing_table.h"
#include "services/cli/conformance.h"
#include "services/cli/print_json.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;
using nlohmann::json;

struct AssignOptions {
  std::string experiment;
  std::string unit;
  std::string attributes = "{}";
  std::string request_id;
  std::string vectors;
  bool as_json = false;
};

absl::Status AnswerVectors(std::istream& in) {
  std::string line;
  while (std::getline(in, line)) std::cout << AnswerVector(line) << '\n';
  if (in.bad()) return absl::UnknownError("the vectors cannot be read");
  std::cout.flush();
  return std::cout.good() ? absl::OkStatus() : absl::UnknownError("standard output cannot be written");
}

absl::Status AnswerVectorFile(const std::string& path) {
  if (path == "-") return AnswerVectors(std::cin);
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(absl::StatusCode::kNotFound, path, ": cannot be opened");
  return AnswerVectors(file);
}

absl::StatusOr<std::vector<Experiment>> ReadDocuments(const std::string& path) {
  if (path != "-") return ReadExperimentFile(path);
  // One byte more than is allowed is enough to be refused.
  std::string text(kMaxDocumentBytes + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  return ParseExperiments(text, "standard input");
}

// The JSON keys are fixed; `bucket` is null when there is no unit to hash.
json Describe(const Assignment& assignment) {
  return {{"variant", assignment.variant->key},
          {"reason", assignment.explanation},
          {"bucket", assignment.unit.empty() ? json() : json(assignment.bucket)},
          {"version", assignment.variant->backend.version}};
}

void Print(const json& decision, bool as_json) {
  if (as_json) {
    PrintJson(decision);
    return;
  }
  for (const char* key : {"variant", "reason", "bucket", "version"}) {
    const json& value = decision[key];
    std::cout << fmt::format("{:<8} {}\n", key,
                             value.is_string() ? value.get<std::string>()
                             : value.is_null() ? "-"
                                               : JsonText(value));
  }
}

// Of a model that no request is routed for: the control, and the state that says so.
json DescribeUnrouted(const CompiledExperiment& experiment) {
  return {{"variant", experiment.control().key},
          {"reason", experiment.assigner().Closed(RealClock().UnixMicros())},
          {"bucket", nullptr},
          {"version", experiment.control().backend.version}};
}

absl::Status RunAssign(const AssignOptions& options) {
  if (!options.vectors.empty()) return AnswerVectorFile(options.vectors);
  if (options.experiment.empty()) return UsageError("--experiment FILE or --vectors FILE is required");
  const absl::StatusOr<json> attributes = ParseJson(options.attributes);
  if (!attributes.ok() || !attributes->is_object()) {
    return UsageError(
        StrCat("--attributes: ", attributes.ok() ? "must be a JSON object" : Message(attributes.status())));
  }
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<Experiment> documents, ReadDocuments(options.experiment));
  absl::StatusOr<std::shared_ptr<const RoutingTable>> table = RoutingTable::Create(documents);
  if (!table.ok()) return Annotate(table.status(), options.experiment);
  const std::string& model = documents.front().model();
  for (const Experiment& document : documents) {
    if (document.model() == model) continue;
    return InvalidArgument(options.experiment, ": has experiments on the models ", model, " and ",
                           document.model(),
                           "; a request asks for one of them: put them into files of their own");
  }
  const ModelRoute* route = (*table)->Find(model);
  if (route == nullptr) {
    Print(DescribeUnrouted(*(*table)->experiments().front()), options.as_json);
    return absl::OkStatus();
  }
  Assignment assignment;
  const JsonAttributes parameters(*attributes);
  route->Assign(AttributesWithUnit(*route, options.unit, parameters), options.request_id, /*event_id=*/0,
                RealClock().UnixMicros(), assignment);
  ESPALIER_RETURN_IF_ERROR(route->CheckUnit(assignment.unit));
  Print(Describe(assignment), options.as_json);
  return absl::OkStatus();
}

}  // namespace

void AddAssignVerb(Cli& cli) {
  CLI::App* verb = cli.AddVerb(
      "assign", "Shows the variant that the server would choose for a unit, and why.",
      "espalier assign --experiment deploy/experiments/delay-model.yaml --unit N12345 --attributes "
      "'{\"origin\": \"JFK\"}'");
  auto options = std::make_shared<AssignOptions>();
  CLI::Option* experiment =
      verb->add_option("--experiment", options->experiment, "experiment document; - reads standard input")
          ->type_name("FILE");
  verb->add_option("--unit", options->unit,
                   "value of the unit attribute; without it the request has no unit");
  verb->add_option("--attributes", options->attributes, "further request parameters")->type_name("JSON");
  verb->add_option("--request-id", options->request_id, "what a request without unit is assigned by");
  verb->add_option("--vectors", options->vectors,
                   "answers conformance vectors, one JSON object a line (docs/assign-vectors.md)")
      ->type_name("FILE")
      ->excludes(experiment);
  verb->add_flag("--json", options->as_json, "prints one JSON object");
  cli.OnRun(verb, [options] { return RunAssign(*options); });
}

}  // namespace espalier
