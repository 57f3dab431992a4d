#include "services/serve/metrics_collector.h"

#include <prometheus/metric_family.h>

#include <limits>
#include <string>
#include <utility>

namespace espalier {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// gRPC's names of its status codes, by number.
constexpr const char* kCodeNames[kStatusCodes] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

MetricFamily Family(std::string name, std::string help, MetricType type) {
  return {.name = std::move(name), .help = std::move(help), .type = type, .metric = {}};
}

void AddLabel(ClientMetric& metric, std::string name, std::string value) {
  metric.label.push_back({.name = std::move(name), .value = std::move(value)});
}

ClientMetric Labelled(const RequestLabels& labels) {
  ClientMetric metric;
  AddLabel(metric, "model", labels.model);
  AddLabel(metric, "version", labels.version);
  AddLabel(metric, "variant", labels.variant);
  return metric;
}

void AddRequests(const RequestLabels& labels, const RequestTotals& totals, MetricFamily& family) {
  for (size_t code = 0; code < kStatusCodes; ++code) {
    if (totals.codes[code] == 0) continue;
    ClientMetric metric = Labelled(labels);
    AddLabel(metric, "code", kCodeNames[code]);
    metric.counter.value = static_cast<double>(totals.codes[code]);
    family.metric.push_back(std::move(metric));
  }
}

void AddLatency(const RequestLabels& labels, const RequestTotals& totals, MetricFamily& family) {
  ClientMetric metric = Labelled(labels);
  uint64_t cumulative = 0;
  for (size_t i = 0; i < totals.buckets.size(); ++i) {
    cumulative += totals.buckets[i];
    const double bound = i < kLatencyBounds.size() ? static_cast<double>(kLatencyBounds[i]) * 1e-9
                                                   : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({.cumulative_count = cumulative, .upper_bound = bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = static_cast<double>(totals.success.nanos + totals.fail.nanos) * 1e-9;
  family.metric.push_back(std::move(metric));
}

MetricFamily Counter(std::string name, std::string help, uint64_t value) {
  MetricFamily family = Family(std::move(name), std::move(help), MetricType::Counter);
  family.metric.emplace_back().counter.value = static_cast<double>(value);
  return family;
}

// A counter that is told apart by `result`.
MetricFamily Results(std::string name, std::string help,
                     std::initializer_list<std::pair<const char*, uint64_t>> values) {
  MetricFamily family = Family(std::move(name), std::move(help), MetricType::Counter);
  for (const auto& [result, value] : values) {
    ClientMetric metric;
    AddLabel(metric, "result", result);
    metric.counter.value = static_cast<double>(value);
    family.metric.push_back(std::move(metric));
  }
  return family;
}

}  // namespace

std::vector<MetricFamily> MetricsCollector::Collect() const {
  MetricFamily requests =
      Family("espalier_requests_total", "Inference requests, by how they ended", MetricType::Counter);
  MetricFamily seconds =
      Family("espalier_request_seconds", "Time of a request inside the server", MetricType::Histogram);
  for (const auto& [labels, totals] : server_.Totals()) {
    AddRequests(labels, totals, requests);
    AddLatency(labels, totals, seconds);
  }
  const EventCounts counts = events_.counts();
  MetricFamily queue =
      Family("espalier_queue_rows", "Rows of requests that wait for a compute thread", MetricType::Gauge);
  queue.metric.emplace_back().gauge.value = static_cast<double>(server_.queued_rows());
  return {std::move(requests),
          std::move(seconds),
          std::move(queue),
          Counter("espalier_exposures_total", "Exposures written to the event log", counts.exposures),
          Counter("espalier_exposures_lost_total", "Exposures that the event log could not take",
                  counts.exposures_lost),
          Results("espalier_outcomes_total", "Reported outcomes",
                  {{"accepted", counts.outcomes_accepted}, {"refused", counts.outcomes_refused}}),
          Results("espalier_model_loads_total", "Attempts to load a model version",
                  {{"ok", loads_.succeeded.load()}, {"failed", loads_.failed.load()}})};
}

}  // namespace espalier
