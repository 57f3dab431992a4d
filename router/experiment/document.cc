#include "router/experiment/document.h"

#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/document_node.h"
#include "router/experiment/message_reader.h"
#include "router/experiment/validate.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;

absl::StatusOr<std::vector<DocumentNode>> ReadDocuments(std::string_view text, std::string_view filename) {
  if (!filename.ends_with(".json")) return ReadYaml(text);
  ESPALIER_ASSIGN_OR_RETURN(DocumentNode document, ReadJson(text));
  return std::vector<DocumentNode>{std::move(document)};
}

absl::StatusOr<Experiment> ToExperiment(const DocumentNode& document) {
  for (const std::string& key : document.keys) {
    // By name, whatever is in them.
    if (key == "ramp" || key == "shadow" || key == "bandit") return NotActedOn(key);
  }
  Experiment experiment;
  ESPALIER_RETURN_IF_ERROR(ReadMessage(document, "", experiment));
  ESPALIER_RETURN_IF_ERROR(CompiledExperiment::Compile(experiment).status());
  return experiment;
}

}  // namespace

absl::StatusOr<std::vector<Experiment>> ParseExperiments(std::string_view text, std::string_view filename) {
  auto documents = ReadDocuments(text, filename);
  if (!documents.ok()) return Annotate(documents.status(), filename);
  if (documents->empty()) return InvalidArgument(filename, ": holds no experiment");
  std::vector<Experiment> experiments;
  for (const DocumentNode& document : *documents) {
    auto experiment = ToExperiment(document);
    if (!experiment.ok()) {
      const std::string number = documents->size() > 1 ? StrCat(": document ", experiments.size() + 1) : "";
      return Annotate(experiment.status(), StrCat(filename, number));
    }
    experiments.push_back(*std::move(experiment));
  }
  return experiments;
}

}  // namespace espalier
