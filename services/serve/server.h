// Everything in one process: the wiring of `espalier serve`.
//
// Repository, experiments, event log, serving plan, gRPC server and metrics, in the order in which they stand
// on each other.
#ifndef ESPALIER_SERVICES_SERVE_SERVER_H_
#define ESPALIER_SERVICES_SERVE_SERVER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace espalier {

struct ServeOptions {
  // The model repository.
  std::string models;
  // The experiment documents; empty: no experiments.
  std::string experiments;
  // State: the event log.
  std::string data = "./espalier-data";

  std::string bind = "127.0.0.1";
  // Plain text on an address that is not loopback; the command line asks for it.
  bool insecure = false;
  int grpc_port = 8001;
  int metrics_port = 8002;
  // Where the addresses are written once everything is ready; empty: nowhere.
  std::string ready_file;

  uint64_t max_message_bytes = uint64_t{64} << 20;
  uint64_t max_rows = 1'000'000;
  int max_streams = 1024;
  int max_connections = 1024;
  // Request threads; 0: one a core.
  int threads = 0;
  bool allow_repository_control = false;
  bool log_features = true;
  uint32_t front_number = 0;
  int64_t poll_millis = 1000;
  // How long a drain goes on serving once health says NOT_SERVING.
  int64_t drain_grace_millis = 500;
};

// Serves until SIGTERM or SIGINT, then drains and returns OK; SIGHUP re-reads models and experiments. Prints
// a line per port when it is ready. Called from the main thread, before any other thread exists: it blocks
// those signals for all of them.
absl::Status Serve(const ServeOptions& options);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_SERVE_SERVER_H_
