#include "router/experiment/unit_hash.h"

#include <string>

#include "gtest/gtest.h"

namespace espalier {
namespace {

TEST(UnitHashTest, Fnv1a32HasItsPublishedValues) {
  // From the reference implementation of FNV.
  EXPECT_EQ(Fnv1a32(""), 0x811c9dc5u);
  EXPECT_EQ(Fnv1a32("a"), 0xe40c292cu);
  EXPECT_EQ(Fnv1a32("foobar"), 0xbf9cf968u);
}

TEST(UnitHashTest, SlotIsTheHashOfTheDecimalHash) {
  const uint32_t inner = Fnv1a32("eunit");
  EXPECT_EQ(UnitSlot(Fnv1a32("e"), "unit"), Fnv1a32(std::to_string(inner)) % 10000);
  EXPECT_EQ(UnitSlot(Fnv1a32(""), ""), Fnv1a32("2166136261") % 10000);
}

TEST(UnitHashTest, LayerSlotHashesTheUnitFirst) {
  EXPECT_EQ(LayerSlot("unit", "__layer"), Fnv1a32("unit__layer") % 1000);
}

// GrowthBook's SDKs differ here: this is what the bytes of UTF-8 give (as its Go SDK does).
TEST(UnitHashTest, UnitsAreHashedAsUtf8Bytes) {
  EXPECT_EQ(Fnv1a32("\xC3\xA9"), ((0x811c9dc5u ^ 0xC3) * 16777619u ^ 0xA9) * 16777619u);
  EXPECT_NE(UnitSlot(Fnv1a32("e"), "caf\xC3\xA9"), UnitSlot(Fnv1a32("e"), "cafe\xCC\x81"));
}

}  // namespace
}  // namespace espalier
