// The hashes by which units become slots: GrowthBook's, so that any of its SDKs computes the same.
//
// Strings are hashed as UTF-8 bytes. (GrowthBook's SDKs agree with each other, and with this, for ASCII only:
// JavaScript hashes UTF-16 units, Python code points, Go bytes.)
#ifndef ESPALIER_ROUTER_EXPERIMENT_UNIT_HASH_H_
#define ESPALIER_ROUTER_EXPERIMENT_UNIT_HASH_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "models/base/fnv.h"

namespace espalier {

// Slots of hash version 2; a unit's n is slot / kUnitSlots.
inline constexpr uint32_t kUnitSlots = 10000;

// Slots of hash version 1, by which layers are divided.
inline constexpr uint32_t kLayerSlots = 1000;

// Hash version 2: fnv1a32(decimal(fnv1a32(seed + unit))) mod 10000, where `seed_state` is Fnv1a32(seed).
inline uint32_t UnitSlot(uint32_t seed_state, std::string_view unit) {
  char decimal[10];
  const auto end = std::to_chars(decimal, decimal + sizeof(decimal), Fnv1a32(unit, seed_state)).ptr;
  return Fnv1a32(std::string_view(decimal, static_cast<size_t>(end - decimal))) % kUnitSlots;
}

// Hash version 1: fnv1a32(unit + seed) mod 1000.
constexpr uint32_t LayerSlot(std::string_view unit, std::string_view seed) {
  return Fnv1a32(seed, Fnv1a32(unit)) % kLayerSlots;
}

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_UNIT_HASH_H_
