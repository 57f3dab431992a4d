// The rules that every experiment obeys, whichever way it came.
#ifndef ESPALIER_ROUTER_EXPERIMENT_VALIDATE_H_
#define ESPALIER_ROUTER_EXPERIMENT_VALIDATE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "proto/espalier/v1/experiment.pb.h"

namespace espalier {

// Units, names and other short texts: UTF-8 of at most this many bytes.
inline constexpr size_t kMaxTextBytes = 256;

inline constexpr int kMaxVariants = 100;

// INVALID_ARGUMENT names the experiment, the field (`variants[1].weight`), its value and what is allowed.
// Fields that this build does not act on are refused by name. Conditions are checked where they are compiled.
absl::Status ValidateExperiment(const espalier::v1::Experiment& document);

// Checks documents against each other: keys are unique, running experiments on one model share one layer, and
// running experiments claim disjoint ranges of a layer. Each document is valid by itself.
absl::Status ValidateTogether(const std::vector<espalier::v1::Experiment>& documents);

// A part of ValidateExperiment with a file of its own: outcome, metrics and analysis.
absl::Status ValidateAnalysis(const espalier::v1::Experiment& document);

// Pieces of the rules.
bool IsExperimentKey(std::string_view key);     // [a-z0-9_-]{1,64}
bool IsValidModelName(std::string_view model);  // [A-Za-z0-9._-]{1,64}, no leading dot
absl::Status CheckText(std::string_view field, std::string_view text, size_t max_bytes = kMaxTextBytes);

// INVALID_ARGUMENT unless `value` is within [low, high].
absl::Status CheckWithin(std::string_view field, double value, double low, double high);

// INVALID_ARGUMENT: "`field`: is not acted on by this build; remove it".
absl::Status NotActedOn(std::string_view field);

// A number for a message, with all of its digits.
std::string ShowNumber(double number);

// "variants[1].weight"
std::string FieldAt(std::string_view list, int index, std::string_view field);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_VALIDATE_H_
