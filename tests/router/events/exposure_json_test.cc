#include "router/events/exposure_json.h"

#include <cstring>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using nlohmann::json;

Exposure Full() {
  return {.event_id = 9'223'372'036'854'775'807u,
          .time_micros = 1'700'000'000'000'000,
          .experiment = "e",
          .config_version = 3,
          .unit = "Zo\xc3\xab \"\n\x01",
          .bucket = 9999,
          .layer_slot = 0,
          .probabilities = "[0.5,0.5]",
          .variant_assigned = "t",
          .variant_served = "control",
          .reason = AssignmentReason::kFallback,
          .model = "m",
          .model_version = 2,
          .sha256 = "00ff",
          .rows = 1,
          .latency_micros = 9,
          .status = 14};
}

// Another reader of JSON says what was written.
TEST(ExposureJsonTest, EveryColumnIsThere) {
  const std::string line = ExposureJson(Full());
  EXPECT_EQ(json::parse(line), (json{{"event_id", "9223372036854775807"},
                                     {"time_micros", 1'700'000'000'000'000},
                                     {"experiment", "e"},
                                     {"config_version", 3},
                                     {"unit", "Zo\xc3\xab \"\n\x01"},
                                     {"bucket", 9999},
                                     {"layer_slot", 0},
                                     {"probabilities", {0.5, 0.5}},
                                     {"variant_assigned", "t"},
                                     {"variant_served", "control"},
                                     {"reason", "fallback"},
                                     {"model", "m"},
                                     {"model_version", 2},
                                     {"sha256", "00ff"},
                                     {"rows", 1},
                                     {"latency_micros", 9},
                                     {"status", 14},
                                     {"scores", nullptr},
                                     {"features", nullptr}}));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(ExposureJsonTest, FloatsReadBackAsTheyWere) {
  const std::vector<float> floats = {0.1f, -0.0f, 1e-45f, std::numeric_limits<float>::max(), 16777217.0f};
  Exposure exposure = Full();
  exposure.scores = std::as_bytes(std::span(floats));
  const json scores = json::parse(ExposureJson(exposure))["scores"];
  ASSERT_EQ(scores.size(), floats.size());
  for (size_t i = 0; i < floats.size(); ++i) {
    const auto read = static_cast<float>(scores[i].get<double>());
    EXPECT_EQ(std::memcmp(&read, &floats[i], sizeof(read)), 0) << scores[i];
  }
}

TEST(ExposureJsonTest, WhatIsNoNumberIsNamed) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float floats[] = {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity};
  Exposure exposure = Full();
  exposure.features = std::as_bytes(std::span(floats));
  EXPECT_EQ(json::parse(ExposureJson(exposure))["features"], json({"NaN", "Infinity", "-Infinity"}));
}

TEST(ExposureJsonTest, BytesThatAreNoTextDoNotBreakTheLine) {
  Exposure exposure = Full();
  exposure.sha256 = "\xff";
  exposure.layer_slot = -1;
  const json line = json::parse(ExposureJson(exposure));
  EXPECT_EQ(line["sha256"], "\xef\xbf\xbd");
  EXPECT_TRUE(line["layer_slot"].is_null());
}

}  // namespace
}  // namespace espalier
