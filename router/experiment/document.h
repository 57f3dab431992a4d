// Experiment documents, YAML or JSON, as the protobuf message that is their schema.
//
//   ESPALIER_ASSIGN_OR_RETURN(std::string text, ReadFile("delay.yaml"));
//   ESPALIER_ASSIGN_OR_RETURN(std::vector<espalier::v1::Experiment> experiments, ParseExperiments(text,
//   "delay.yaml"));
#ifndef ESPALIER_ROUTER_EXPERIMENT_DOCUMENT_H_
#define ESPALIER_ROUTER_EXPERIMENT_DOCUMENT_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"

namespace espalier {

// Reads and validates the experiments of a file: one per YAML document (`---` separates several), or one JSON
// object where `filename` ends in .json. At least one.
//
// Strict: unknown and duplicate keys, values of the wrong type, empty values, numbers that are not finite,
// and keys that this build does not act on are INVALID_ARGUMENT; the message names the file, the field
// (`variants[1].weight`), its value and what is allowed. A text that looks like a number needs quotes.
// Limits: document_node.h.
absl::StatusOr<std::vector<espalier::v1::Experiment>> ParseExperiments(std::string_view text,
                                                                       std::string_view filename);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_DOCUMENT_H_
