// Our own vectors, against the answers of `espalier assign --vectors`.
//
// Each line of a file is {"name", "in": vector, "out": result}, or "error": a part of the message. Hashes
// were computed apart (FNV-1a over UTF-8 in Python); results of conditions follow GrowthBook's description of
// its language.
#include "services/cli/conformance.h"

#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using nlohmann::json;

class ConformanceTest : public testing::TestWithParam<const char*> {};

TEST_P(ConformanceTest, EveryVectorHasItsAnswer) {
  std::ifstream file(std::string(ESPALIER_CONFORMANCE_DIR "/") + GetParam());
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const json expected = json::parse(line);
    const json answer = json::parse(AnswerVector(expected["in"].dump()));
    if (expected.contains("error")) {
      const std::string error = answer.value("error", "");
      EXPECT_NE(error.find(expected["error"].get<std::string>()), std::string::npos)
          << expected["name"] << ": " << answer;
    } else {
      EXPECT_EQ(answer, (json{{"result", expected["out"]}})) << expected["name"] << ": " << expected["in"];
    }
  }
  EXPECT_GT(count, 10);
}

INSTANTIATE_TEST_SUITE_P(Files, ConformanceTest,
                         testing::Values("bucketing.jsonl", "conditions.jsonl", "errors.jsonl"));

TEST(ConformanceTest, NoLineAborts) {
  const std::string deep(100'000, '[');
  for (const std::string& line : {std::string(), std::string("{"), std::string("\xff"), std::string("null"),
                                  std::string(R"({"op":"hash")"), deep,
                                  R"({"op":"condition","attributes":{},"condition":)" + deep + "}"}) {
    EXPECT_TRUE(json::parse(AnswerVector(line)).contains("error")) << line.substr(0, 40);
  }
}

TEST(ConformanceTest, ConditionsMayNotBeNestedWithoutEnd) {
  std::string condition = "1";
  for (int i = 0; i < 60; ++i) condition = R"({"$not":)" + condition + "}";
  const std::string line = R"({"op":"condition","attributes":{},"condition":{"a":)" + condition + "}}";
  EXPECT_NE(AnswerVector(line).find("32 levels"), std::string::npos) << AnswerVector(line);
}

}  // namespace
}  // namespace espalier
