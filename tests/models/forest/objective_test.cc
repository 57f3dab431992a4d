#include "models/forest/objective.h"

#include <bit>
#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Objective> Create(std::string name, std::string version = "3.2.0", uint32_t num_outputs = 1) {
  Ensemble ensemble;
  ensemble.objective = std::move(name);
  ensemble.version = std::move(version);
  ensemble.num_outputs = num_outputs;
  return Objective::Create(ensemble);
}

std::vector<float> Values(const Objective& objective, std::vector<float> margins, size_t rows = 1) {
  std::vector<float> values(rows * objective.ValueWidth());
  objective.ToValues(margins.data(), rows, values.data());
  return values;
}

TEST(ObjectiveTest, AnUnknownNameIsUnimplemented) {
  const absl::Status status = Create("reg:magic").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("reg:magic"));
}

TEST(ObjectiveTest, AnUnknownNameIsRepeatedInPartAndEscaped) {
  const absl::Status status = Create("\x1b[2J\n" + std::string(10'000, 'x')).status();
  EXPECT_EQ(Message(status), "objective \"\\x1b[2J\\n" + std::string(59, 'x') + "\" is not known");
}

TEST(ObjectiveTest, BaseScoreOfAProbabilityHasALogit) {
  const std::vector<float> score = {0.3f};
  EXPECT_EQ((*Create("binary:logistic")->BaseMargins(score))[0], -std::log(1.0f / 0.3f - 1.0f));
  for (const float outside : {0.0f, 1.0f, -1.0f, 2.0f, std::nanf("")}) {
    EXPECT_EQ(Create("binary:logistic", "2.1.4")->BaseMargins({&outside, 1}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << outside;
  }
}

TEST(ObjectiveTest, NewerVersionsBoundTheBaseScore) {
  const float one = 1;
  const absl::StatusOr<std::vector<float>> margins =
      Create("binary:logistic", "3.2.0")->BaseMargins({&one, 1});
  ASSERT_TRUE(margins.ok());
  EXPECT_NEAR((*margins)[0], 13.8, 0.1);
}

TEST(ObjectiveTest, OldLogitrawHasAProbabilityAsItsBaseScore) {
  const float score = 0.3f;
  EXPECT_EQ((*Create("binary:logitraw", "1.3.1")->BaseMargins({&score, 1}))[0], 0.3f);
  EXPECT_EQ((*Create("binary:logitraw", "1.3.0")->BaseMargins({&score, 1}))[0],
            -std::log(1.0f / 0.3f - 1.0f));
}

TEST(ObjectiveTest, OneBaseScoreServesAllOutputs) {
  const absl::StatusOr<Objective> objective = Create("multi:softprob", "3.2.0", 3);
  EXPECT_THAT(*objective->BaseMargins(std::vector<float>{0.5f}), ElementsAre(0.5f, 0.5f, 0.5f));
  EXPECT_THAT(*objective->BaseMargins(std::vector<float>{1, 2, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(std::string(Message(objective->BaseMargins(std::vector<float>{1, 2}).status())),
              HasSubstr("2 values, allowed are 1 or 3"));
}

TEST(ObjectiveTest, ABaseScoreWithoutMarginIsRefused) {
  const float zero = 0;
  EXPECT_THAT(std::string(Message(Create("count:poisson")->BaseMargins({&zero, 1}).status())),
              HasSubstr("gives no finite margin"));
}

TEST(ObjectiveTest, SoftmaxGivesTheFirstOfTheLargest) {
  const absl::StatusOr<Objective> objective = Create("multi:softmax", "3.2.0", 3);
  EXPECT_EQ(objective->ValueWidth(), 1u);
  EXPECT_THAT(Values(*objective, {1, 3, 3, 5, 5, 4}, 2), ElementsAre(1, 0));
  int32_t classes[2];
  const float margins[] = {1, 3, 3, 5, 5, 4};
  objective->ToClasses(margins, 2, classes);
  EXPECT_THAT(classes, ElementsAre(1, 0));
}

TEST(ObjectiveTest, ClassesOfProbabilitiesAreAboveAHalf) {
  const float margins[] = {-1, 0, 1e-3f};
  int32_t classes[3];
  for (const char* name : {"binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic"}) {
    const absl::StatusOr<Objective> objective = Create(name);
    ASSERT_TRUE(objective->HasClasses());
    objective->ToClasses(margins, 3, classes);
    EXPECT_THAT(classes, ElementsAre(0, 0, 1)) << name;
  }
  EXPECT_FALSE(Create("reg:squarederror")->HasClasses());
}

// Margins whose exponentials differ by a bit in float and in double; the values are those of predict, of the
// wheels 1.2.1 to 3.2.0 and of Debian 12's library 1.7.4, when they are given the margins as base margins.
TEST(ObjectiveTest, SurvivalTimesAreExponentialsInFloatButForDebiansLibrary) {
  struct Case {
    uint32_t margin, wheel, debian;
  };
  constexpr Case kCases[] = {{0x402690f7, 0x4157faee, 0x4157faed}, {0x407dff2f, 0x4253a9af, 0x4253a9ae},
                             {0x4104ce2c, 0x457b9387, 0x457b9386}, {0xc0209775, 0x3da6902e, 0x3da6902d},
                             {0x3f1a630a, 0x3fe9f2ff, 0x3fe9f2fe}, {0xc0806ac3, 0x3c941958, 0x3c941957}};
  for (const Case& one : kCases) {
    const std::vector<float> margin = {std::bit_cast<float>(one.margin)};
    for (const char* version : {"1.2.1", "1.7.6", "2.1.4", "3.2.0", ""}) {
      EXPECT_THAT(Values(*Create("survival:aft", version), margin),
                  ElementsAre(std::bit_cast<float>(one.wheel)))
          << version;
    }
    EXPECT_THAT(Values(*Create("survival:aft", "1.7.4"), margin),
                ElementsAre(std::bit_cast<float>(one.debian)));
  }
}

TEST(ObjectiveTest, QuantilesAreSortedFromVersion34On) {
  EXPECT_THAT(Values(*Create("reg:quantileerror", "3.2.0", 3), {3, 1, 2}), ElementsAre(3, 1, 2));
  EXPECT_THAT(Values(*Create("reg:quantileerror", "3.4.0", 3), {3, 1, 2}), ElementsAre(1, 2, 3));
}

TEST(ObjectiveTest, ExpectilesRiseByPositiveGaps) {
  const absl::StatusOr<Objective> objective = Create("reg:expectileerror", "3.3.0", 3);
  const absl::StatusOr<std::vector<float>> margins = objective->BaseMargins(std::vector<float>{-1, 0.5f, 2});
  ASSERT_TRUE(margins.ok());
  const std::vector<float> values = Values(*objective, *margins);
  EXPECT_FLOAT_EQ(values[0], -1);
  EXPECT_NEAR(values[1], 0.5, 1e-5);
  EXPECT_NEAR(values[2], 2, 1e-5);
}

}  // namespace
}  // namespace espalier
