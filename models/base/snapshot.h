// Read-mostly state is replaced whole, never edited.
//
//   Snapshot<RoutingTable> routing(initial);      // the writer's side
//   routing.Publish(std::move(next));
//
//   SnapshotReader<RoutingTable> reader(routing); // one per reading thread
//   const std::shared_ptr<const RoutingTable>& pinned = reader.Pin();
//
//   routing.OnPublish([] { ... });                // what is derived from it can follow
//
// Publish and Get are thread-safe. A reader belongs to one thread; Pin costs one atomic load while nothing
// was published, and takes the lock only to pick up something new.
#ifndef ESPALIER_MODELS_BASE_SNAPSHOT_H_
#define ESPALIER_MODELS_BASE_SNAPSHOT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "models/base/mutex.h"

namespace espalier {

template <typename T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> initial) : value_(std::move(initial)) {}

  void Publish(std::shared_ptr<const T> next) {
    {
      MutexLock lock(mutex_);
      value_.swap(next);
      generation_.fetch_add(1, std::memory_order_release);
    }
    // The old value dies here, outside the lock, unless a reader still holds it.
    next.reset();
    if (listener_) listener_();
  }

  // Has `listener` called after each Publish, on the publisher's thread and without a lock. Set once, before
  // anything is published concurrently.
  void OnPublish(std::function<void()> listener) { listener_ = std::move(listener); }

  std::shared_ptr<const T> Get() const {
    MutexLock lock(mutex_);
    return value_;
  }

  // Grows with each Publish.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> generation_{1};
  std::function<void()> listener_;
};

template <typename T>
class SnapshotReader {
 public:
  // `snapshot` outlives the reader.
  explicit SnapshotReader(const Snapshot<T>& snapshot) : snapshot_(snapshot) {}

  // The newest value. The reference is good until the next Pin of this reader; copy it to hold the value
  // longer.
  const std::shared_ptr<const T>& Pin() {
    const uint64_t generation = snapshot_.generation();
    if (generation != generation_) {
      pinned_ = snapshot_.Get();
      generation_ = generation;
    }
    return pinned_;
  }

 private:
  const Snapshot<T>& snapshot_;
  std::shared_ptr<const T> pinned_;
  uint64_t generation_ = 0;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_SNAPSHOT_H_
