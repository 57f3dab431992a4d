// ModelStreamInfer on a completion queue: requests of one stream are answered in their order.
#ifndef ESPALIER_SERVICES_RPC_STREAM_CALL_H_
#define ESPALIER_SERVICES_RPC_STREAM_CALL_H_

#include <grpcpp/grpcpp.h>

#include <string>
#include <unordered_set>

#include "services/rpc/infer_call.h"

namespace espalier {

class StreamCall;

// The streams of one completion-queue thread, which alone touches them. As a tag on its queue it ends them:
// at once those that have nothing under way, the others after their answer.
class OpenStreams final : public CallTag {
 public:
  void Proceed(bool ok) override;

 private:
  friend class StreamCall;
  std::unordered_set<StreamCall*> calls_;
  bool ending_ = false;
};

// One stream from its start to its end; deletes itself. A request that fails is answered by a message with
// `error_message` and the request's id, and leaves the stream open, as Triton does.
class StreamCall final : public CallTag {
 public:
  // Awaits the next stream.
  static void Await(CallContext context) { new StreamCall(context); }
  void Proceed(bool ok) override;

  // Ends the stream if nothing is under way on it.
  void EndIfIdle();

 private:
  enum class State { kWaiting, kReading, kAnswering, kFinishing };

  explicit StreamCall(CallContext context);
  void Arrive();
  void Read();
  void Begin();
  void Answer(RequestLane& lane);
  void Finish(const grpc::Status& status);
  void Release();

  const CallContext context_;
  State state_ = State::kWaiting;
  // Tags that are out while the stream finishes: it may end while a read waits.
  int tags_out_ = 0;
  grpc::ServerContext call_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&call_};
  grpc::ByteBuffer request_;
  grpc::Slice slice_;
  std::string frame_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_STREAM_CALL_H_
