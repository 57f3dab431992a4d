#include "models/config/config_model_builder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "models/base/status_macros.h"
#include "models/config/model_signature.h"
#include "models/repository/warm_up.h"

namespace espalier {
namespace {

struct ConfigRules final : ModelRules {
  ModelSettings settings;
};

ModelRulesHandle MakeRules(ModelSettings settings) {
  auto rules = std::make_shared<ConfigRules>();
  rules->version_policy = PolicyOf(settings);
  rules->model_files = ModelFilesOf(settings);
  rules->without_effect = settings.without_effect;
  rules->settings = std::move(settings);
  return rules;
}

WarmUpSample SampleOf(const inference::ModelWarmup& warmup) {
  const inference::ModelWarmup::Input& input = warmup.inputs().begin()->second;
  const size_t listed = input.dims_size() == 2 ? input.dims(0) : 1;
  return {.rows = std::max<size_t>(warmup.batch_size(), listed),
          .times = std::max(warmup.count(), 1u),
          .random = input.random_data()};
}

}  // namespace

std::vector<std::string> ModelFilesOf(const ModelSettings& settings) {
  if (!settings.config.default_model_filename().empty()) return {settings.config.default_model_filename()};
  std::vector<std::string> names = DefaultModelFiles();
  if (settings.model_type == "xgboost_ubj") names.insert(names.begin(), "xgboost.ubj");
  if (settings.model_type == "xgboost_json") names.insert(names.begin(), "xgboost.json");
  if (settings.model_type == "lightgbm") names.insert(names.begin(), "model.txt");
  if (settings.model_type == "xgboost") names.insert(names.begin(), "xgboost.model");
  return names;
}

VersionPolicy PolicyOf(const ModelSettings& settings) {
  const inference::ModelVersionPolicy& policy = settings.config.version_policy();
  if (policy.has_latest()) {
    return {.kind = VersionPolicy::Kind::kLatest, .latest = policy.latest().num_versions()};
  }
  if (!policy.has_specific()) return {};
  const auto& versions = policy.specific().versions();
  return {.kind = VersionPolicy::Kind::kSpecific, .specific = {versions.begin(), versions.end()}};
}

absl::StatusOr<ModelRulesHandle> ConfigModelBuilder::ReadRules(std::string_view model,
                                                               std::string_view text) const {
  ESPALIER_ASSIGN_OR_RETURN(ModelSettings settings, ReadModelSettings(model, text));
  return MakeRules(std::move(settings));
}

ModelRulesHandle ConfigModelBuilder::DefaultRules(std::string_view model) const {
  return MakeRules(DefaultModelSettings(model));
}

absl::StatusOr<ModelHandle> ConfigModelBuilder::Build(const VersionSource& source, ModelBytes bytes,
                                                      const ModelRules& rules) const {
  auto model = std::make_shared<LoadedModel>();
  ESPALIER_RETURN_IF_ERROR(LoadVersion(source, std::move(bytes), *model));
  ESPALIER_ASSIGN_OR_RETURN(
      CompletedConfig completed,
      CompleteConfig(static_cast<const ConfigRules&>(rules).settings, FactsOf(*model->forest)));
  std::vector<WarmUpSample> samples;
  for (const inference::ModelWarmup& warmup : completed.config.model_warmup()) {
    samples.push_back(SampleOf(warmup));
  }
  ESPALIER_RETURN_IF_ERROR(WarmUp(*model->forest, completed.signature.output_kind, samples));
  model->signature = std::move(completed.signature);
  model->config = std::make_shared<const inference::ModelConfig>(std::move(completed.config));
  return model;
}

void LogByServer(LogLevel level, std::string_view line) {
  const spdlog::string_view_t text(line.data(), line.size());
  switch (level) {
    case LogLevel::kInfo:
      return spdlog::info(text);
    case LogLevel::kWarning:
      return spdlog::warn(text);
    case LogLevel::kError:
      return spdlog::error(text);
  }
}

ModelManager::Options ServedRepository(std::string directory) {
  return {.directory = std::move(directory),
          .builder = std::make_shared<const ConfigModelBuilder>(),
          .on_load = {},
          .log = LogByServer};
}

}  // namespace espalier
