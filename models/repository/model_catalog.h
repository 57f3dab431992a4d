// What is served right now: every loaded version of every model, as one immutable snapshot.
//
//   SnapshotReader<ModelCatalog> reader(manager.catalog());
//   const CatalogModel* model = reader.Pin()->Find("flight-delay");
//   absl::StatusOr<ModelHandle> handle = model->Resolve("champion");
#ifndef ESPALIER_MODELS_REPOSITORY_MODEL_CATALOG_H_
#define ESPALIER_MODELS_REPOSITORY_MODEL_CATALOG_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "models/forest/forest.h"

namespace inference {
class ModelConfig;
}

namespace espalier {

// The server's own names for tensors, fixed when a version is loaded.
struct ModelSignature {
  std::string input = "input__0";
  std::string output = "output__0";
  // What `output` gives: value by default, class with FIL's `output_class`.
  OutputKind output_kind = OutputKind::kValue;
  // The value is the probability of class 1: `threshold` says the class.
  bool is_probability = false;
  // FIL's `threshold` for a class; the class is 1 where the probability is above it.
  float threshold = 0.5f;
  // FIL's `predict_proba`: a binary classifier gives [n, 2], the probabilities of class 0 and 1.
  bool predict_proba = false;
  // The output keeps its last dimension of 1: [n, 1] rather than [n].
  bool keep_last_dimension = false;
  // 0: rows of a request are limited by the server alone.
  int32_t max_batch_size = 0;
};

// One loaded version; immutable.
struct LoadedModel {
  std::string name;
  int64_t version = 0;
  // `version` in decimal.
  std::string version_text;
  // SHA-256 of the model file's bytes, in hexadecimal.
  std::string sha256;
  std::shared_ptr<const Forest> forest;
  ModelSignature signature;
  // config.pbtxt as given, completed from the model (what ModelConfig answers); null where no config is read.
  std::shared_ptr<const inference::ModelConfig> config;
  // feature name -> column; empty when the model has no names.
  absl::flat_hash_map<std::string, uint32_t> feature_index;
  // The text of variant.json, as given; empty when there is none.
  std::string lineage;
};

// Keeps a version alive for one request.
using ModelHandle = std::shared_ptr<const LoadedModel>;

// The ready versions of one model.
class CatalogModel {
 public:
  // `known` are versions that exist but are not ready, with the reason.
  CatalogModel(std::string name, std::vector<ModelHandle> ready, std::map<int64_t, std::string> known,
               std::map<std::string, int64_t> labels);

  const std::string& name() const { return name_; }
  // Ascending by version.
  const std::vector<ModelHandle>& ready() const { return ready_; }
  const std::map<std::string, int64_t>& labels() const { return labels_; }

  // The version that a request without one gets: label `champion`, or the highest number when nothing carries
  // it: the highest that is ready. Null when there is none, or the champion is not ready.
  const ModelHandle* Default() const;

  // Null when the version is not ready.
  const ModelHandle* FindVersion(int64_t version) const;

  // `version`: empty, a number, or a label. NOT_FOUND when it is unknown, UNAVAILABLE (with the reason) when
  // it is known but not ready. The pointer is good as long as the catalog.
  absl::StatusOr<const ModelHandle*> Resolve(std::string_view version) const;

 private:
  size_t FindDefault() const;
  absl::StatusOr<const ModelHandle*> ResolveNumber(int64_t version) const;
  absl::StatusOr<const ModelHandle*> ResolveLabel(const std::string& label) const;
  absl::Status NothingReady() const;
  // "versions 1, 2; labels champion", for messages.
  std::string WhatThereIs() const;

  const std::string name_;
  const std::vector<ModelHandle> ready_;
  const std::map<int64_t, std::string> known_;
  const std::map<std::string, int64_t> labels_;
  // Index in ready_ of what a request without a version gets.
  const size_t default_;
};

class ModelCatalog {
 public:
  explicit ModelCatalog(std::vector<CatalogModel>&& models);

  // Null for a name that the repository does not have.
  const CatalogModel* Find(std::string_view name) const;

  const absl::flat_hash_map<std::string, CatalogModel>& models() const { return models_; }

 private:
  absl::flat_hash_map<std::string, CatalogModel> models_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_MODEL_CATALOG_H_
