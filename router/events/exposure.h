// The record that a unit got a variant, written at decision time: the contract of the whole platform.
#ifndef ESPALIER_ROUTER_EVENTS_EXPOSURE_H_
#define ESPALIER_ROUTER_EVENTS_EXPOSURE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace espalier {

enum class AssignmentReason : uint8_t { kHash, kOverride, kBandit, kUnitless, kFallback };

// "hash", "override", "bandit", "unitless", "fallback".
constexpr std::string_view AssignmentReasonName(AssignmentReason reason) {
  constexpr std::string_view kNames[] = {"hash", "override", "bandit", "unitless", "fallback"};
  return kNames[static_cast<size_t>(reason)];
}

// The reason when the control answers in place of the assigned variant. An override or a missing unit stays:
// the analysis leaves those out, whoever answered.
constexpr AssignmentReason ReasonServedByControl(AssignmentReason reason) {
  const bool analysed = reason == AssignmentReason::kHash || reason == AssignmentReason::kBandit;
  return analysed ? AssignmentReason::kFallback : reason;
}

// A view of one exposure: the strings belong to whoever made it, and are copied when it is enqueued.
struct Exposure {
  // Time-ordered: milliseconds (41 bits), front number (10), sequence (12).
  uint64_t event_id = 0;
  int64_t time_micros = 0;
  std::string_view experiment;
  uint32_t config_version = 0;
  std::string_view unit;
  uint32_t bucket = 0;
  // -1: the experiment has no layer.
  int32_t layer_slot = -1;
  // Assignment probabilities of all variants: "[0.5,0.5]".
  std::string_view probabilities;
  std::string_view variant_assigned;
  std::string_view variant_served;
  AssignmentReason reason = AssignmentReason::kHash;
  std::string_view model;
  int64_t model_version = 0;
  // Of the artefact that answered.
  std::string_view sha256;
  uint32_t rows = 0;
  // Scores that were answered, row-major, rows * outputs; little-endian float32 without alignment.
  std::span<const std::byte> scores;
  // Features, row-major float32, as the model saw them; empty when they are not logged.
  std::span<const std::byte> features;
  uint32_t latency_micros = 0;
  // gRPC status code of the reply.
  uint32_t status = 0;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EVENTS_EXPOSURE_H_
