#include "router/events/exposure_queue.h"

#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace espalier {
namespace {

// An exposure whose strings and blobs follow from its number, so that a reader can check every byte.
class Numbered {
 public:
  explicit Numbered(uint64_t number)
      : unit_("unit-" + std::to_string(number)),
        scores_(number % 7 * 4, static_cast<std::byte>(number)),
        features_(number % 301, static_cast<std::byte>(number + 1)) {
    exposure_.event_id = number;
    exposure_.time_micros = static_cast<int64_t>(number) * 1000;
    exposure_.experiment = "delay";
    exposure_.config_version = 3;
    exposure_.unit = unit_;
    exposure_.bucket = number % 10'000;
    exposure_.layer_slot = static_cast<int32_t>(number % 3) - 1;
    exposure_.probabilities = "[0.5,0.5]";
    exposure_.variant_assigned = number % 2 == 0 ? "control" : "weather";
    exposure_.variant_served = "control";
    exposure_.reason = static_cast<AssignmentReason>(number % 5);
    exposure_.model = "flight-delay";
    exposure_.model_version = static_cast<int64_t>(number) - 5;
    exposure_.sha256 = "abcdef";
    exposure_.rows = 2;
    exposure_.scores = scores_;
    exposure_.features = features_;
    exposure_.latency_micros = 17;
    exposure_.status = 14;
  }
  Numbered(const Numbered&) = delete;

  const Exposure& exposure() const { return exposure_; }

 private:
  const std::string unit_;
  const std::vector<std::byte> scores_;
  const std::vector<std::byte> features_;
  Exposure exposure_;
};

bool Equal(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

void ExpectSame(const Exposure& got, const Exposure& want) {
  EXPECT_EQ(got.event_id, want.event_id);
  EXPECT_EQ(got.time_micros, want.time_micros);
  EXPECT_EQ(got.experiment, want.experiment);
  EXPECT_EQ(got.config_version, want.config_version);
  EXPECT_EQ(got.unit, want.unit);
  EXPECT_EQ(got.bucket, want.bucket);
  EXPECT_EQ(got.layer_slot, want.layer_slot);
  EXPECT_EQ(got.probabilities, want.probabilities);
  EXPECT_EQ(got.variant_assigned, want.variant_assigned);
  EXPECT_EQ(got.variant_served, want.variant_served);
  EXPECT_EQ(got.reason, want.reason);
  EXPECT_EQ(got.model, want.model);
  EXPECT_EQ(got.model_version, want.model_version);
  EXPECT_EQ(got.sha256, want.sha256);
  EXPECT_EQ(got.rows, want.rows);
  EXPECT_EQ(got.latency_micros, want.latency_micros);
  EXPECT_EQ(got.status, want.status);
  EXPECT_TRUE(Equal(got.scores, want.scores));
  EXPECT_TRUE(Equal(got.features, want.features));
}

TEST(ExposureQueueTest, GivesBackWhatWasPushedInOrder) {
  ExposureQueue queue;
  for (uint64_t i = 1; i <= 20; ++i) EXPECT_TRUE(queue.TryPush(Numbered(i).exposure()));
  EXPECT_GT(queue.waiting_bytes(), 0u);
  uint64_t next = 1;
  const auto check = [&next](const Exposure& exposure) { ExpectSame(exposure, Numbered(next++).exposure()); };
  EXPECT_EQ(queue.Drain(5, check), 5u);
  EXPECT_EQ(queue.Drain(100, check), 15u);
  EXPECT_EQ(queue.Drain(100, check), 0u);
  EXPECT_EQ(queue.waiting_bytes(), 0u);
  EXPECT_EQ(queue.pushed(), 20u);
  EXPECT_EQ(queue.lost(), 0u);
}

TEST(ExposureQueueTest, FullQueueLosesAndCountsThenGoesOn) {
  ExposureQueue queue(4096);
  uint64_t pushed = 0;
  while (queue.TryPush(Numbered(pushed).exposure())) ++pushed;
  EXPECT_GT(pushed, 8u);
  EXPECT_FALSE(queue.TryPush(Numbered(pushed).exposure()));
  EXPECT_EQ(queue.lost(), 2u);
  EXPECT_EQ(queue.pushed(), pushed);
  EXPECT_EQ(queue.Drain(3, [](const Exposure&) {}), 3u);
  EXPECT_TRUE(queue.TryPush(Numbered(0).exposure()));
  EXPECT_EQ(queue.Drain(1000, [](const Exposure&) {}), pushed - 3 + 1);
}

TEST(ExposureQueueTest, WhatWasReadStaysUntilItIsReleased) {
  ExposureQueue queue(4096);
  for (uint64_t i = 0; i < 6; ++i) EXPECT_TRUE(queue.TryPush(Numbered(i).exposure()));
  const size_t waiting = queue.waiting_bytes();
  uint64_t next = 0;
  const auto check = [&next](const Exposure& exposure) { ExpectSame(exposure, Numbered(next++).exposure()); };
  const uint64_t mark = queue.Mark();
  EXPECT_EQ(queue.Read(4, check), 4u);
  EXPECT_FALSE(queue.HasRead(mark));
  EXPECT_EQ(queue.Read(2, check), 2u);
  EXPECT_TRUE(queue.HasRead(mark));
  EXPECT_EQ(queue.waiting_bytes(), waiting);
  queue.Rewind();
  next = 0;
  EXPECT_EQ(queue.Read(4, check), 4u);
  queue.Release();
  EXPECT_LT(queue.waiting_bytes(), waiting);
  queue.Rewind();
  EXPECT_EQ(queue.Drain(10, check), 2u);
  EXPECT_EQ(queue.waiting_bytes(), 0u);
}

TEST(ExposureQueueTest, AnExposureLargerThanTheRingIsLost) {
  ExposureQueue queue(4096);
  const std::vector<std::byte> features(5000);
  Exposure exposure;
  exposure.features = features;
  EXPECT_FALSE(queue.TryPush(exposure));
  EXPECT_EQ(queue.lost(), 1u);
  EXPECT_TRUE(queue.TryPush(Numbered(1).exposure()));
}

TEST(ExposureQueueTest, RecordsSurviveEveryWrapPosition) {
  ExposureQueue queue(4096);
  std::mt19937 random(20130101);
  uint64_t in = 0;
  uint64_t out = 0;
  while (out < 20'000) {
    for (uint64_t n = random() % 8; n > 0 && queue.TryPush(Numbered(in).exposure()); --n) ++in;
    queue.Drain(random() % 8,
                [&out](const Exposure& exposure) { ExpectSame(exposure, Numbered(out++).exposure()); });
  }
  EXPECT_EQ(queue.pushed(), in);
}

TEST(ExposureQueueTest, ProducerAndConsumerShareNothingButTheRing) {
  constexpr uint64_t kExposures = 20'000;
  ExposureQueue queue(8192);
  std::thread producer([&queue] {
    for (uint64_t i = 0; i < kExposures; ++i) {
      const Numbered numbered(i);
      while (!queue.TryPush(numbered.exposure())) std::this_thread::yield();
    }
  });
  uint64_t out = 0;
  while (out < kExposures) {
    const size_t drained = queue.Drain(
        64, [&out](const Exposure& exposure) { ExpectSame(exposure, Numbered(out++).exposure()); });
    if (drained == 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(queue.pushed(), kExposures);
  EXPECT_EQ(queue.waiting_bytes(), 0u);
}

}  // namespace
}  // namespace espalier
