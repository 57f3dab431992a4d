#include "router/events/exposure_queue.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace espalier {
namespace {

constexpr size_t kMinCapacity = 4096;
constexpr size_t kAlignment = 8;

// How an exposure lies in the ring: this header, then the bytes of its strings and blobs one after the other,
// padded to 8 bytes. A record never wraps: when the end of the ring is too near, a gap fills it.
struct Record {
  uint32_t size;  // of the whole record; a gap has only this and is_gap
  uint32_t is_gap;
  uint64_t event_id;
  int64_t time_micros;
  int64_t model_version;
  uint32_t config_version;
  uint32_t bucket;
  int32_t layer_slot;
  uint32_t rows;
  uint32_t latency_micros;
  uint32_t status;
  uint32_t scores_size;
  uint32_t features_size;
  uint32_t text_sizes[7];
  AssignmentReason reason;
};
constexpr size_t kGapHeader = 2 * sizeof(uint32_t);
static_assert(sizeof(Record) % kAlignment == 0);

// The strings of an exposure in the order in which they are stored.
template <typename E>
auto Texts(E& exposure) {
  return std::array{
      &exposure.experiment,     &exposure.unit,  &exposure.probabilities, &exposure.variant_assigned,
      &exposure.variant_served, &exposure.model, &exposure.sha256};
}

size_t RecordSize(const Exposure& exposure) {
  size_t size = sizeof(Record) + exposure.scores.size() + exposure.features.size();
  for (const std::string_view* text : Texts(exposure)) size += text->size();
  return (size + kAlignment - 1) & ~(kAlignment - 1);
}

std::byte* Append(std::byte* to, const void* from, size_t size) {
  if (size != 0) std::memcpy(to, from, size);
  return to + size;
}

void WriteRecord(const Exposure& exposure, size_t size, std::byte* to) {
  Record record = {};
  record.size = static_cast<uint32_t>(size);
  record.event_id = exposure.event_id;
  record.time_micros = exposure.time_micros;
  record.model_version = exposure.model_version;
  record.config_version = exposure.config_version;
  record.bucket = exposure.bucket;
  record.layer_slot = exposure.layer_slot;
  record.rows = exposure.rows;
  record.latency_micros = exposure.latency_micros;
  record.status = exposure.status;
  record.scores_size = static_cast<uint32_t>(exposure.scores.size());
  record.features_size = static_cast<uint32_t>(exposure.features.size());
  record.reason = exposure.reason;
  std::byte* next = to + sizeof(Record);
  uint32_t* text_size = record.text_sizes;
  for (const std::string_view* text : Texts(exposure)) {
    *text_size++ = static_cast<uint32_t>(text->size());
    next = Append(next, text->data(), text->size());
  }
  next = Append(next, exposure.scores.data(), exposure.scores.size());
  Append(next, exposure.features.data(), exposure.features.size());
  std::memcpy(to, &record, sizeof(Record));
}

Exposure ReadRecord(const Record& record, const std::byte* from) {
  Exposure exposure;
  exposure.event_id = record.event_id;
  exposure.time_micros = record.time_micros;
  exposure.model_version = record.model_version;
  exposure.config_version = record.config_version;
  exposure.bucket = record.bucket;
  exposure.layer_slot = record.layer_slot;
  exposure.rows = record.rows;
  exposure.latency_micros = record.latency_micros;
  exposure.status = record.status;
  exposure.reason = record.reason;
  const std::byte* next = from + sizeof(Record);
  const uint32_t* text_size = record.text_sizes;
  for (std::string_view* text : Texts(exposure)) {
    *text = std::string_view(reinterpret_cast<const char*>(next), *text_size);
    next += *text_size++;
  }
  exposure.scores = {next, record.scores_size};
  exposure.features = {next + record.scores_size, record.features_size};
  return exposure;
}

}  // namespace

ExposureQueue::ExposureQueue(size_t capacity_bytes)
    : capacity_(std::bit_ceil(std::clamp(capacity_bytes, kMinCapacity, size_t{1} << 31))) {
  // Not value-initialised: pages that are never used cost nothing.
  ring_ = std::make_unique_for_overwrite<std::byte[]>(capacity_);
}

bool ExposureQueue::TryPush(const Exposure& exposure) {
  const size_t size = RecordSize(exposure);
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  const size_t offset = tail & (capacity_ - 1);
  const size_t to_end = capacity_ - offset;
  const size_t gap = size <= to_end ? 0 : to_end;
  if (tail + gap + size - known_head_ > capacity_) {
    known_head_ = head_.load(std::memory_order_acquire);
    if (tail + gap + size - known_head_ > capacity_) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
  }
  if (gap != 0) {
    const uint32_t header[2] = {static_cast<uint32_t>(gap), 1};
    static_assert(sizeof(header) == kGapHeader);
    std::memcpy(&ring_[offset], header, sizeof(header));
  }
  WriteRecord(exposure, size, &ring_[(tail + gap) & (capacity_ - 1)]);
  tail_.store(tail + gap + size, std::memory_order_release);
  pushed_.store(pushed_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return true;
}

size_t ExposureQueue::Drain(size_t max, const std::function<void(const Exposure&)>& visit) {
  const size_t visited = Read(max, visit);
  Release();
  return visited;
}

size_t ExposureQueue::Read(size_t max, const std::function<void(const Exposure&)>& visit) {
  const uint64_t tail = tail_.load(std::memory_order_acquire);
  size_t visited = 0;
  while (read_ != tail && visited < max) {
    const std::byte* from = &ring_[read_ & (capacity_ - 1)];
    uint32_t header[2];
    std::memcpy(header, from, sizeof(header));
    if (header[1] == 0) {
      Record record;
      std::memcpy(&record, from, sizeof(record));
      visit(ReadRecord(record, from));
      ++visited;
    }
    read_ += header[0];
  }
  return visited;
}

void ExposureQueue::Release() { head_.store(read_, std::memory_order_release); }

void ExposureQueue::Rewind() { read_ = head_.load(std::memory_order_relaxed); }

size_t ExposureQueue::waiting_bytes() const {
  // The head first: it never passes a tail that is read after it.
  const uint64_t head = head_.load(std::memory_order_acquire);
  return static_cast<size_t>(tail_.load(std::memory_order_acquire) - head);
}

}  // namespace espalier
