#include "models/repository/version_loader.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "models/base/file.h"
#include "models/base/log_text.h"
#include "models/base/sha256.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/read_ensemble.h"
#include "models/repository/model_signature.h"
#include "models/repository/warm_up.h"

namespace espalier {
namespace {

constexpr char kLineageFile[] = "variant.json";
constexpr uint64_t kMaxLineageBytes = uint64_t{1} << 20;

// What the version says about its origin. It changes no answer, so that a bad one is no reason to refuse.
std::string ReadLineage(const VersionSource& source) {
  absl::StatusOr<std::string> text =
      ReadFile(absl::StrCat(source.folder, "/", kLineageFile), kMaxLineageBytes);
  if (absl::IsNotFound(text.status())) return "";
  if (text.ok() && nlohmann::json::accept(*text)) return *std::move(text);
  spdlog::warn("model_lineage_ignored model={} version={} reason={}", source.model, source.version,
               QuotedForLog(text.ok() ? "variant.json is not JSON" : Message(text.status())));
  return "";
}

absl::flat_hash_map<std::string, uint32_t> IndexFeatures(const Forest& forest) {
  absl::flat_hash_map<std::string, uint32_t> index;
  const std::vector<std::string>& names = forest.feature_names();
  for (size_t i = 0; i < names.size(); ++i) index.emplace(names[i], static_cast<uint32_t>(i));
  return index;
}

absl::StatusOr<std::shared_ptr<const Forest>> CompileBytes(const VersionSource& source, std::string bytes) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
  if (!ensemble.ok()) return Annotate(ensemble.status(), source.file);
  // The file's bytes go before the compiled forest comes.
  bytes = std::string();
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(*std::move(ensemble));
  if (!forest.ok()) return Annotate(forest.status(), source.file);
  return forest;
}

}  // namespace

absl::StatusOr<ModelBytes> ReadModelBytes(const VersionSource& source) {
  ESPALIER_ASSIGN_OR_RETURN(std::string bytes, ReadFile(absl::StrCat(source.folder, "/", source.file)));
  std::string sha256 = Sha256Hex(bytes);
  return ModelBytes{.bytes = std::move(bytes), .sha256 = std::move(sha256)};
}

absl::StatusOr<ModelHandle> LoadVersion(const VersionSource& source, ModelBytes bytes,
                                        const ModelSettings& settings) {
  auto model = std::make_shared<LoadedModel>();
  model->name = source.model;
  model->version = source.version;
  model->version_text = std::to_string(source.version);
  model->sha256 = std::move(bytes.sha256);
  ESPALIER_ASSIGN_OR_RETURN(model->forest, CompileBytes(source, std::move(bytes.bytes)));
  ESPALIER_ASSIGN_OR_RETURN(CompletedConfig completed, CompleteConfig(settings, FactsOf(*model->forest)));
  ESPALIER_RETURN_IF_ERROR(WarmUp(*model->forest, completed));
  model->signature = std::move(completed.signature);
  model->config = std::move(completed.config);
  model->feature_index = IndexFeatures(*model->forest);
  model->lineage = ReadLineage(source);
  return model;
}

}  // namespace espalier
