// `espalier train` as a program: from a table to a version that `espalier predict` serves.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "nlohmann/json.hpp"
#include "tests/testing/program.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TrainVerbTest : public ::testing::Test {
 protected:
  TrainVerbTest() : folder_(testing::TempDir() + "/train_verb_test." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
    std::ofstream table(folder_ + "/t.csv");
    table << "day,size,colour,y\n";
    for (int i = 0; i < 300; ++i)
      table << i << "," << i * 7 % 31 << "," << i % 3 << "," << (i * 7 % 31 > 15) << "\n";
  }
  ~TrainVerbTest() override { std::filesystem::remove_all(folder_); }

  // The options that every run needs, and `more`.
  ProgramResult Train(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"train",
                                          "--input",
                                          folder_ + "/t.csv",
                                          "--label",
                                          "y",
                                          "--models",
                                          folder_ + "/models",
                                          "--name",
                                          "m",
                                          "--objective",
                                          "binary:logistic",
                                          "--rounds",
                                          "20",
                                          "--threads",
                                          "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunProgram(ESPALIER_PROGRAM, arguments);
  }

  const std::string folder_;
};

TEST_F(TrainVerbTest, WritesAVersionThatIsInspectedAndItsLineage) {
  const ProgramResult result =
      Train({"--local", "--json", "--drop", "day", "--categorical", "colour", "--where", "day:0:199",
             "--param", "eta=0.5", "--param", "max_depth=2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["rows"], 200);
  EXPECT_EQ(json["rounds"], 20);
  const std::string version = folder_ + "/models/m/1";
  EXPECT_EQ(json["path"], version);
  const auto lineage = nlohmann::json::parse(*ReadFile(version + "/variant.json"));
  EXPECT_EQ(lineage["params"]["eta"], "0.5");
  EXPECT_EQ(lineage["data"]["where"][0]["high"], "199");
  EXPECT_EQ(lineage["categorical"][0], "colour");
  const ProgramResult inspected =
      RunProgram(ESPALIER_PROGRAM, {"model", "inspect", version + "/xgboost.ubj", "--json"});
  ASSERT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_THAT(nlohmann::json::parse(inspected.out)["feature_names"], ElementsAre("size", "colour"));
}

TEST_F(TrainVerbTest, NumbersVersionsAndReplacesNone) {
  ASSERT_EQ(Train({"--local"}).exit_code, 0);
  ASSERT_EQ(Train({"--local"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/models/m/2/xgboost.ubj"));
  const ProgramResult again = Train({"--local", "--version", "1"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("is there already"));
}

TEST_F(TrainVerbTest, PublishesNothingThatCannotBeServed) {
  const ProgramResult linear = Train({"--local", "--param", "booster=gblinear"});
  EXPECT_EQ(linear.exit_code, 2);
  EXPECT_THAT(linear.err, HasSubstr("parameter booster: gblinear must be gbtree or dart"));
  // Leaves that overflow: XGBoost trains and saves them.
  const ProgramResult infinite = Train({"--local", "--param", "eta=3e38", "--param", "lambda=0"});
  EXPECT_EQ(infinite.exit_code, 1);
  EXPECT_THAT(infinite.err, HasSubstr("the model was trained, but cannot be served: tree 0"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/models"));
}

// A table that does not exist would be the next thing to fail.
TEST_F(TrainVerbTest, ChecksNameAndVersionBeforeItReadsTheTable) {
  ASSERT_EQ(Train({"--local"}).exit_code, 0);
  std::filesystem::remove(folder_ + "/t.csv");
  const ProgramResult taken = Train({"--local", "--version", "1"});
  EXPECT_EQ(taken.exit_code, 1);
  EXPECT_THAT(taken.err, HasSubstr("is there already"));
  EXPECT_EQ(Train({"--local"}).exit_code, 1);
  const ProgramResult bad =
      RunProgram(ESPALIER_PROGRAM, {"train", "--local", "--input", folder_ + "/t.csv", "--label", "y",
                                    "--models", folder_ + "/models", "--name", "no/name"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("model name no/name must match"));
}

TEST_F(TrainVerbTest, ShowsSparseProgressAndTheEvaluation) {
  const ProgramResult result = Train({"--local", "--valid", "day:200:299"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("round 2/20  train-logloss 0."));
  EXPECT_THAT(result.out, HasSubstr("round 20/20  train-logloss 0."));
  EXPECT_THAT(result.out, HasSubstr("on 100 other rows: AUC 1.0000, log-loss 0."));
}

TEST_F(TrainVerbTest, WrongUsageExitsWithTwoAndFailuresWithOne) {
  EXPECT_EQ(Train({}).exit_code, 2);
  EXPECT_THAT(Train({}).err, HasSubstr("--local trains in this process"));
  EXPECT_EQ(Train({"--local", "--param", "eta"}).exit_code, 2);
  EXPECT_EQ(Train({"--local", "--where", "day"}).exit_code, 2);
  EXPECT_EQ(Train({"--local", "--rounds", "0"}).exit_code, 2);
  const ProgramResult missing = Train({"--local", "--features", "nosuch"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("has no column nosuch (feature)"));
  const ProgramResult unknown = Train({"--local", "--param", "etaa=1"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.err,
            "espalier: XGBoost does not use these parameters: \"etaa\"; they are misspelt, or do not belong "
            "to this "
            "objective or booster\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/models"));
}

}  // namespace
}  // namespace espalier
