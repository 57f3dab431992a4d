#include "services/rpc/health.h"

#include <grpcpp/grpcpp.h>

#include <optional>
#include <utility>

namespace espalier {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One Watch, from its arrival until the client or the server ends it.
//
// Two tags are out: this object for arrival, writes and the end, and `ended_` for the call's end as gRPC sees
// it. The object dies when both are back.
class WatchCall final : public CallTag {
 public:
  WatchCall(Health& health, grpc::health::v1::Health::AsyncService& service,
            grpc::ServerCompletionQueue& queue, const bool& stopping)
      : health_(health), service_(service), queue_(queue), stopping_(stopping) {
    call_.AsyncNotifyWhenDone(&ended_);
    service_.RequestWatch(&call_, &request_, &writer_, &queue_, &queue_, this);
  }

  void Proceed(bool ok) override {
    if (!arrived_) {
      if (!ok) {
        delete this;  // gRPC gives no end for a call that never began
        return;
      }
      arrived_ = true;
      if (!stopping_) health_.AwaitWatch(service_, queue_, stopping_);
      health_.Add(this);
      Update(health_.GetState(service()));
      return;
    }
    bool done = false;
    {
      MutexLock lock(mutex_);
      writing_ = false;
      done = finishing_;
    }
    if (done) {
      Release();
    } else {
      Update(health_.GetState(service()));
    }
  }

  const std::string& service() const { return request_.service(); }

  // Writes `state` if it is not what was written last, and ends the call when it is to end; any thread.
  void Update(const Health::State& state) {
    MutexLock lock(mutex_);
    if (writing_ || finishing_) return;
    if (!ended_seen_ && written_ != state.status) {
      written_ = state.status;
      writing_ = true;
      HealthCheckResponse response;
      response.set_status(state.status);
      writer_.Write(response, this);
    } else if (ended_seen_ || state.closing) {
      finishing_ = writing_ = true;
      writer_.Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is shutting down"), this);
    }
  }

 private:
  struct EndTag final : CallTag {
    explicit EndTag(WatchCall* owner) : owner(owner) {}
    void Proceed(bool) override { owner->Ended(); }
    WatchCall* const owner;
  };

  void Ended() {
    health_.Remove(this);
    {
      MutexLock lock(mutex_);
      ended_seen_ = true;
    }
    Update(health_.GetState(service()));
    Release();
  }

  // Called once for each of the two tags.
  void Release() {
    bool last;
    {
      MutexLock lock(mutex_);
      last = ++released_ == 2;
    }
    if (last) delete this;
  }

  Health& health_;
  grpc::health::v1::Health::AsyncService& service_;
  grpc::ServerCompletionQueue& queue_;
  const bool& stopping_;
  grpc::ServerContext call_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<HealthCheckResponse> writer_{&call_};
  EndTag ended_{this};
  bool arrived_ = false;

  Mutex mutex_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finishing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_seen_ ABSL_GUARDED_BY(mutex_) = false;
  int released_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<Health::Status> written_ ABSL_GUARDED_BY(mutex_);
};

Health::Status Health::Get(std::string_view service) const { return GetState(service).status; }

Health::State Health::GetState(std::string_view service) const {
  MutexLock lock(mutex_);
  return StateOf(service);
}

Health::State Health::StateOf(std::string_view service) const {
  const bool known = service.empty() || services_.contains(std::string(service));
  const Status status = serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  return {.status = known ? status : HealthCheckResponse::SERVICE_UNKNOWN, .closing = closing_};
}

void Health::Set(bool serving) {
  MutexLock lock(mutex_);
  serving_ = serving;
  TellWatchers();
}

void Health::Close() {
  MutexLock lock(mutex_);
  serving_ = false;
  closing_ = true;
  TellWatchers();
}

// A watcher leaves the set before it dies, so under the lock all of them live; an update only enqueues a
// write.
void Health::TellWatchers() {
  for (WatchCall* watcher : watchers_) watcher->Update(StateOf(watcher->service()));
}

void Health::AwaitWatch(grpc::health::v1::Health::AsyncService& service, grpc::ServerCompletionQueue& queue,
                        const bool& stopping) {
  new WatchCall(*this, service, queue, stopping);
}

void Health::Add(WatchCall* watcher) {
  MutexLock lock(mutex_);
  watchers_.insert(watcher);
}

void Health::Remove(WatchCall* watcher) {
  MutexLock lock(mutex_);
  watchers_.erase(watcher);
}

}  // namespace espalier
