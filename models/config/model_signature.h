// Joins a model's settings with the model itself: the tensors that are served, and the configuration that
// ModelConfig answers.
//
//   ESPALIER_ASSIGN_OR_RETURN(CompletedConfig completed, CompleteConfig(settings, FactsOf(*forest)));
//
// Dims follow Triton: with max_batch_size > 0 they leave out the batch dimension, with 0 they begin with it
// as -1 (and may leave it out too). Pure; thread-safe.
#ifndef ESPALIER_MODELS_CONFIG_MODEL_SIGNATURE_H_
#define ESPALIER_MODELS_CONFIG_MODEL_SIGNATURE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "models/config/model_settings.h"
#include "models/forest/forest.h"
#include "models/repository/model_catalog.h"

namespace espalier {

// What a signature needs to know of a model.
struct ModelFacts {
  // As Forest::format() says: "xgboost_ubj", "lightgbm_text", ...
  std::string format;
  std::string objective;
  int64_t num_features = 0;
  // Elements per row of OutputKind::kValue.
  int64_t value_width = 1;
};

ModelFacts FactsOf(const Forest& forest);

struct CompletedConfig {
  ModelSignature signature;
  inference::ModelConfig config;
};

// INVALID_ARGUMENT, naming the key, for settings that contradict the model: dims that do not fit, classes of
// a regression, a model_type that the file is not, a warm-up that the model cannot take.
absl::StatusOr<CompletedConfig> CompleteConfig(const ModelSettings& settings, const ModelFacts& facts);

}  // namespace espalier

#endif  // ESPALIER_MODELS_CONFIG_MODEL_SIGNATURE_H_
