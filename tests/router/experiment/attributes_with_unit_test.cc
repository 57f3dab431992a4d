#include "router/experiment/attributes_with_unit.h"

#include "gtest/gtest.h"
#include "tests/router/experiment/documents.h"

namespace espalier {
namespace {

TEST(AttributesWithUnitTest, TheUnitStandsForEveryUnitAttributeOfTheModel) {
  v1::Experiment first = MakeExperiment("a", "m");
  v1::Experiment second = MakeExperiment("b", "m");
  v1::Experiment other = MakeExperiment("c", "n");
  second.mutable_unit()->set_attribute("session");
  other.mutable_unit()->set_attribute("device");
  SetLayer(first, "l", 0, 0.5);
  SetLayer(second, "l", 0.5, 1);
  const auto table = RoutingTable::Create({first, second, other});
  ASSERT_TRUE(table.ok()) << table.status();
  const MapAttributes given({{"user_id", std::string_view("given")}, {"device", std::string_view("phone")}});
  const AttributesWithUnit attributes(*(*table)->Find("m"), "u", given);
  EXPECT_EQ(attributes.Find("user_id"), AttributeValue(std::string_view("u")));
  EXPECT_EQ(attributes.Find("session"), AttributeValue(std::string_view("u")));
  EXPECT_EQ(attributes.Find("device"), AttributeValue(std::string_view("phone")));
  const AttributesWithUnit none(*(*table)->Find("m"), "", given);
  EXPECT_EQ(none.Find("user_id"), AttributeValue(std::string_view("given")));
  EXPECT_EQ(none.Find("session"), AttributeValue());
}

TEST(ModelRouteTest, RefusesUnitsThatAreTooLongOrNoText) {
  const auto table = RoutingTable::Create({MakeExperiment("a", "m")});
  ASSERT_TRUE(table.ok()) << table.status();
  const ModelRoute& route = *(*table)->Find("m");
  EXPECT_TRUE(route.CheckUnit(std::string(256, 'x')).ok());
  EXPECT_TRUE(route.CheckUnit("").ok());
  EXPECT_EQ(Message(route.CheckUnit(std::string(257, 'x'))),
            "the unit, parameter 'user_id', has 257 bytes; valid UTF-8 of at most 256 bytes is needed");
  EXPECT_FALSE(route.CheckUnit("\xc3").ok());
}

}  // namespace
}  // namespace espalier
