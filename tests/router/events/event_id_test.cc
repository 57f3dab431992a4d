#include "router/events/event_id.h"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace espalier {
namespace {

constexpr int64_t kNow = 1'700'000'000'123'456;

TEST(EventIdTest, HoldsMillisecondsFrontAndSequence) {
  EventIdGenerator ids(1023);
  const uint64_t first = ids.Next(kNow);
  EXPECT_EQ(first, uint64_t{1'700'000'000'123} << 22 | uint64_t{1023} << 12);
  EXPECT_EQ(ids.Next(kNow), first + 1);
  EXPECT_EQ(EventIdTimeMicros(first), 1'700'000'000'123'000);
  EXPECT_EQ(EventIdFront(first), 1023u);
}

TEST(EventIdTest, GrowsWhenTheClockStepsBack) {
  EventIdGenerator ids(1);
  uint64_t last = ids.Next(kNow);
  for (int64_t now = kNow; now > kNow - 10'000'000'000; now -= 3'600'000'000) {
    const uint64_t id = ids.Next(now);
    EXPECT_GT(id, last);
    last = id;
  }
  EXPECT_GT(ids.Next(-1), last);
}

TEST(EventIdTest, OverflowingSequenceBorrowsFromTheNextMillisecond) {
  EventIdGenerator ids(7);
  uint64_t last = ids.Next(kNow);
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t id = ids.Next(kNow);
    ASSERT_GT(id, last);
    ASSERT_EQ(EventIdFront(id), 7u);
    last = id;
  }
  EXPECT_EQ(EventIdTimeMicros(last), 1'700'000'000'125'000);
}

TEST(EventIdTest, GoesOnAfterTheLastIdOfTheLog) {
  EventIdGenerator before(5);
  before.Next(kNow);
  const uint64_t last = before.Next(kNow);
  EventIdGenerator after(4, last);
  const uint64_t id = after.Next(kNow - 86'400'000'000);
  EXPECT_GT(id >> 22 << 12 | (id & 0xfff), last >> 22 << 12 | (last & 0xfff));
  EXPECT_EQ(EventIdFront(id), 4u);
}

TEST(EventIdTest, ThreadsNeverShareAnId) {
  EventIdGenerator ids(0);
  std::vector<std::vector<uint64_t>> made(4);
  std::vector<std::thread> threads;
  for (std::vector<uint64_t>& mine : made) {
    threads.emplace_back([&ids, &mine] {
      for (int i = 0; i < 5'000; ++i) mine.push_back(ids.Next(kNow));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<uint64_t> all;
  for (const std::vector<uint64_t>& mine : made) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

TEST(EventIdTest, ParsesDecimalStrictly) {
  EXPECT_EQ(*ParseEventId("1"), 1u);
  EXPECT_EQ(*ParseEventId("9223372036854775807"), kMaxEventId);
  for (const char* bad : {"", "0", "00", "01", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "abc",
                          "9223372036854775808", "18446744073709551616", "99999999999999999999999999"}) {
    const absl::StatusOr<uint64_t> id = ParseEventId(bad);
    ASSERT_FALSE(id.ok()) << bad;
    EXPECT_EQ(id.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace espalier
