#include "models/base/snapshot.h"

#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(SnapshotTest, ReaderSeesWhatWasPublished) {
  Snapshot<int> snapshot(std::make_shared<const int>(1));
  SnapshotReader<int> reader(snapshot);
  EXPECT_EQ(*reader.Pin(), 1);
  snapshot.Publish(std::make_shared<const int>(2));
  EXPECT_EQ(*reader.Pin(), 2);
  EXPECT_EQ(*snapshot.Get(), 2);
}

TEST(SnapshotTest, ACopyOfThePinKeepsTheOldValueAlive) {
  Snapshot<int> snapshot(std::make_shared<const int>(1));
  SnapshotReader<int> reader(snapshot);
  const std::shared_ptr<const int> held = reader.Pin();
  const std::weak_ptr<const int> watched = held;
  snapshot.Publish(std::make_shared<const int>(2));
  reader.Pin();
  EXPECT_EQ(*held, 1);
  EXPECT_FALSE(watched.expired());
}

TEST(SnapshotTest, TheOldValueDiesWithItsLastReader) {
  auto first = std::make_shared<const int>(1);
  const std::weak_ptr<const int> watched = first;
  Snapshot<int> snapshot(std::move(first));
  SnapshotReader<int> reader(snapshot);
  reader.Pin();
  snapshot.Publish(std::make_shared<const int>(2));
  EXPECT_FALSE(watched.expired());
  reader.Pin();
  EXPECT_TRUE(watched.expired());
}

TEST(SnapshotTest, ConcurrentReadersNeverGoBack) {
  Snapshot<int> snapshot(std::make_shared<const int>(0));
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&snapshot] {
      SnapshotReader<int> reader(snapshot);
      int last = 0;
      while (last < 1000) {
        const int value = *reader.Pin();
        EXPECT_GE(value, last);
        last = value;
      }
    });
  }
  for (int i = 1; i <= 1000; ++i) snapshot.Publish(std::make_shared<const int>(i));
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace espalier
