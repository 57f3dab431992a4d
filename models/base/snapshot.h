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
// Publish and Get are thread-safe, and Get takes no lock: it never waits, though it tries again when
// something is published in that moment. A reader belongs to one thread; Pin costs one atomic load while
// nothing was published.
//
// There are two slots, and the generation says which one is read. Who copies out of a slot is counted in it;
// Publish fills the other slot, turns the generation, and waits for those who are still copying out of the
// old slot, which takes them a few instructions, before it empties it.
#ifndef ESPALIER_MODELS_BASE_SNAPSHOT_H_
#define ESPALIER_MODELS_BASE_SNAPSHOT_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "models/base/mutex.h"

namespace espalier {

template <typename T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> initial) { SlotOf(1).value = std::move(initial); }

  void Publish(std::shared_ptr<const T> next) {
    std::shared_ptr<const T> last;
    {
      MutexLock lock(mutex_);
      const uint64_t generation = generation_.load();
      SlotOf(generation + 1).value = std::move(next);
      generation_.store(generation + 1);
      Slot& old = SlotOf(generation);
      while (old.readers.load() != 0) std::this_thread::yield();
      last.swap(old.value);
    }
    // The old value dies here, outside the lock, unless a reader still holds it.
    last.reset();
    if (listener_) listener_();
  }

  // Has `listener` called after each Publish, on the publisher's thread and without a lock. Set once, before
  // anything is published concurrently.
  void OnPublish(std::function<void()> listener) { listener_ = std::move(listener); }

  std::shared_ptr<const T> Get() const {
    while (true) {
      const uint64_t generation = generation_.load();
      Slot& slot = SlotOf(generation);
      slot.readers.fetch_add(1);
      // Only the slot of the present generation may be looked into; all orders here are sequential, so that
      // either this sees the turn, or the publisher sees this reader.
      std::shared_ptr<const T> value;
      const bool present = generation_.load() == generation;
      if (present) value = slot.value;
      slot.readers.fetch_sub(1);
      if (present) return value;
    }
  }

  // Grows with each Publish.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  struct Slot {
    std::atomic<int64_t> readers{0};
    std::shared_ptr<const T> value;
  };

  Slot& SlotOf(uint64_t generation) const { return slots_[generation % 2]; }

  // Publishers take turns.
  Mutex mutex_;
  mutable std::array<Slot, 2> slots_;
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
