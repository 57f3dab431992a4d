// FNV-1a, 32 bits: the hash of experiment assignment.
#ifndef ESPALIER_MODELS_BASE_FNV_H_
#define ESPALIER_MODELS_BASE_FNV_H_

#include <cstdint>
#include <string_view>

namespace espalier {

inline constexpr uint32_t kFnv32Basis = 2166136261u;

// Hash of `bytes`; pass the result of an earlier call as `state` to continue it, so that
// Fnv1a32(b, Fnv1a32(a)) == Fnv1a32(a + b) without concatenating.
constexpr uint32_t Fnv1a32(std::string_view bytes, uint32_t state = kFnv32Basis) {
  for (const char byte : bytes) {
    state = (state ^ static_cast<uint8_t>(byte)) * 16777619u;
  }
  return state;
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_FNV_H_
