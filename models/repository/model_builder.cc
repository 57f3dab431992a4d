#include "models/repository/model_builder.h"

#include <utility>

#include "models/base/status_macros.h"
#include "models/repository/warm_up.h"

namespace espalier {

std::vector<std::string> DefaultModelFiles() {
  return {"xgboost.ubj", "xgboost.json", "xgboost.model", "model.ubj", "model.json", "model.txt"};
}

PlainModelBuilder::PlainModelBuilder(VersionPolicy policy) {
  auto rules = std::make_shared<ModelRules>();
  rules->version_policy = std::move(policy);
  rules_ = std::move(rules);
}

absl::StatusOr<ModelRulesHandle> PlainModelBuilder::ReadRules(std::string_view /*model*/,
                                                              std::string_view /*text*/) const {
  return rules_;
}

ModelRulesHandle PlainModelBuilder::DefaultRules(std::string_view /*model*/) const { return rules_; }

absl::StatusOr<ModelHandle> PlainModelBuilder::Build(const VersionSource& source, ModelBytes bytes,
                                                     const ModelRules& /*rules*/) const {
  auto model = std::make_shared<LoadedModel>();
  ESPALIER_RETURN_IF_ERROR(LoadVersion(source, std::move(bytes), *model));
  ESPALIER_RETURN_IF_ERROR(WarmUp(*model->forest, OutputKind::kValue, {}));
  return model;
}

}  // namespace espalier
