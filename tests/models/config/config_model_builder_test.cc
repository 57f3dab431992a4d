#include "models/config/config_model_builder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;

TEST(ModelFilesOfTest, AreTheDefaultsWithoutSettings) {
  EXPECT_THAT(ModelFilesOf(DefaultModelSettings("a")), Eq(DefaultModelFiles()));
}

TEST(ModelFilesOfTest, ModelTypePutsItsFileFirst) {
  ModelSettings settings = DefaultModelSettings("a");
  settings.model_type = "xgboost_json";
  EXPECT_EQ(ModelFilesOf(settings).front(), "xgboost.json");
  settings.model_type = "xgboost";
  EXPECT_EQ(ModelFilesOf(settings).front(), "xgboost.model");
}

TEST(ModelFilesOfTest, DefaultModelFilenameIsTheOnlyOne) {
  ModelSettings settings = DefaultModelSettings("a");
  settings.config.set_default_model_filename("my.json");
  EXPECT_THAT(ModelFilesOf(settings), ElementsAre("my.json"));
}

TEST(PolicyOfTest, IsThatOfTheConfig) {
  ModelSettings settings = DefaultModelSettings("a");
  EXPECT_EQ(PolicyOf(settings).kind, VersionPolicy::Kind::kAll);
  settings.config.mutable_version_policy()->mutable_latest()->set_num_versions(3);
  EXPECT_EQ(PolicyOf(settings).kind, VersionPolicy::Kind::kLatest);
  EXPECT_EQ(PolicyOf(settings).latest, 3u);
  settings.config.mutable_version_policy()->mutable_specific()->add_versions(7);
  EXPECT_EQ(PolicyOf(settings).kind, VersionPolicy::Kind::kSpecific);
  EXPECT_THAT(PolicyOf(settings).specific, ElementsAre(7));
}

}  // namespace
}  // namespace espalier
