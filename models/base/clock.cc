#include "models/base/clock.h"

namespace espalier {
namespace {

class SystemClock final : public Clock {
 public:
  int64_t UnixMicros() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  int64_t MonotonicNanos() const override {
    return std::chrono::steady_clock::now().time_since_epoch().count();
  }
};

}  // namespace

const Clock& RealClock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace espalier
