// grpc.health.v1 on the server's own completion queues.
//
// The whole server and each of its services are SERVING, until draining begins. Thread-safe.
#ifndef ESPALIER_SERVICES_RPC_HEALTH_H_
#define ESPALIER_SERVICES_RPC_HEALTH_H_

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "models/base/mutex.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "services/rpc/call_tag.h"

namespace espalier {

class WatchCall;

class Health {
 public:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  explicit Health(std::set<std::string> services) : services_(std::move(services)) {}

  // SERVICE_UNKNOWN for a service that is not here; an empty name is the server.
  Status Get(std::string_view service) const;

  // Sets the state of the server and all its services, and tells the watchers.
  void Set(bool serving);

  // NOT_SERVING for good: tells the watchers, and ends them.
  void Close();

  // Awaits the next Watch.
  void AwaitWatch(grpc::health::v1::Health::AsyncService& service, grpc::ServerCompletionQueue& queue,
                  const bool& stopping);

 private:
  friend class WatchCall;

  struct State {
    Status status;
    // The watch is to end once it has told this.
    bool closing;
  };

  State GetState(std::string_view service) const;
  State StateOf(std::string_view service) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellWatchers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Add(WatchCall* watcher);
  void Remove(WatchCall* watcher);

  const std::set<std::string> services_;
  mutable Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = true;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<WatchCall*> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_HEALTH_H_
