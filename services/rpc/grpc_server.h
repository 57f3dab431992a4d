// The inference port: the Open Inference Protocol, health, reflection and outcome reports over gRPC.
//
//   ESPALIER_ASSIGN_OR_RETURN(auto server, GrpcServer::Start(options, {.control = ..., .plan = ..., .events =
//   ...})); std::cout << server->address();
//   ...
//   server->Drain();   // NOT_SERVING, wait, GOAWAY, finish
//
// One completion queue, thread and request lane each; large requests go to a compute pool.
#ifndef ESPALIER_SERVICES_RPC_GRPC_SERVER_H_
#define ESPALIER_SERVICES_RPC_GRPC_SERVER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "router/events/event_log.h"
#include "services/front/inference_control.h"
#include "services/front/request_lane.h"
#include "services/rpc/connection_gate.h"

namespace espalier {

struct GrpcServerOptions {
  std::string bind = "127.0.0.1";
  int port = 8001;
  // Completion-queue threads; 0: one a core.
  int threads = 0;
  int max_connections = 1024;
  // Per connection.
  int max_streams = 1024;
  // RepositoryModelLoad and Unload from other hosts than this one.
  bool allow_repository_control = false;
  // How long Drain goes on serving after health says NOT_SERVING, for clients and balancers to see it.
  std::chrono::milliseconds drain_grace{500};
  // How that time passes; tests step it.
  std::function<void(std::chrono::milliseconds)> wait = [](std::chrono::milliseconds time) {
    std::this_thread::sleep_for(time);
  };
  // How long Drain waits for calls that are under way.
  std::chrono::milliseconds drain_timeout{20'000};
  RequestLane::Options lane;
};

// What the server stands on; all of it outlives the server.
struct GrpcServerParts {
  ModelManager& manager;
  const Snapshot<ServingPlan>& plan;
  EventIdGenerator& event_ids;
  EventLog& events;
};

class GrpcServer {
 public:
  // ALREADY_EXISTS when the port is taken.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options,
                                                           GrpcServerParts parts);
  virtual ~GrpcServer() = default;

  // "127.0.0.1:8001"
  virtual const std::string& address() const = 0;

  // Health says NOT_SERVING and everything is answered for the grace; then connections get GOAWAY, idle
  // streams end with UNAVAILABLE, what clients sent before they heard of it is answered, calls under way
  // finish, and the threads end. Call once.
  virtual void Drain() = 0;

  // Counters of all request threads, summed; any thread.
  virtual std::map<RequestLabels, RequestTotals> Totals() const = 0;

  // Rows of requests that wait for a compute thread.
  virtual uint64_t queued_rows() const = 0;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_GRPC_SERVER_H_
