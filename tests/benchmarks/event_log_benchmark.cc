// CPU of an exposure from the request thread's push to the disk, in microseconds a row.
//
//   event_log_benchmark [ROWS] [FEATURES]
#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "services/events/events_schema.h"
#include "tests/services/events/event_log_fixture.h"

namespace espalier {
namespace {

double ProcessCpuMicros() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

int Run(uint64_t rows, size_t features) {
  const TemporaryDirectory directory;
  auto log = SqliteEventLog::Open({.directory = directory.path(), .queue_bytes = size_t{64} << 20});
  if (!log.ok()) return 1;
  ExposureQueue& queue = (*log)->NewQueue();
  const std::vector<float> values(features);
  const float score = 0.5f;
  double push_micros = 0;
  const double start = ProcessCpuMicros();
  constexpr uint64_t kBatch = 4'000;  // 200 ms of 20,000 requests a second
  for (uint64_t first = 0; first < rows; first += kBatch) {
    const double before = ProcessCpuMicros();
    for (uint64_t i = first; i < first + kBatch; ++i) {
      Exposure exposure = MakeExposure((uint64_t{1'700'000'000'000} << 22) + i);
      const std::string unit = std::to_string(i % 5000);
      exposure.unit = unit;
      exposure.scores = std::as_bytes(std::span(&score, 1));
      exposure.features = std::as_bytes(std::span(values));
      if (!queue.TryPush(exposure)) return 1;
    }
    push_micros += ProcessCpuMicros() - before;
    if (!(*log)->Flush().ok()) return 1;
  }
  const double total = ProcessCpuMicros() - start;
  const auto bytes = std::filesystem::file_size(EventsPath(directory.path()));
  std::printf(
      "%llu exposures with %zu features: %.2f us of CPU a row, %.2f of them to push; %.0f bytes a row\n",
      static_cast<unsigned long long>(rows), features, total / rows, push_micros / rows,
      static_cast<double>(bytes) / rows);
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  const uint64_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 400'000;
  if (argc > 2) return espalier::Run(rows, std::strtoull(argv[2], nullptr, 10));
  return espalier::Run(rows, 0) | espalier::Run(rows, 40);
}
