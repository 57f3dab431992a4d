#include "services/rpc/serving_thread.h"

#include <chrono>
#include <utility>

namespace espalier {
namespace {

// How often an idle thread lets go of versions that were unloaded.
constexpr std::chrono::seconds kRefresh{1};

}  // namespace

ServingThread::ServingThread(std::unique_ptr<grpc::ServerCompletionQueue> queue,
                             std::unique_ptr<RequestLane> lane)
    : queue_(std::move(queue)), lane_(std::move(lane)) {}

ServingThread::~ServingThread() {
  if (thread_.joinable()) Stop();
}

void ServingThread::Start(RawInferenceService& service, ComputePool& pool, const Arm& arm) {
  arm({.service = service,
       .queue = *queue_,
       .lane = *lane_,
       .pool = pool,
       .streams = streams_,
       .stopping = stopping_});
  thread_ = std::thread([this] { Run(); });
}

void ServingThread::EndStreams() {
  end_streams_.Set(queue_.get(), std::chrono::system_clock::now(), &streams_);
}

void ServingThread::Stop() {
  stop_.Set(queue_.get(), std::chrono::system_clock::now(), nullptr);
  thread_.join();
}

void ServingThread::Run() {
  void* tag = nullptr;
  bool ok = false;
  for (;;) {
    switch (queue_->AsyncNext(&tag, &ok, std::chrono::system_clock::now() + kRefresh)) {
      case grpc::CompletionQueue::GOT_EVENT:
        if (tag == nullptr) {
          stopping_ = true;
          queue_->Shutdown();
        } else {
          static_cast<CallTag*>(tag)->Proceed(ok);
        }
        break;
      case grpc::CompletionQueue::TIMEOUT:
        lane_->Refresh();
        break;
      case grpc::CompletionQueue::SHUTDOWN:
        return;
    }
  }
}

}  // namespace espalier
