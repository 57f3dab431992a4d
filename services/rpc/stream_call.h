// ModelStreamInfer on a completion queue: requests of one stream are answered in their order.
#ifndef ESPALIER_SERVICES_RPC_STREAM_CALL_H_
#define ESPALIER_SERVICES_RPC_STREAM_CALL_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "services/rpc/infer_call.h"

namespace espalier {

// One stream from its start to its end; deletes itself. A request that fails is answered by a message with
// `error_message` and the request's id, and leaves the stream open, as Triton does.
class StreamCall final : public CallTag {
 public:
  // Awaits the next stream.
  static void Await(CallContext context) { new StreamCall(context); }
  void Proceed(bool ok) override;

 private:
  enum class State { kWaiting, kReading, kAnswering, kFinishing };

  explicit StreamCall(CallContext context);
  void Read();
  void Begin();
  void Answer(RequestLane& lane);
  void Finish();

  const CallContext context_;
  State state_ = State::kWaiting;
  grpc::ServerContext call_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&call_};
  grpc::ByteBuffer request_;
  grpc::Slice slice_;
  std::string frame_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_STREAM_CALL_H_
