// Threads for requests that are too large for a completion-queue thread: health and small requests must not
// wait for them.
//
// Each thread has a request lane of its own. Submit is thread-safe.
#ifndef ESPALIER_SERVICES_RPC_COMPUTE_POOL_H_
#define ESPALIER_SERVICES_RPC_COMPUTE_POOL_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "models/base/mutex.h"
#include "services/front/request_lane.h"

namespace espalier {

// Messages of this size and above go to the pool.
inline constexpr size_t kLargeRequestBytes = 64 << 10;

class ComputePool {
 public:
  using Work = std::function<void(RequestLane&)>;

  explicit ComputePool(std::vector<std::unique_ptr<RequestLane>> lanes);
  ~ComputePool();
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  // `rows` is what the work counts for in queued_rows() until it begins.
  void Submit(uint64_t rows, Work work);

  // Runs what was submitted, then ends the threads. Nothing may be submitted after it.
  void Stop();

  uint64_t queued_rows() const { return queued_rows_.load(std::memory_order_relaxed); }
  const std::vector<std::unique_ptr<RequestLane>>& lanes() const { return lanes_; }

 private:
  struct Item {
    uint64_t rows;
    Work work;
  };

  void Run(RequestLane& lane);

  const std::vector<std::unique_ptr<RequestLane>> lanes_;
  std::atomic<uint64_t> queued_rows_{0};
  Mutex mutex_;
  CondVar changed_;
  std::deque<Item> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_COMPUTE_POOL_H_
