// Accepts connections for a gRPC server, and closes those above a cap at once.
//
// gRPC 1.51 has no cap of its own: idle connections would take every descriptor. The gate owns the listening
// socket, counts what is open, and hands accepted sockets to the server. It learns of a connection's end from
// a duplicate of its descriptor, which sees the hang-up that either side causes.
//
// It also says GOAWAY when the server is to end. gRPC 1.51 says it only together with refusing every call
// from then on, those included that clients sent before they heard it (they get CANCELLED). The gate writes
// the frame itself, between gRPC's own: clients begin nothing new on the connection, what they sent is
// answered as ever, and then they close it. Plain text only.
#ifndef ESPALIER_SERVICES_RPC_CONNECTION_GATE_H_
#define ESPALIER_SERVICES_RPC_CONNECTION_GATE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "models/base/mutex.h"

namespace espalier {

class ConnectionGate {
 public:
  struct Options {
    // An IPv4 or IPv6 address, and a port; 0 lets the system choose.
    std::string address = "127.0.0.1";
    int port = 0;
    int max_connections = 1024;
  };

  // Binds and listens. ALREADY_EXISTS for a port in use, INVALID_ARGUMENT for what is no address.
  static absl::StatusOr<std::unique_ptr<ConnectionGate>> Listen(const Options& options);

  // Stops accepting. Connections that were handed over stay open.
  ~ConnectionGate();
  ConnectionGate(const ConnectionGate&) = delete;
  ConnectionGate& operator=(const ConnectionGate&) = delete;

  // Begins to accept; `accept` owns the descriptors that it is given (non-blocking, on the gate's thread).
  // Call once.
  void Start(std::function<void(int fd)> accept);

  // Closes the listening socket and says GOAWAY to every connection; returns at once. Call once, after Start.
  void Dismiss();

  // Waits until every connection has ended; false after `timeout`.
  bool AwaitEmpty(std::chrono::milliseconds timeout);

  // "127.0.0.1:8001"
  const std::string& address() const { return address_; }

 private:
  ConnectionGate(int listener, int wake, int poller, std::string address, int max_connections);
  enum class Phase { kAccepting, kDismissing, kEnded };

  void Wake(Phase phase);
  void Run();
  void Heed();
  void AcceptAll();
  void Forget(int duplicate);
  void Rest();
  void SayGoaway();
  int WaitMillis() const;

  int listener_;
  const int wake_;
  const int poller_;
  const std::string address_;
  const int max_connections_;
  std::function<void(int fd)> accept_;
  std::atomic<Phase> phase_{Phase::kAccepting};

  // The gate's thread only: a duplicate for each open connection, and those that have yet to hear GOAWAY.
  std::set<int> open_;
  std::set<int> untold_;
  int goaway_rounds_ = 0;
  bool resting_ = false;

  Mutex mutex_;
  CondVar changed_;
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_CONNECTION_GATE_H_
