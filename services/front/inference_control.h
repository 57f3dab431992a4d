// The calls of the inference protocol beside inference itself: what is served, in which state, with which
// counters.
//
// Takes and gives the protocol's messages; knows no transport. Thread-safe. Load and Unload block while a
// version is read.
#ifndef ESPALIER_SERVICES_FRONT_INFERENCE_CONTROL_H_
#define ESPALIER_SERVICES_FRONT_INFERENCE_CONTROL_H_

#include <functional>
#include <map>

#include "absl/status/statusor.h"
#include "models/repository/model_manager.h"
#include "proto/inference/inference.pb.h"
#include "services/front/request_metrics.h"

namespace espalier {

class InferenceControl {
 public:
  // Sums the counters of all request lanes.
  using TotalsSource = std::function<std::map<RequestLabels, RequestTotals>()>;

  // `manager` outlives this.
  InferenceControl(ModelManager& manager, TotalsSource totals)
      : manager_(manager), totals_(std::move(totals)) {}

  // Whether every model of the repository could answer a request without a version.
  bool Ready() const;

  // Not ready, rather than an error, for a model or version that is unknown: clients poll it.
  inference::ModelReadyResponse ModelReady(const inference::ModelReadyRequest& request) const;
  inference::ServerMetadataResponse ServerMetadata() const;
  absl::StatusOr<inference::ModelMetadataResponse> ModelMetadata(
      const inference::ModelMetadataRequest& request) const;
  absl::StatusOr<inference::ModelConfigResponse> ModelConfig(
      const inference::ModelConfigRequest& request) const;
  absl::StatusOr<inference::ModelStatisticsResponse> ModelStatistics(
      const inference::ModelStatisticsRequest& request) const;
  inference::RepositoryIndexResponse RepositoryIndex(const inference::RepositoryIndexRequest& request) const;
  absl::Status RepositoryModelLoad(const inference::RepositoryModelLoadRequest& request);
  absl::Status RepositoryModelUnload(const inference::RepositoryModelUnloadRequest& request);

 private:
  absl::StatusOr<ModelHandle> Resolve(const std::string& name, const std::string& version) const;

  ModelManager& manager_;
  const TotalsSource totals_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_INFERENCE_CONTROL_H_
