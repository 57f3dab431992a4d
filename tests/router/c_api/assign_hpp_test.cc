#include "espalier/assign.hpp"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier::embedded {
namespace {

using ::testing::HasSubstr;

constexpr char kDocument[] = R"(experiment: seed
model: m
unit: {attribute: user_id}
overrides: {vip: t}
targeting: {country: NL, age: {$gte: 18}, ratio: 0.5, member: true, tags: {$all: [a, b]}}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t, version: 2, weight: 0.5}
)";

class AssignHppTest : public testing::Test {
 protected:
  AssignHppTest() {
    request_.model = "m";
    request_.unit = "b";
    request_.attributes = {{"country", "NL"}, {"age", 18}, {"ratio", 0.5}, {"member", true}, {"tags", tags_}};
  }

  const std::vector<const char*> tags_ = {"b", "a"};
  const Experiments experiments_ = *Experiments::LoadMemory(kDocument, "e.yaml");
  Request request_;
};

TEST_F(AssignHppTest, AUnitGetsItsVariant) {
  const Result<Assignment> assignment = experiments_.Assign(request_);
  ASSERT_TRUE(assignment.ok()) << assignment.status().message();
  EXPECT_TRUE(assignment->routed());
  EXPECT_TRUE(assignment->enrolled());
  EXPECT_EQ(assignment->experiment(), "seed");
  EXPECT_EQ(assignment->variant(), "control");
  EXPECT_EQ(assignment->version(), 1);
  EXPECT_EQ(assignment->reason(), "hash");
  EXPECT_EQ(assignment->bucket(), 2696u);
  EXPECT_EQ(assignment->layer_slot(), std::nullopt);
  EXPECT_EQ(assignment->config_version(), 1u);
  EXPECT_EQ(assignment->unit(), "b");
}

TEST_F(AssignHppTest, EveryAttributeCounts) {
  for (size_t i = 0; i < request_.attributes.size(); ++i) {
    Request request = request_;
    request.attributes.erase(request.attributes.begin() + static_cast<ptrdiff_t>(i));
    EXPECT_EQ(experiments_.Assign(request)->reason(), "not enrolled: targeting") << i;
  }
  request_.attributes.clear();
  request_.attributes_json =
      R"({"country": "NL", "age": 20, "ratio": 0.5, "member": true, "tags": ["a", "b"]})";
  EXPECT_EQ(experiments_.Assign(request_)->reason(), "hash");
}

TEST_F(AssignHppTest, WithoutExperimentThereIsNoVariant) {
  request_.model = "another";
  const Result<Assignment> assignment = experiments_.Assign(request_);
  ASSERT_TRUE(assignment.ok());
  EXPECT_FALSE(assignment->routed());
  EXPECT_EQ(assignment->variant(), "");
  EXPECT_EQ(assignment->bucket(), std::nullopt);
}

TEST_F(AssignHppTest, AnAssignmentOutlivesTheExperiments) {
  Result<Experiments> experiments = Experiments::LoadMemory(kDocument, "e.yaml");
  const Result<EventIds> ids = EventIds::Create(3);
  request_.unit = "vip";
  request_.event_id = ids->Next(1'700'000'000'000'000);
  const Result<Assignment> assignment = experiments->Assign(request_);
  experiments = Status(ESPALIER_INTERNAL, "gone");
  const Result<std::string> exposure = assignment->ExposureJson();
  ASSERT_TRUE(exposure.ok()) << exposure.status().message();
  EXPECT_THAT(*exposure, HasSubstr(R"("unit":"vip")"));
  EXPECT_THAT(*exposure, HasSubstr(R"("reason":"override")"));
  EXPECT_EQ(assignment->event_id() >> 12 & 1023, 3u);
}

TEST_F(AssignHppTest, AnExposureMayBeLong) {
  request_.event_id = 1;
  Answer answer;
  answer.scores.assign(1000, 0.125f);
  answer.rows = 1000;
  const Result<std::string> exposure = experiments_.Assign(request_)->ExposureJson(answer);
  ASSERT_TRUE(exposure.ok()) << exposure.status().message();
  EXPECT_GT(exposure->size(), 6000u);
  EXPECT_EQ(exposure->back(), '}');
}

TEST_F(AssignHppTest, ErrorsAreValues) {
  const Result<Experiments> none = Experiments::Load("/does/not/exist");
  EXPECT_EQ(none.status().code(), ESPALIER_NOT_FOUND);
  EXPECT_EQ(Experiments::LoadMemory("", "e.yaml").status().code(), ESPALIER_INVALID_ARGUMENT);
  EXPECT_THAT(EventIds::Create(5000).status().message(), HasSubstr("front is 5000"));
  const std::string unit(300, 'x');
  request_.unit = unit;
  EXPECT_THAT(experiments_.Assign(request_).status().message(), HasSubstr("has 300 bytes"));
  EXPECT_THAT(experiments_.Describe(1).status().message(), HasSubstr("index is 1"));
  request_.unit = "vip";
  EXPECT_EQ(experiments_.Assign(request_)->ExposureJson().status().code(), ESPALIER_FAILED_PRECONDITION);
}

TEST_F(AssignHppTest, DescribesTheExperiments) {
  ASSERT_EQ(experiments_.size(), 1u);
  EXPECT_STREQ(experiments_.Describe(0)->experiment, "seed");
  EXPECT_STREQ(experiments_.Describe(0)->state, "running");
}

}  // namespace
}  // namespace espalier::embedded
