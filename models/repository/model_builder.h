// What a follower leaves to others: what a model's config.pbtxt says, and what a version's bytes become.
//
//   const PlainModelBuilder plain({.kind = VersionPolicy::Kind::kLatest, .latest = 2});
//
// The repository itself knows folders, versions, labels and checksums. models/config brings Triton's
// config.pbtxt (and protobuf with it); an application that embeds the forest follows a directory without.
#ifndef ESPALIER_MODELS_REPOSITORY_MODEL_BUILDER_H_
#define ESPALIER_MODELS_REPOSITORY_MODEL_BUILDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/repository/model_catalog.h"
#include "models/repository/version_loader.h"

namespace espalier {

// Which versions of a model are wanted.
struct VersionPolicy {
  enum class Kind : uint8_t { kAll, kLatest, kSpecific };
  Kind kind = Kind::kAll;
  // kLatest: how many; 0 is 1.
  uint32_t latest = 1;
  // kSpecific.
  std::vector<int64_t> specific = {};
};

// The model files that are looked for, the first one first, where nothing else is said.
std::vector<std::string> DefaultModelFiles();

// What following a model depends on. A builder keeps in a class of its own what it needs besides.
struct ModelRules {
  virtual ~ModelRules() = default;

  VersionPolicy version_policy;
  // The model file of a version is the first of these that it has.
  std::vector<std::string> model_files = DefaultModelFiles();
  // Keys of the config that are accepted without effect, for the log.
  std::vector<std::string> without_effect;
};

using ModelRulesHandle = std::shared_ptr<const ModelRules>;

// Thread-safe.
class ModelBuilder {
 public:
  virtual ~ModelBuilder() = default;

  // The file in a model's folder that ReadRules reads; empty when there is none.
  virtual std::string_view ConfigFile() const = 0;

  // The rules of a model whose config is `text`, or of one without a config. INVALID_ARGUMENT for a config
  // that is refused.
  virtual absl::StatusOr<ModelRulesHandle> ReadRules(std::string_view model, std::string_view text) const = 0;
  virtual ModelRulesHandle DefaultRules(std::string_view model) const = 0;

  // Parses, compiles, checks against `rules`, which this builder made, and warms up. The first error, which
  // names the file or the key.
  virtual absl::StatusOr<ModelHandle> Build(const VersionSource& source, ModelBytes bytes,
                                            const ModelRules& rules) const = 0;
};

// Reads no config: every model is served as its file says, by the same policy.
class PlainModelBuilder : public ModelBuilder {
 public:
  explicit PlainModelBuilder(VersionPolicy policy = {});

  std::string_view ConfigFile() const override { return ""; }
  absl::StatusOr<ModelRulesHandle> ReadRules(std::string_view model, std::string_view text) const override;
  ModelRulesHandle DefaultRules(std::string_view model) const override;
  absl::StatusOr<ModelHandle> Build(const VersionSource& source, ModelBytes bytes,
                                    const ModelRules& rules) const override;

 private:
  ModelRulesHandle rules_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_MODEL_BUILDER_H_
