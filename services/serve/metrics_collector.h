// What Prometheus sees: the counters of the request threads, the event log and the loads, gathered when it
// asks.
#ifndef ESPALIER_SERVICES_SERVE_METRICS_COLLECTOR_H_
#define ESPALIER_SERVICES_SERVE_METRICS_COLLECTOR_H_

#include <prometheus/collectable.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "router/events/event_log.h"
#include "services/rpc/grpc_server.h"

namespace espalier {

// Loads of model versions since the start.
struct LoadCounts {
  std::atomic<uint64_t> succeeded{0};
  std::atomic<uint64_t> failed{0};
};

// Thread-safe; its sources outlive it.
class MetricsCollector final : public prometheus::Collectable {
 public:
  MetricsCollector(const GrpcServer& server, const EventLog& events, const LoadCounts& loads)
      : server_(server), events_(events), loads_(loads) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const GrpcServer& server_;
  const EventLog& events_;
  const LoadCounts& loads_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_SERVE_METRICS_COLLECTOR_H_
