#include "deploy/flights/replay_schedule.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using Kind = ReplayEvent::Kind;

// "ask 0 @10" and so on.
std::vector<std::string> Events(const std::vector<FlightTimes>& flights) {
  ReplaySchedule schedule(flights);
  std::vector<std::string> events;
  while (const auto event = schedule.Next()) {
    events.push_back(std::string(event->kind == Kind::kAsk ? "ask " : "tell ") +
                     std::to_string(event->flight) + " @" + std::to_string(event->time));
  }
  return events;
}

TEST(ReplayScheduleTest, OutcomesComeWhenTheyAreKnown) {
  EXPECT_THAT(Events({{10, 25}, {20, 22}, {30, 40}}),
              ElementsAre("ask 0 @10", "ask 1 @20", "tell 1 @22", "tell 0 @25", "ask 2 @30", "tell 2 @40"));
}

TEST(ReplayScheduleTest, WhatIsKnownAtASecondComesBeforeItsQuestions) {
  EXPECT_THAT(Events({{10, 20}, {20, 30}}),
              ElementsAre("ask 0 @10", "tell 0 @20", "ask 1 @20", "tell 1 @30"));
}

TEST(ReplayScheduleTest, FlightsMayComeInAnyOrderAndKeepItAtOneSecond) {
  EXPECT_THAT(Events({{20, 90}, {10, 90}, {10, 90}}),
              ElementsAre("ask 1 @10", "ask 2 @10", "ask 0 @20", "tell 0 @90", "tell 1 @90", "tell 2 @90"));
}

TEST(ReplayScheduleTest, NoOutcomeComesBeforeItsQuestion) {
  EXPECT_THAT(Events({{10, 5}, {10, 20}}), ElementsAre("ask 0 @10", "tell 0 @10", "ask 1 @10", "tell 1 @20"));
}

TEST(ReplayScheduleTest, NothingHappensWithoutFlights) { EXPECT_TRUE(Events({}).empty()); }

TEST(ReplayScheduleTest, EveryFlightIsAskedAndToldOnceInOrderOfTime) {
  std::mt19937 random(11);
  std::vector<FlightTimes> flights;
  for (int i = 0; i < 5000; ++i) {
    const int64_t departs = random() % 100'000;
    flights.push_back({departs, departs + static_cast<int64_t>(random() % 20'000) - 100});
  }
  ReplaySchedule schedule(flights);
  std::vector<int> asked(flights.size()), told(flights.size());
  int64_t now = 0;
  while (const auto event = schedule.Next()) {
    EXPECT_GE(event->time, now);
    now = event->time;
    ++(event->kind == Kind::kAsk ? asked : told)[event->flight];
    EXPECT_LE(told[event->flight], asked[event->flight]);
  }
  EXPECT_THAT(asked, ::testing::Each(1));
  EXPECT_THAT(told, ::testing::Each(1));
}

}  // namespace
}  // namespace espalier
