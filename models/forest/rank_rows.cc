#include "models/forest/rank_rows.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/forest/rank_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "models/forest/find_rank-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {

void RankSlots(const RankTable& table, const std::byte* row, uint8_t* slots) {
  for (const RankTable::Part& part : table.parts()) {
    float value;
    std::memcpy(&value, row + size_t{part.index} * sizeof(value), sizeof(value));
    const uint32_t rank = FindRank(table.thresholds() + part.pivots, value);
    slots[part.left_slot] = static_cast<uint8_t>(rank);
    slots[part.right_slot] = static_cast<uint8_t>(value != value ? part.count : rank);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

HWY_EXPORT(RankSlots);

}  // namespace

void RankRow(const RankTable& table, const std::byte* row, uint8_t* slots) {
  HWY_DYNAMIC_DISPATCH(RankSlots)(table, row, slots);
}

}  // namespace espalier
#endif  // HWY_ONCE
