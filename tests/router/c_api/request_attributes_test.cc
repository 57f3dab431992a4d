#include "router/c_api/request_attributes.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using testing::HasSubstr;

espalier_attribute Typed(const char* name, int32_t type) {
  espalier_attribute attribute = {};
  attribute.name = name;
  attribute.type = type;
  return attribute;
}

espalier_attribute Text(const char* name, const char* text, size_t size = 0) {
  espalier_attribute attribute = Typed(name, ESPALIER_TEXT);
  attribute.text = text;
  attribute.text_size = size;
  return attribute;
}

espalier_request RequestWith(std::span<const espalier_attribute> attributes, const char* json = nullptr) {
  espalier_request request = {};
  request.attributes = attributes.data();
  request.num_attributes = attributes.size();
  request.attributes_json = json;
  return request;
}

std::string WhyNot(const espalier_request& request) {
  const auto attributes = RequestAttributes::Create(request);
  return attributes.ok() ? "" : std::string(Message(attributes.status()));
}

TEST(RequestAttributesTest, EveryTypeIsWhatTheServerTakesFromAParameter) {
  const char* const tags[] = {"a", "b"};
  espalier_attribute given[] = {Text("text", "JFK"), Typed("whole", ESPALIER_INTEGER),
                                Typed("number", ESPALIER_NUMBER), Typed("yes", ESPALIER_BOOLEAN),
                                Typed("tags", ESPALIER_TEXTS)};
  given[1].integer = -7;
  given[2].number = 0.5;
  given[3].integer = 1;
  given[4].texts = tags;
  given[4].num_texts = 2;
  const auto attributes = RequestAttributes::Create(RequestWith(given));
  ASSERT_TRUE(attributes.ok()) << attributes.status();
  EXPECT_EQ(attributes->Find("text"), AttributeValue(std::string_view("JFK")));
  EXPECT_EQ(attributes->Find("whole"), AttributeValue(int64_t{-7}));
  EXPECT_EQ(attributes->Find("number"), AttributeValue(0.5));
  EXPECT_EQ(attributes->Find("yes"), AttributeValue(true));
  EXPECT_EQ(*std::get<const nlohmann::json*>(attributes->Find("tags")), nlohmann::json({"a", "b"}));
  EXPECT_EQ(attributes->Find("other"), AttributeValue());
}

TEST(RequestAttributesTest, TheLastOfTwoCountsAndJsonComesAfterAll) {
  const espalier_attribute given[] = {Text("a", "first"), Text("a", "last")};
  const auto attributes = RequestAttributes::Create(RequestWith(given, R"({"a": "json", "b": "json"})"));
  ASSERT_TRUE(attributes.ok()) << attributes.status();
  EXPECT_EQ(attributes->Find("a"), AttributeValue(std::string_view("last")));
  EXPECT_EQ(attributes->Find("b"), AttributeValue(std::string_view("json")));
}

TEST(RequestAttributesTest, ASizeCutsTheText) {
  const espalier_attribute given[] = {Text("a", "JFKLGA", 3), Text("zero", "a\0b", 3), Text("none", "")};
  const auto attributes = RequestAttributes::Create(RequestWith(given));
  ASSERT_TRUE(attributes.ok()) << attributes.status();
  EXPECT_EQ(attributes->Find("a"), AttributeValue(std::string_view("JFK")));
  EXPECT_EQ(attributes->Find("zero"), AttributeValue(std::string_view("a\0b", 3)));
  EXPECT_EQ(attributes->Find("none"), AttributeValue(std::string_view("")));
}

TEST(RequestAttributesTest, RefusesByPlace) {
  espalier_attribute given[] = {Text("a", "x"), Text("b", nullptr)};
  EXPECT_EQ(WhyNot(RequestWith(given)), "espalier_request.attributes[1].text is NULL");
  given[1] = Text(nullptr, "x");
  EXPECT_EQ(WhyNot(RequestWith(given)), "espalier_request.attributes[1].name is NULL");
  given[1] = Typed("b", 5);
  EXPECT_THAT(WhyNot(RequestWith(given)), HasSubstr("type is 5"));
  given[1] = Typed("b", -1);
  EXPECT_THAT(WhyNot(RequestWith(given)), HasSubstr("type is -1"));
  given[1] = Typed("b", ESPALIER_BOOLEAN);
  given[1].integer = 2;
  EXPECT_THAT(WhyNot(RequestWith(given)), HasSubstr("integer is 2"));
  given[1] = Typed("b", ESPALIER_TEXTS);
  given[1].num_texts = 1;
  EXPECT_THAT(WhyNot(RequestWith(given)), HasSubstr("texts is NULL"));
  const char* const texts[] = {"x", nullptr};
  given[1].texts = texts;
  given[1].num_texts = 2;
  EXPECT_THAT(WhyNot(RequestWith(given)), HasSubstr("texts[1] is NULL"));
  given[1].num_texts = SIZE_MAX;
  EXPECT_THAT(WhyNot(RequestWith(given)), HasSubstr("num_texts is 18446744073709551615"));
}

TEST(RequestAttributesTest, RefusesCountsAndJsonThatAreNone) {
  espalier_request request = RequestWith({});
  request.num_attributes = 1;
  EXPECT_EQ(WhyNot(request), "espalier_request.attributes is NULL");
  request.num_attributes = SIZE_MAX;
  EXPECT_THAT(WhyNot(request), HasSubstr("num_attributes is 18446744073709551615"));
  EXPECT_THAT(WhyNot(RequestWith({}, "[1]")), HasSubstr("attributes_json: must be a JSON object"));
  EXPECT_THAT(WhyNot(RequestWith({}, "{")), HasSubstr("attributes_json: is no JSON"));
  EXPECT_THAT(WhyNot(RequestWith({}, "{\"a\": \"\xff\"}")), HasSubstr("attributes_json: is no JSON"));
  EXPECT_THAT(WhyNot(RequestWith({}, std::string(100'000, '[').c_str())), HasSubstr("128 levels"));
}

}  // namespace
}  // namespace espalier
