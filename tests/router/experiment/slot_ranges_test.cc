#include "router/experiment/slot_ranges.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "gtest/gtest.h"
#include "router/experiment/unit_hash.h"

namespace espalier {
namespace {

using Ranges = std::vector<std::vector<UnitRange>>;

Ranges Apart(const std::vector<UnitRange>& ranges) {
  Ranges result;
  for (const UnitRange& range : ranges) result.push_back({range});
  return result;
}

// What an SDK does: the first range that contains n.
int32_t ChooseByDoubles(const Ranges& ranges, uint32_t slot) {
  const double n = static_cast<double>(slot) / kUnitSlots;
  for (size_t variant = 0; variant < ranges.size(); ++variant) {
    for (const UnitRange& range : ranges[variant]) {
      if (n >= range.start && n < range.end) return static_cast<int32_t>(variant);
    }
  }
  return -1;
}

std::vector<int32_t> Owners(const Ranges& ranges) {
  const std::vector<SlotRange> slots = ToSlots(ranges, kUnitSlots);
  std::vector<int32_t> owners(kUnitSlots);
  for (uint32_t slot = 0; slot < kUnitSlots; ++slot) owners[slot] = FindSlot(slots, slot);
  return owners;
}

struct Moves {
  int moved = 0;
  // From one treatment to another, or out of the experiment.
  int flipped = 0;
};

Moves Compare(const Ranges& before, const Ranges& after) {
  const auto a = Owners(before);
  const auto b = Owners(after);
  Moves moves;
  for (size_t slot = 0; slot < a.size(); ++slot) {
    moves.moved += a[slot] != b[slot];
    moves.flipped += a[slot] != b[slot] && a[slot] != 0 && b[slot] != 0;
  }
  return moves;
}

TEST(SlotRangesTest, CumulativeRangesAreThoseOfTheSdks) {
  const std::vector<double> weights = {0.2, 0.3, 0.5};
  const auto ranges = CumulativeRanges(weights, 0.2);
  ASSERT_EQ(ranges.size(), 3u);
  EXPECT_DOUBLE_EQ(ranges[0].end, 0.04);
  EXPECT_DOUBLE_EQ(ranges[1].start, 0.2);
  EXPECT_DOUBLE_EQ(ranges[1].end, 0.26);
  EXPECT_DOUBLE_EQ(ranges[2].start, 0.5);
  EXPECT_DOUBLE_EQ(ranges[2].end, 0.6);
}

TEST(SlotRangesTest, WholeSlotsAgreeWithComparedDoubles) {
  constexpr uint64_t kSeed = 20240611;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> weights(2 + random() % 9);
    // Every other time weights of few decimals, whose sums have rounding errors right at slots.
    for (double& weight : weights)
      weight = static_cast<double>(1 + random() % (round % 2 == 0 ? 20 : 1000003));
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight /= sum;
    const double coverage = static_cast<double>(random() % 101) / 100;
    const Ranges ranges = Apart(CumulativeRanges(weights, coverage));
    const auto owners = Owners(ranges);
    for (uint32_t slot = 0; slot < kUnitSlots; ++slot) {
      ASSERT_EQ(owners[slot], ChooseByDoubles(ranges, slot)) << "round " << round << " slot " << slot;
    }
  }
}

TEST(SlotRangesTest, EveryUnitIsAssignedAtFullCoverage) {
  const std::vector<double> tenths(10, 0.1);
  const auto owners = Owners(Apart(CumulativeRanges(tenths, 1)));
  EXPECT_EQ(std::count(owners.begin(), owners.end(), -1), 0);
  const std::vector<double> thirds = {1.0 / 3, 1.0 / 3, 1.0 / 3};
  const auto canary = Owners(CanaryRanges(thirds, 0, 1));
  EXPECT_EQ(std::count(canary.begin(), canary.end(), -1), 0);
}

TEST(SlotRangesTest, RampingCoverageOnlyLetsUnitsIn) {
  const std::vector<double> weights = {0.7, 0.2, 0.1};
  for (const bool canary : {false, true}) {
    std::vector<int32_t> before(kUnitSlots, -1);
    for (int percent = 0; percent <= 100; ++percent) {
      const double coverage = percent / 100.0;
      const auto owners =
          Owners(canary ? CanaryRanges(weights, 0, coverage) : Apart(CumulativeRanges(weights, coverage)));
      for (uint32_t slot = 0; slot < kUnitSlots; ++slot) {
        if (before[slot] >= 0) {
          ASSERT_EQ(owners[slot], before[slot]) << percent << " " << slot;
        }
      }
      const auto enrolled = kUnitSlots - std::count(owners.begin(), owners.end(), -1);
      EXPECT_NEAR(static_cast<double>(enrolled), percent * 100.0, 4) << percent;
      before = owners;
    }
  }
}

// The figures of the design: .90/.05/.05 to .80/.10/.10.
TEST(SlotRangesTest, CanaryMovesTheFewestUnitsAndFlipsNone) {
  const std::vector<double> before = {0.90, 0.05, 0.05};
  const std::vector<double> after = {0.80, 0.10, 0.10};
  const Moves cumulative = Compare(Apart(CumulativeRanges(before, 1)), Apart(CumulativeRanges(after, 1)));
  // One more than meant: 0.9 + 0.05 is above 0.95 in doubles, for the SDKs as well.
  EXPECT_EQ(cumulative.moved, 1501);
  EXPECT_EQ(cumulative.flipped, 501);
  const Moves canary = Compare(CanaryRanges(before, 0, 1), CanaryRanges(after, 0, 1));
  EXPECT_EQ(canary.moved, 1000);
  EXPECT_EQ(canary.flipped, 0);
}

TEST(SlotRangesTest, CanaryTreatmentsHaveFixedOriginsWhereverTheControlStands) {
  const std::vector<double> weights = {0.1, 0.7, 0.2};
  const Ranges ranges = CanaryRanges(weights, 1, 1);
  EXPECT_DOUBLE_EQ(ranges[0][0].start, 0);
  EXPECT_DOUBLE_EQ(ranges[0][0].end, 0.1);
  EXPECT_DOUBLE_EQ(ranges[2][0].start, 0.5);
  EXPECT_DOUBLE_EQ(ranges[2][0].end, 0.7);
  ASSERT_EQ(ranges[1].size(), 2u);
  const auto owners = Owners(ranges);
  EXPECT_EQ(std::count(owners.begin(), owners.end(), 1), 7000);
}

TEST(SlotRangesTest, SdkRangesClampCoverageAndEqualiseBadWeights) {
  EXPECT_DOUBLE_EQ(SdkBucketRanges(2, -0.2, {})[0].end, 0);
  EXPECT_DOUBLE_EQ(SdkBucketRanges(2, 1.5, {})[0].end, 0.5);
  EXPECT_DOUBLE_EQ(SdkBucketRanges(2, 1, {0.4, 0.1})[0].end, 0.5);
  EXPECT_DOUBLE_EQ(SdkBucketRanges(2, 1, {0.4, 0.5999})[1].end, 0.9999);
  EXPECT_DOUBLE_EQ(SdkBucketRanges(4, 1, {0.4, 0.4, 0.2})[3].start, 0.75);
  EXPECT_TRUE(SdkBucketRanges(0, 1, {}).empty());
}

TEST(SlotRangesTest, EmptyRangesOwnNothing) {
  const Ranges ranges = {{{0, 0.5}}, {{0.5, 0.5}}, {{0.5, 1}}};
  const auto owners = Owners(ranges);
  EXPECT_EQ(owners[5000], 2);
  EXPECT_EQ(std::count(owners.begin(), owners.end(), 1), 0);
}

}  // namespace
}  // namespace espalier
