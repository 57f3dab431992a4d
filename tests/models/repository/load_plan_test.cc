#include "models/repository/load_plan.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr VersionSituation kNew{};
constexpr VersionSituation kServing{.serves = true, .tried = true};
constexpr VersionSituation kRefused{.tried = true, .refused = true};
constexpr VersionSituation kServingOldFile{.serves = true, .tried = true, .refused = true};
constexpr VersionSituation kChanged{.serves = true};
constexpr VersionSituation kGone{.on_disk = false, .serves = true, .tried = true};

VersionPolicy All() { return {}; }

VersionPolicy Latest(uint32_t count) { return {.kind = VersionPolicy::Kind::kLatest, .latest = count}; }

VersionPolicy Specific(std::initializer_list<int64_t> versions) {
  return {.kind = VersionPolicy::Kind::kSpecific, .specific = versions};
}

TEST(LoadPlanTest, WithoutAPolicyEveryVersionIsLoaded) {
  EXPECT_THAT(PlanLoads(All(), {{1, kNew}, {7, kNew}, {2, kServing}}).load, ElementsAre(1, 7));
}

TEST(LoadPlanTest, TriedVersionsAreLeftAloneUntilTheyChange) {
  const LoadPlan plan = PlanLoads(All(), {{1, kServing}, {2, kRefused}, {3, kServingOldFile}});
  EXPECT_THAT(plan.load, IsEmpty());
  EXPECT_THAT(plan.unload, IsEmpty());
  EXPECT_THAT(PlanLoads(All(), {{1, kChanged}}).load, ElementsAre(1));
}

TEST(LoadPlanTest, WhatIsGoneOrHeldIsUnloadedAtOnce) {
  VersionSituation held = kServing;
  held.held = true;
  const LoadPlan plan = PlanLoads(All(), {{1, kGone}, {2, held}, {3, kNew}});
  EXPECT_THAT(plan.load, ElementsAre(3));
  EXPECT_THAT(plan.unload, ElementsAre(1, 2));
}

TEST(LoadPlanTest, LatestTakesTheHighestNumbers) {
  EXPECT_THAT(PlanLoads(Latest(2), {{9, kNew}, {10, kNew}, {11, kNew}}).load, ElementsAre(10, 11));
  EXPECT_THAT(PlanLoads(Latest(0), {{9, kNew}, {10, kNew}}).load, ElementsAre(10));
}

TEST(LoadPlanTest, TheOldVersionServesUntilTheNewOneWasTried) {
  LoadPlan plan = PlanLoads(Latest(1), {{1, kServing}, {2, kNew}});
  EXPECT_THAT(plan.load, ElementsAre(2));
  EXPECT_THAT(plan.unload, IsEmpty());
  plan = PlanLoads(Latest(1), {{1, kServing}, {2, kServing}});
  EXPECT_THAT(plan.load, IsEmpty());
  EXPECT_THAT(plan.unload, ElementsAre(1));
}

TEST(LoadPlanTest, ARefusedVersionTakesNoPlaceAmongTheLatest) {
  LoadPlan plan = PlanLoads(Latest(1), {{1, kServing}, {2, kRefused}});
  EXPECT_THAT(plan.load, IsEmpty());
  EXPECT_THAT(plan.unload, IsEmpty());
  // After a restart too.
  EXPECT_THAT(PlanLoads(Latest(1), {{1, kNew}, {2, kRefused}}).load, ElementsAre(1));
  // But a file that was spoilt in place still serves what it was.
  EXPECT_THAT(PlanLoads(Latest(1), {{1, kNew}, {2, kServingOldFile}}).load, IsEmpty());
}

TEST(LoadPlanTest, SpecificTakesWhatIsListedAndThere) {
  const LoadPlan plan = PlanLoads(Specific({1, 4}), {{1, kNew}, {2, kServing}, {3, kNew}});
  EXPECT_THAT(plan.load, ElementsAre(1));
  EXPECT_THAT(PlanLoads(Specific({1, 4}), {{1, kServing}, {2, kServing}}).unload, ElementsAre(2));
}

TEST(LoadPlanTest, APinnedVersionIsWantedWhateverThePolicy) {
  VersionSituation pinned = kNew;
  pinned.pinned = true;
  EXPECT_THAT(PlanLoads(Latest(1), {{1, pinned}, {2, kServing}}).load, ElementsAre(1));
  pinned = kServing;
  pinned.pinned = true;
  EXPECT_THAT(PlanLoads(Latest(1), {{1, pinned}, {2, kServing}}).unload, IsEmpty());
}

TEST(LoadPlanTest, AHeldVersionMakesRoomForTheOneBeforeIt) {
  VersionSituation held = kServing;
  held.held = true;
  EXPECT_THAT(PlanLoads(Latest(1), {{1, kNew}, {2, held}}).load, ElementsAre(1));
}

}  // namespace
}  // namespace espalier
