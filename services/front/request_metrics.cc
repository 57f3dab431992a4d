#include "services/front/request_metrics.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace espalier {
namespace {

constexpr size_t kMaxBatchSizes = 64;

// A counter with one writer: no read-modify-write is needed.
class Counter {
 public:
  void Add(uint64_t by) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void Set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct BatchCounters {
  Counter count, input, infer, output;
};

}  // namespace

struct RequestMetrics::Series {
  std::array<Counter, kStatusCodes> codes;
  std::array<Counter, kLatencyBounds.size() + 1> buckets;
  Counter success_nanos, fail_nanos, input_nanos, infer_nanos, output_nanos, rows, last_unix_millis;
  // Grows under the owner's mutex.
  std::map<uint32_t, BatchCounters> batches;
};

RequestMetrics::RequestMetrics() = default;
RequestMetrics::~RequestMetrics() = default;

RequestMetrics::Series& RequestMetrics::Find(const RequestSample& sample) {
  const LabelView labels{sample.model, sample.version, sample.variant};
  if (const auto found = series_.find(labels); found != series_.end()) return *found->second;
  MutexLock lock(mutex_);
  RequestLabels key{std::string(sample.model), std::string(sample.version), std::string(sample.variant)};
  return *series_.emplace(std::move(key), std::make_unique<Series>()).first->second;
}

void RequestMetrics::Record(const RequestSample& sample) {
  Series& series = Find(sample);
  series.codes[static_cast<size_t>(sample.code) % kStatusCodes].Add(1);
  const auto bucket = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), sample.total_nanos);
  series.buckets[bucket - kLatencyBounds.begin()].Add(1);
  if (sample.code != absl::StatusCode::kOk) {
    series.fail_nanos.Add(sample.total_nanos);
    return;
  }
  series.success_nanos.Add(sample.total_nanos);
  series.input_nanos.Add(sample.input_nanos);
  series.infer_nanos.Add(sample.infer_nanos);
  series.output_nanos.Add(sample.output_nanos);
  series.rows.Add(sample.rows);
  series.last_unix_millis.Set(sample.end_unix_millis);
  auto batch = series.batches.find(sample.rows);
  if (batch == series.batches.end()) {
    if (series.batches.size() >= kMaxBatchSizes) return;
    MutexLock lock(mutex_);
    batch = series.batches.try_emplace(sample.rows).first;
  }
  batch->second.count.Add(1);
  batch->second.input.Add(sample.input_nanos);
  batch->second.infer.Add(sample.infer_nanos);
  batch->second.output.Add(sample.output_nanos);
}

void RequestMetrics::AddTo(std::map<RequestLabels, RequestTotals>& totals) const {
  MutexLock lock(mutex_);
  for (const auto& [labels, series] : series_) {
    RequestTotals& total = totals[labels];
    uint64_t requests = 0;
    for (size_t i = 0; i < kStatusCodes; ++i) {
      const uint64_t count = series->codes[i].get();
      total.codes[i] += count;
      requests += count;
    }
    for (size_t i = 0; i < series->buckets.size(); ++i) total.buckets[i] += series->buckets[i].get();
    const uint64_t succeeded = series->codes[0].get();
    total.success.Add({succeeded, series->success_nanos.get()});
    total.fail.Add({requests - std::min(requests, succeeded), series->fail_nanos.get()});
    total.input.Add({succeeded, series->input_nanos.get()});
    total.infer.Add({succeeded, series->infer_nanos.get()});
    total.output.Add({succeeded, series->output_nanos.get()});
    total.rows += series->rows.get();
    total.last_unix_millis = std::max(total.last_unix_millis, series->last_unix_millis.get());
    for (const auto& [size, counters] : series->batches) {
      BatchTotals& batch = total.batches[size];
      batch.count += counters.count.get();
      batch.input_nanos += counters.input.get();
      batch.infer_nanos += counters.infer.get();
      batch.output_nanos += counters.output.get();
    }
  }
}

void RequestTotals::Add(const RequestTotals& other) {
  for (size_t i = 0; i < codes.size(); ++i) codes[i] += other.codes[i];
  for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  success.Add(other.success);
  fail.Add(other.fail);
  input.Add(other.input);
  infer.Add(other.infer);
  output.Add(other.output);
  rows += other.rows;
  last_unix_millis = std::max(last_unix_millis, other.last_unix_millis);
  for (const auto& [size, batch] : other.batches) {
    BatchTotals& mine = batches[size];
    mine.count += batch.count;
    mine.input_nanos += batch.input_nanos;
    mine.infer_nanos += batch.infer_nanos;
    mine.output_nanos += batch.output_nanos;
  }
}

}  // namespace espalier
