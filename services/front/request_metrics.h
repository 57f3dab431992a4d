// Counters of requests, kept by each request thread for itself and summed when somebody asks.
//
//   metrics.Record({.model = "m", .version = "3", .code = absl::StatusCode::kOk, .total_nanos = 21'000});
//
// Record belongs to one thread and takes a lock only for a label combination that it has not seen; Visit may
// be called from any thread.
#ifndef ESPALIER_SERVICES_FRONT_REQUEST_METRICS_H_
#define ESPALIER_SERVICES_FRONT_REQUEST_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "models/base/mutex.h"

namespace espalier {

inline constexpr size_t kStatusCodes = 17;

// Upper bounds of the latency histogram, in nanoseconds; one more bucket is unbounded.
inline constexpr std::array<int64_t, 18> kLatencyBounds = {
    10'000,      25'000,      50'000,      100'000,       200'000,       500'000,
    1'000'000,   2'000'000,   5'000'000,   10'000'000,    20'000'000,    50'000'000,
    100'000'000, 200'000'000, 500'000'000, 1'000'000'000, 2'000'000'000, 10'000'000'000};

// What one request was, for the counters. `version` and `variant` may be empty.
struct RequestSample {
  std::string_view model;
  std::string_view version;
  std::string_view variant;
  absl::StatusCode code = absl::StatusCode::kOk;
  uint32_t rows = 0;
  int64_t total_nanos = 0;
  int64_t input_nanos = 0;
  int64_t infer_nanos = 0;
  int64_t output_nanos = 0;
  int64_t end_unix_millis = 0;
};

// A count and a sum of nanoseconds.
struct Duration {
  uint64_t count = 0;
  uint64_t nanos = 0;

  void Add(const Duration& other) {
    count += other.count;
    nanos += other.nanos;
  }
};

// The executions of one batch size.
struct BatchTotals {
  uint64_t count = 0;
  uint64_t input_nanos = 0;
  uint64_t infer_nanos = 0;
  uint64_t output_nanos = 0;
};

// The sum of many samples with the same labels: a plain value.
struct RequestTotals {
  std::array<uint64_t, kStatusCodes> codes = {};
  std::array<uint64_t, kLatencyBounds.size() + 1> buckets = {};
  Duration success, fail, input, infer, output;
  uint64_t rows = 0;
  uint64_t last_unix_millis = 0;
  // By rows a request; sizes beyond the first 64 distinct ones are not kept apart.
  std::map<uint32_t, BatchTotals> batches;

  void Add(const RequestTotals& other);
};

struct RequestLabels {
  std::string model, version, variant;

  friend bool operator<(const RequestLabels& a, const RequestLabels& b) {
    return std::tie(a.model, a.version, a.variant) < std::tie(b.model, b.version, b.variant);
  }
};

class RequestMetrics {
 public:
  RequestMetrics();
  ~RequestMetrics();

  // The owning thread only.
  void Record(const RequestSample& sample);

  // Adds what was recorded so far to `totals`.
  void AddTo(std::map<RequestLabels, RequestTotals>& totals) const;

 private:
  struct Series;

  // RequestLabels without copies, and how either form is hashed and compared.
  struct LabelView {
    std::string_view model, version, variant;
  };
  struct Hash {
    using is_transparent = void;
    template <typename Labels>
    size_t operator()(const Labels& labels) const {
      const std::hash<std::string_view> hash;
      return hash(labels.model) ^ (hash(labels.version) * 31) ^ (hash(labels.variant) * 1009);
    }
  };
  struct Equal {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return a.model == b.model && a.version == b.version && a.variant == b.variant;
    }
  };

  Series& Find(const RequestSample& sample);

  // Taken to insert and to read from other threads; the owning thread, which alone inserts, reads without it.
  mutable Mutex mutex_;
  absl::flat_hash_map<RequestLabels, std::unique_ptr<Series>, Hash, Equal> series_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_REQUEST_METRICS_H_
