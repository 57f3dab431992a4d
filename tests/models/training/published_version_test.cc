#include "models/training/published_version.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class PublishedVersionTest : public ::testing::Test {
 protected:
  PublishedVersionTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    models_ = (fs::path(::testing::TempDir()) / (std::string("published-") + test->name())).string();
    fs::remove_all(models_);
  }
  ~PublishedVersionTest() override { fs::remove_all(models_); }

  std::string models_;
};

TEST_F(PublishedVersionTest, WritesModelAndLineageAndNothingElse) {
  const auto folder = PublishVersion(models_, "m", 3, "bytes", "{}");
  ASSERT_TRUE(folder.ok()) << folder.status();
  EXPECT_EQ(*folder, models_ + "/m/3");
  EXPECT_EQ(*ReadFile(*folder + "/xgboost.ubj"), "bytes");
  EXPECT_EQ(*ReadFile(*folder + "/variant.json"), "{}");
  EXPECT_EQ(std::distance(fs::directory_iterator(models_ + "/m"), {}), 1);
  EXPECT_EQ(NextVersion(models_, "m"), 4);
}

TEST_F(PublishedVersionTest, NeverReplacesAVersion) {
  ASSERT_TRUE(PublishVersion(models_, "m", 1, "old", "{}").ok());
  const absl::Status status = PublishVersion(models_, "m", 1, "new", "{}").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(*ReadFile(models_ + "/m/1/xgboost.ubj"), "old");
}

TEST_F(PublishedVersionTest, RefusesNamesAndNumbers) {
  for (const char* name : {"", ".hidden", "a/b", "..", "spaced name"}) {
    EXPECT_EQ(PublishVersion(models_, name, 1, "", "").status().code(), absl::StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_EQ(PublishVersion(models_, "m", 0, "", "").status().message(), "version 0 must be at least 1");
  EXPECT_FALSE(fs::exists(models_));
}

TEST_F(PublishedVersionTest, CanBeAskedBeforehand) {
  EXPECT_TRUE(CheckVersion(models_, "m", 1).ok());
  EXPECT_EQ(CheckVersion(models_, ".m", 1).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CheckVersion(models_, "m", 0).code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(PublishVersion(models_, "m", 1, "bytes", "{}").ok());
  EXPECT_EQ(CheckVersion(models_, "m", 1).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(PublishedVersionTest, CountsVersionsOnly) {
  EXPECT_EQ(NextVersion(models_, "m"), 1);
  for (const char* entry : {"7", "12", "x9", "13a", ".99.tmp.1"})
    fs::create_directories(models_ + "/m/" + entry);
  EXPECT_EQ(NextVersion(models_, "m"), 13);
}

TEST(LineageTest, SaysFromWhatAndHowGood) {
  TrainingSpec spec;
  spec.input = "t.csv";
  spec.label = "y";
  spec.params = {{"eta", "0.1"}};
  spec.where = {*ParseRowRange("month:1:6")};
  TrainingData data;
  data.features = {"a"};
  data.train.labels = {0, 1};
  data.sha256 = "abc";
  TrainedModel model;
  model.bytes = "bytes";
  model.rounds = 1;
  model.history = {{0, {{"train-rmse", 0.5}}}, {1, {{"train-rmse", 0.7}}}};
  model.xgboost_version = "1.7.4";
  const auto json = nlohmann::json::parse(LineageJson(spec, data, model, 1'700'000'000'000'000));
  EXPECT_EQ(json["created"], "2023-11-14T22:13:20Z");
  EXPECT_EQ(json["data"]["sha256"], "abc");
  EXPECT_EQ(json["data"]["rows"], 2);
  EXPECT_EQ(json["data"]["where"][0]["column"], "month");
  EXPECT_EQ(json["params"]["eta"], "0.1");
  EXPECT_EQ(json["metrics"]["train-rmse"], 0.5);
  EXPECT_EQ(json["sha256"], "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9");
}

}  // namespace
}  // namespace espalier
