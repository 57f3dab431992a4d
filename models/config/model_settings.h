// What a config.pbtxt decides about a model, before the model itself is read.
//
//   ESPALIER_ASSIGN_OR_RETURN(ModelSettings settings, ReadModelSettings("flight-delay", text));
//
// A key is honoured, or accepted because it concerns only speed and placement (and then listed for the log),
// or refused by its name; docs/repository.md has the table. Nothing that would change an answer is ignored.
// Pure; thread-safe.
#ifndef ESPALIER_MODELS_CONFIG_MODEL_SETTINGS_H_
#define ESPALIER_MODELS_CONFIG_MODEL_SETTINGS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/inference/model_config.pb.h"

namespace espalier {

// Longest config.pbtxt that is read, in bytes.
inline constexpr size_t kMaxConfigBytes = size_t{1} << 20;

struct ModelSettings {
  // As given; the name is filled in.
  inference::ModelConfig config;
  // FIL's `model_type`: "xgboost", "xgboost_json", "xgboost_ubj", "lightgbm"; our own "sklearn_json"; or
  // empty.
  std::string model_type;
  // FIL's `output_class` or `is_classifier`.
  bool output_class = false;
  bool predict_proba = false;
  std::optional<float> threshold;
  // Keys that are accepted without effect, as they are written: "instance_group", "parameters.algo".
  std::vector<std::string> without_effect;
};

// The settings of a model without config.pbtxt: everything comes from the model.
ModelSettings DefaultModelSettings(std::string_view model);

// Reads `text` as the config.pbtxt of the model in folder `model`. INVALID_ARGUMENT with line:column for text
// that is no ModelConfig, or naming the key that is not supported and the value that is not allowed.
absl::StatusOr<ModelSettings> ReadModelSettings(std::string_view model, std::string_view text);

}  // namespace espalier

#endif  // ESPALIER_MODELS_CONFIG_MODEL_SETTINGS_H_
