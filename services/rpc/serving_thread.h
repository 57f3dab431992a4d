// One completion queue with its thread, its request lane and the calls that wait on it.
#ifndef ESPALIER_SERVICES_RPC_SERVING_THREAD_H_
#define ESPALIER_SERVICES_RPC_SERVING_THREAD_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <thread>

#include "services/front/request_lane.h"
#include "services/rpc/infer_call.h"
#include "services/rpc/stream_call.h"

namespace espalier {

class ServingThread {
 public:
  // What the thread awaits before it begins to serve; called with what its calls need.
  using Arm = std::function<void(const CallContext&)>;

  ServingThread(std::unique_ptr<grpc::ServerCompletionQueue> queue, std::unique_ptr<RequestLane> lane);
  ~ServingThread();
  ServingThread(const ServingThread&) = delete;
  ServingThread& operator=(const ServingThread&) = delete;

  // Begins to serve, once the server has started.
  void Start(RawInferenceService& service, ComputePool& pool, const Arm& arm);

  // Ends the streams of this thread: idle ones at once, the others after their answer. Call once, before
  // Stop.
  void EndStreams();

  // Ends the thread after what is on the queue; the server must have been shut down. Call once.
  void Stop();

  const RequestLane& lane() const { return *lane_; }

 private:
  void Run();

  const std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  const std::unique_ptr<RequestLane> lane_;
  // Written by the thread alone: nothing is awaited on a queue that is shut down.
  bool stopping_ = false;
  OpenStreams streams_;
  grpc::Alarm end_streams_;
  // Its event, without a tag, is the last that is put on the queue from outside: the thread that takes it
  // shuts the queue down.
  grpc::Alarm stop_;
  std::thread thread_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_SERVING_THREAD_H_
