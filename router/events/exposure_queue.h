// Carries exposures from one request thread to the event log's writer, without a lock and without allocating.
//
// A bounded ring of bytes with one producer and one consumer. When it is full the exposure is lost and
// counted: inference goes on.
#ifndef ESPALIER_ROUTER_EVENTS_EXPOSURE_QUEUE_H_
#define ESPALIER_ROUTER_EVENTS_EXPOSURE_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "router/events/exposure.h"

namespace espalier {

class ExposureQueue {
 public:
  // `capacity_bytes` is rounded up to a power of two.
  explicit ExposureQueue(size_t capacity_bytes = size_t{8} << 20);

  // Copies `exposure` in; false (and counted as lost) when there is no room. Producer's thread only. A record
  // is whole in the ring, so one of more than half of the capacity may find no room even when it is empty.
  bool TryPush(const Exposure& exposure);

  // Calls `visit` for up to `max` exposures in order, then frees their room; returns how many. The views are
  // good during the call only. Consumer's thread only.
  size_t Drain(size_t max, const std::function<void(const Exposure&)>& visit);

  // Drain in two steps, for a consumer that may fail: Read goes on after the last Read and keeps the room;
  // then Release frees what was read, or Rewind makes the next Read start over with it. Consumer's thread
  // only.
  size_t Read(size_t max, const std::function<void(const Exposure&)>& visit);
  void Release();
  void Rewind();

  // The end of what waits now, and whether Read has come that far: a consumer that wants to answer in time
  // stops there, however fast the producer is. Consumer's thread only.
  uint64_t Mark() const { return tail_.load(std::memory_order_acquire); }
  bool HasRead(uint64_t mark) const { return read_ >= mark; }

  // Bytes that wait, read or not; exact on the consumer's thread while the producer rests.
  size_t waiting_bytes() const;
  size_t capacity_bytes() const { return capacity_; }
  uint64_t pushed() const { return pushed_.load(std::memory_order_relaxed); }
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<std::byte[]> ring_;
  const size_t capacity_;
  alignas(64) std::atomic<uint64_t> head_{0};
  // Up to where the consumer has read; between head_ and tail_.
  uint64_t read_ = 0;
  alignas(64) std::atomic<uint64_t> tail_{0};
  // Where the producer last saw the head; it looks again only when there seems to be no room.
  uint64_t known_head_ = 0;
  std::atomic<uint64_t> pushed_{0};
  std::atomic<uint64_t> lost_{0};
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EVENTS_EXPOSURE_QUEUE_H_
