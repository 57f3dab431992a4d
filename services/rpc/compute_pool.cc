#include "services/rpc/compute_pool.h"

#include <utility>

namespace espalier {
namespace {

// How often an idle thread lets go of versions that were unloaded.
constexpr std::chrono::seconds kRefresh{1};

}  // namespace

ComputePool::ComputePool(std::vector<std::unique_ptr<RequestLane>> lanes) : lanes_(std::move(lanes)) {
  for (const auto& lane : lanes_) {
    threads_.emplace_back([this, &lane = *lane] { Run(lane); });
  }
}

ComputePool::~ComputePool() { Stop(); }

void ComputePool::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ComputePool::Submit(uint64_t rows, Work work) {
  queued_rows_.fetch_add(rows, std::memory_order_relaxed);
  {
    MutexLock lock(mutex_);
    queue_.push_back({rows, std::move(work)});
  }
  changed_.notify_one();
}

void ComputePool::Run(RequestLane& lane) {
  for (;;) {
    Item item;
    {
      MutexLock lock(mutex_);
      const bool woken = lock.WaitFor(changed_, kRefresh, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return stopping_ || !queue_.empty();
      });
      if (woken && queue_.empty()) return;
      if (woken) {
        item = std::move(queue_.front());
        queue_.pop_front();
      }
    }
    if (!item.work) {
      lane.Refresh();
      continue;
    }
    queued_rows_.fetch_sub(item.rows, std::memory_order_relaxed);
    item.work(lane);
  }
}

}  // namespace espalier
