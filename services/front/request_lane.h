// The request path of one thread: bytes in, bytes out.
//
//   RequestLane lane(options, plan, event_ids, &queue);
//   absl::Status status = lane.Infer(bytes, metadata, reply);
//
// It looks at the request in place, pins one serving plan for the whole call, assigns a variant, predicts,
// encodes the reply and enqueues the exposure. It knows no transport: requests are bytes, metadata is looked
// up by name, the reply goes into a buffer that the transport provides. It does not block, and once it is
// warm it allocates nothing for a request of ordinary size.
//
// A lane belongs to one thread, except for metrics().
#ifndef ESPALIER_SERVICES_FRONT_REQUEST_LANE_H_
#define ESPALIER_SERVICES_FRONT_REQUEST_LANE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/base/clock.h"
#include "models/base/snapshot.h"
#include "router/events/event_id.h"
#include "router/events/exposure_queue.h"
#include "router/experiment/routing_table.h"
#include "services/front/infer_outputs.h"
#include "services/front/infer_reply.h"
#include "services/front/infer_request.h"
#include "services/front/request_metrics.h"
#include "services/front/row_matrix.h"
#include "services/front/serving_plan.h"

namespace espalier {

// The call's metadata (HTTP/2 headers), by lower-case name.
class MetadataSource {
 public:
  virtual ~MetadataSource() = default;
  virtual std::optional<std::string_view> Find(std::string_view name) const = 0;
};

// Bounds on one request.
struct RequestLimits {
  uint64_t max_message_bytes = uint64_t{64} << 20;
  uint64_t max_rows = 1'000'000;
};

class RequestLane {
 public:
  struct Options {
    RequestLimits limits;
    // Whether exposures carry the features that the model saw.
    bool log_features = true;
    // How many threads may predict one request of many rows.
    uint32_t threads = 1;
    const Clock* clock = &RealClock();
  };

  // All of them outlive the lane; `exposures` is null when nothing is logged.
  RequestLane(const Options& options, const Snapshot<ServingPlan>& plan, EventIdGenerator& event_ids,
              ExposureQueue* exposures);

  // Answers one serialized ModelInferRequest. The reply is written only when the result is OK; the status
  // follows gRPC's guide.
  absl::Status Infer(std::string_view request, const MetadataSource& metadata, ReplySink& reply);

  // Lets go of a plan that is no longer current, so that an idle lane keeps no unloaded version alive.
  void Refresh() { plan_.Pin(); }

  // Any thread.
  const RequestMetrics& metrics() const { return metrics_; }

 private:
  // What one call knows, from its parts to its end.
  struct Call;

  absl::Status ParseAndAnswer(Call& call, std::string_view request, ReplySink& reply);
  absl::Status Answer(Call& call, ReplySink& reply);
  absl::Status Choose(Call& call);
  absl::Status ChooseByExperiment(Call& call);
  absl::Status CheckUnit(const Call& call) const;
  absl::StatusOr<const ModelHandle*> ServedVersion(Call& call) const;
  absl::Status Predict(Call& call);
  absl::Status EncodeReply(Call& call, ReplySink& reply);
  void EnqueueExposure(const Call& call);
  void Count(const Call& call, const absl::Status& status);

  const Options options_;
  SnapshotReader<ServingPlan> plan_;
  EventIdGenerator& event_ids_;
  ExposureQueue* const exposures_;
  RequestMetrics metrics_;

  // Reused from call to call.
  InferRequest request_;
  RowMatrix matrix_;
  InferOutputs outputs_;
  InferReplyEncoder encoder_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_REQUEST_LANE_H_
