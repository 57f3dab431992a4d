// In a program of its own, whose operator new is counted.
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/document.h"
#include "router/experiment/routing_table.h"
#include "tests/models/forest/allocation_counter.h"

namespace espalier {
namespace {

constexpr std::string_view kDocument = R"(
experiment: everything
model: m
unit: {attribute: user_id, fallback: request_id}
layer: {name: l, ranges: [[0, 0.4], [0.6, 1]]}
holdout: {name: h, share: 0.05}
overrides: {vip: t1}
targeting:
  country: {$in: [NL, DE, "a country whose name does not fit into a short string"]}
  address.city: {$ne: Rome, $exists: true}
  age: {$gte: 18}
  app: {$vgte: 1.10.0, $not: {$veq: 2.0.0}}
  tags: {$all: [a], $ini: [B], $elemMatch: {$eq: b}, $size: 2}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t1, version: 2, weight: 0.5}
)";

TEST(AssignAllocationTest, AssignDoesNotAllocate) {
  const auto documents = ParseExperiments(kDocument, "everything.yaml");
  ASSERT_TRUE(documents.ok()) << documents.status();
  const auto table = RoutingTable::Create(*documents);
  ASSERT_TRUE(table.ok()) << table.status();
  const auto request = nlohmann::json::parse(R"({"country": "NL", "address": {"city": "Delft"}, "age": 44,
      "app": "1.12.3", "tags": ["a", "b"], "user_id": "a-unit-of-more-than-fifteen-bytes"})");
  const auto number = nlohmann::json::parse(R"({"country": "NL", "address": {"city": "Delft"}, "age": 44,
      "app": "1.12.3", "tags": ["a", "b"], "user_id": 1234567.25})");
  const auto nobody = nlohmann::json::parse(R"({"country": "FR"})");
  const auto override = nlohmann::json::parse(R"({"user_id": "vip"})");
  Assignment out;
  const size_t before = AllocatedBytes();
  int enrolled = 0;
  for (uint64_t event = 0; event < 1000; ++event) {
    for (const auto* attributes : {&request, &number, &nobody, &override}) {
      const ModelRoute* route = (*table)->Find("m");
      route->Assign(JsonAttributes(*attributes), {}, event, 0, out);
      enrolled += out.experiment != nullptr;
    }
  }
  EXPECT_EQ(AllocatedBytes(), before);
  EXPECT_GE(enrolled, 1000);
}

}  // namespace
}  // namespace espalier
