// The server's repository: Triton's config.pbtxt is honoured, and lines go to its log.
//
//   ModelManager::Options options = ServedRepository("models");
//   ESPALIER_ASSIGN_OR_RETURN(auto manager, ModelManager::Create(std::move(options)));
#ifndef ESPALIER_MODELS_CONFIG_CONFIG_MODEL_BUILDER_H_
#define ESPALIER_MODELS_CONFIG_CONFIG_MODEL_BUILDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/config/model_settings.h"
#include "models/repository/log_sink.h"
#include "models/repository/model_builder.h"
#include "models/repository/model_manager.h"

namespace espalier {

// What is looked for as the model of a version: `default_model_filename` if the settings have it; else the
// file that `model_type` names, and then DefaultModelFiles().
std::vector<std::string> ModelFilesOf(const ModelSettings& settings);

VersionPolicy PolicyOf(const ModelSettings& settings);

// Builds what a model's config.pbtxt asks for (model_settings.h, model_signature.h). Thread-safe.
class ConfigModelBuilder final : public ModelBuilder {
 public:
  std::string_view ConfigFile() const override { return "config.pbtxt"; }
  absl::StatusOr<ModelRulesHandle> ReadRules(std::string_view model, std::string_view text) const override;
  ModelRulesHandle DefaultRules(std::string_view model) const override;
  absl::StatusOr<ModelHandle> Build(const VersionSource& source, ModelBytes bytes,
                                    const ModelRules& rules) const override;
};

// One line to the server's log.
void LogByServer(LogLevel level, std::string_view line);

// What a server gives to ModelManager::Create.
ModelManager::Options ServedRepository(std::string directory);

}  // namespace espalier

#endif  // ESPALIER_MODELS_CONFIG_CONFIG_MODEL_BUILDER_H_
