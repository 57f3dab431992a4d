// ModelInfer on a completion queue: raw bytes in, raw bytes out.
//
// A call object serves one request after the other on its queue. It is owned by the server's thread that made
// it.
#ifndef ESPALIER_SERVICES_RPC_INFER_CALL_H_
#define ESPALIER_SERVICES_RPC_INFER_CALL_H_

#include <grpcpp/grpcpp.h>

#include <optional>

#include "services/front/request_lane.h"
#include "services/rpc/call_tag.h"
#include "services/rpc/compute_pool.h"
#include "services/rpc/grpc_buffers.h"
#include "services/rpc/raw_services.h"

namespace espalier {

class OpenStreams;

// What calls of one completion-queue thread share.
struct CallContext {
  RawInferenceService& service;
  grpc::ServerCompletionQueue& queue;
  RequestLane& lane;
  ComputePool& pool;
  OpenStreams& streams;
  // Set on the queue's own thread when nothing may be awaited any more.
  const bool& stopping;
};

class InferCall final : public CallTag {
 public:
  explicit InferCall(CallContext context);
  void Proceed(bool ok) override;

 private:
  enum class State { kWaiting, kFinishing };

  void Await();
  void Begin();
  void Answer(RequestLane& lane);

  const CallContext context_;
  State state_ = State::kWaiting;
  // Made anew for each request.
  std::optional<grpc::ServerContext> call_;
  std::optional<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> responder_;
  grpc::ByteBuffer request_;
  grpc::Slice slice_;
  SliceSink reply_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_INFER_CALL_H_
