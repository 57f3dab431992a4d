// Time is an input: production passes RealClock(), tests step a FakeClock.
#ifndef ESPALIER_MODELS_BASE_CLOCK_H_
#define ESPALIER_MODELS_BASE_CLOCK_H_

#include <atomic>
#include <chrono>
#include <cstdint>

namespace espalier {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Microseconds since the Unix epoch; it may jump.
  virtual int64_t UnixMicros() const = 0;

  // Monotonic nanoseconds from an arbitrary origin, for durations.
  virtual int64_t MonotonicNanos() const = 0;
};

// The system's clock; never destroyed.
const Clock& RealClock();

// A clock that stands still until a test moves it.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(int64_t unix_micros = 1'700'000'000'000'000) : unix_micros_(unix_micros) {}

  int64_t UnixMicros() const override { return unix_micros_.load(); }
  int64_t MonotonicNanos() const override { return monotonic_nanos_.load(); }

  void Advance(std::chrono::nanoseconds by) {
    unix_micros_ += by.count() / 1000;
    monotonic_nanos_ += by.count();
  }

  // Moves the wall clock only, as an administrator or NTP would.
  void JumpTo(int64_t unix_micros) { unix_micros_ = unix_micros; }

 private:
  std::atomic<int64_t> unix_micros_;
  std::atomic<int64_t> monotonic_nanos_{0};
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_CLOCK_H_
