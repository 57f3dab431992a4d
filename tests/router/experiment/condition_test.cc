// What a document's conditions may say; what they mean is in tests/conformance.
#include "router/experiment/condition.h"

#include <string>

#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"

namespace espalier {
namespace {

using nlohmann::json;

std::string Refusal(const char* condition) {
  const json groups = json::parse(R"({"g": [1, 2]})");
  const auto compiled = Condition::Compile(json::parse(condition), groups, ConditionRules::kStrict);
  return compiled.ok() ? "" : std::string(Message(compiled.status()));
}

TEST(ConditionTest, StrictRulesAcceptEveryOperator) {
  EXPECT_EQ(
      Refusal(
          R"({"a": {"$eq": 1, "$ne": 2, "$lt": 3, "$lte": "4", "$gt": 5, "$gte": 6, "$in": [1], "$nin": [1],
      "$ini": ["a"], "$nini": ["a"], "$all": [1], "$alli": ["a"], "$size": 1, "$elemMatch": {"$gt": 1},
      "$exists": true, "$type": "string", "$regex": "a", "$regexi": "a", "$notRegex": "a", "$notRegexi": "a",
      "$not": {"$eq": 1}, "$inGroup": "g", "$notInGroup": "g", "$veq": "1", "$vne": "1", "$vgt": "1", "$vgte": "1",
      "$vlt": "1", "$vlte": "1"}, "$and": [{"b.c": 1}], "$or": [{}], "$nor": [], "$not": {"c": null}})"),
      "");
}

TEST(ConditionTest, StrictRulesNameWhatMakesNoSense) {
  EXPECT_EQ(Refusal(R"({"a": {"$regx": "x"}})").substr(0, 29), "a.$regx: is no operator; allo");
  EXPECT_EQ(Refusal(R"({"$eq": 1})"), "$eq: is no attribute; here only $and, $or, $nor and $not are allowed");
  EXPECT_EQ(Refusal(R"({"a": {"$gt": 1, "b": 2}})"),
            "a: mixes operators and other keys; use one or the other");
  EXPECT_EQ(Refusal(R"({"a": {"$in": "x"}})"), "a.$in: must be a list of values");
  EXPECT_EQ(Refusal(R"({"$or": [{"a": {"$all": 1}}]})"), "$or[0].a.$all: must be a list of values");
  EXPECT_EQ(Refusal(R"({"a": {"$lt": [1]}})"), "a.$lt: must be a number or a string");
  EXPECT_EQ(Refusal(R"({"a": {"$vlt": 2}})"), "a.$vlt: must be a version as a string, like \"1.2.3\"");
  EXPECT_EQ(Refusal(R"({"a": {"$size": "2"}})"), "a.$size: must be a number or an object of operators");
  EXPECT_EQ(Refusal(R"({"a": {"$exists": 1}})"), "a.$exists: must be true or false");
  EXPECT_EQ(Refusal(R"({"a": {"$type": "date"}})"),
            "a.$type: must be string, number, boolean, array, object or null");
  EXPECT_EQ(Refusal(R"({"a": {"$elemMatch": 1}})"),
            "a.$elemMatch: must be an object of operators or conditions");
  EXPECT_EQ(Refusal(R"({"a": {"$inGroup": "h"}})"),
            "a.$inGroup: names the group \"h\", which saved_groups does not have");
  EXPECT_EQ(Refusal(R"({"$or": {"a": 1}})"), "$or: must be a list of conditions");
  EXPECT_EQ(Refusal(R"({"$not": [1]})"), "$not: must be an object of conditions");
  EXPECT_EQ(Refusal(R"({"a": {"$regex": "("}})"),
            "a.$regex: is no regular expression that RE2 takes: missing ): (");
  EXPECT_EQ(Refusal(R"re({"a": {"$regex": "(?=x)"}})re"),
            "a.$regex: is no regular expression that RE2 takes: invalid perl operator: (?=");
}

TEST(ConditionTest, RegularExpressionsTakeTimeLinearInTheText) {
  const auto condition =
      Condition::Compile(json::parse(R"({"a": {"$regex": "^(a+)+$"}})"), {}, ConditionRules::kStrict);
  ASSERT_TRUE(condition.ok());
  const json attributes = {{"a", std::string(100'000, 'a') + "b"}};
  EXPECT_FALSE(condition->Matches(JsonAttributes(attributes)));
}

TEST(ConditionTest, ExpressionsThatWouldNeedMuchMemoryAreRefused) {
  EXPECT_EQ(Refusal(R"({"a": {"$regex": "((a{100}){100}){100}"}})").substr(0, 49),
            "a.$regex: is no regular expression that RE2 takes");
}

}  // namespace
}  // namespace espalier
