// In a program of its own, whose operator new is counted.
#include "tests/models/forest/allocation_counter.h"
#include "tests/router/c_api/loaded_experiments.h"

namespace espalier {
namespace {

constexpr std::string_view kDocument = R"(
experiment: everything
model: a-model-whose-name-does-not-fit-into-a-short-string
unit: {attribute: user_id, fallback: request_id}
layer: {name: l, ranges: [[0, 0.4], [0.6, 1]]}
holdout: {name: h, share: 0.05}
overrides: {vip: t1}
targeting: {country: {$in: [NL, DE]}, age: {$gte: 18}}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t1, version: 2, weight: 0.5}
)";

TEST(AssignCAllocationTest, AssignDoesNotAllocateForPlainAttributes) {
  const LoadedExperiments experiments = LoadText(kDocument);
  espalier_attribute attributes[2] = {};
  attributes[0].name = "country";
  attributes[0].text = "NL";
  attributes[1].name = "age";
  attributes[1].type = ESPALIER_INTEGER;
  attributes[1].integer = 44;
  espalier_request request = RequestOf("a-model-whose-name-does-not-fit-into-a-short-string", nullptr);
  request.attributes = attributes;
  request.num_attributes = 2;
  espalier_assignment assignment = {};
  assignment.struct_size = sizeof(assignment);
  const size_t before = AllocatedBytes();
  int enrolled = 0;
  for (uint64_t event = 1; event < 1000; ++event) {
    for (const char* unit : {"a-unit-of-more-than-fifteen-bytes", "vip", static_cast<const char*>(nullptr)}) {
      request.unit = unit;
      request.event_id = event;
      if (espalier_experiments_assign(experiments.get(), &request, &assignment) != ESPALIER_OK) FAIL();
      enrolled += assignment.enrolled;
    }
  }
  EXPECT_EQ(AllocatedBytes(), before);
  EXPECT_GE(enrolled, 1000);
}

}  // namespace
}  // namespace espalier
