// Accepts connections for a gRPC server, and closes those above a cap at once.
//
// gRPC 1.51 has no cap of its own: idle connections would take every descriptor. The gate owns the listening
// socket, counts what is open, and hands accepted sockets to the server. It learns of a connection's end from
// a duplicate of its descriptor, which sees the hang-up that either side causes.
#ifndef ESPALIER_SERVICES_RPC_CONNECTION_GATE_H_
#define ESPALIER_SERVICES_RPC_CONNECTION_GATE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"

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

  // "127.0.0.1:8001"
  const std::string& address() const { return address_; }

 private:
  ConnectionGate(int listener, int wake, int poller, std::string address, int max_connections);
  void Run();
  void AcceptAll();
  void Forget(int duplicate);
  void Rest();

  const int listener_;
  const int wake_;
  const int poller_;
  const std::string address_;
  const int max_connections_;
  int open_ = 0;
  bool resting_ = false;
  std::function<void(int fd)> accept_;
  std::thread thread_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_CONNECTION_GATE_H_
