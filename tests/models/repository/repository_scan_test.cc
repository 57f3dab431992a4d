#include "models/repository/repository_scan.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "models/repository/model_builder.h"
#include "tests/models/repository/repository_folder.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

TEST(RepositoryScanTest, TellsModelsAndVersionsFromTheRest) {
  RepositoryFolder folder;
  folder.Write("a.B_c-1/1/xgboost.json", "x");
  folder.Write("a.B_c-1/10/model.ubj", "x");
  for (const char* name : {"0", "01", "-1", "+1", "1x", "x", "9223372036854775808", ".2"}) {
    folder.Write(std::string("a.B_c-1/") + name + "/xgboost.json", "x");
  }
  folder.Write("a.B_c-1/3", "a file");
  folder.Write("no model/1/xgboost.json", "x");
  folder.Write(std::string(65, 'a') + "/1/xgboost.json", "x");
  folder.Write(".git/1/xgboost.json", "x");
  folder.Write("README.md", "x");
  const auto scan = ScanRepository(folder.path());
  ASSERT_TRUE(scan.ok()) << scan.status();
  EXPECT_THAT(scan->models, ElementsAre(Key("a.B_c-1")));
  EXPECT_THAT(scan->models.at("a.B_c-1").versions, ElementsAre(Key(1), Key(10)));
  EXPECT_THAT(scan->ignored, ElementsAre(std::string(65, 'a'), "no model"));
}

TEST(RepositoryScanTest, LargestVersionNumber) {
  EXPECT_EQ(ParseVersionFolder("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseVersionFolder("9223372036854775808"), std::nullopt);
  EXPECT_EQ(ParseVersionFolder(""), std::nullopt);
}

TEST(RepositoryScanTest, AMissingDirectoryIsAnError) {
  RepositoryFolder folder;
  EXPECT_FALSE(ScanRepository(folder.path() + "/missing").ok());
  EXPECT_TRUE(absl::IsNotFound(ScanModel(folder.path(), "a").status()));
  for (const char* name : {"", ".", "..", "a/b", ".a"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ScanModel(folder.path(), name).status())) << name;
  }
}

TEST(RepositoryScanTest, FollowsLinks) {
  RepositoryFolder folder;
  RepositoryFolder elsewhere;
  elsewhere.Write("1/xgboost.json", "x");
  std::filesystem::create_symlink(elsewhere.path(), folder.path() + "/a");
  std::filesystem::create_symlink(folder.path() + "/nowhere", folder.path() + "/b");
  const auto scan = ScanRepository(folder.path());
  ASSERT_TRUE(scan.ok());
  EXPECT_THAT(scan->models, ElementsAre(Key("a")));
  EXPECT_THAT(scan->models.at("a").versions.at(1), ElementsAre(Key("xgboost.json")));
}

TEST(RepositoryScanTest, ReplacedFilesHaveAnotherStamp) {
  RepositoryFolder folder;
  folder.Write("a/1/xgboost.json", "one");
  const std::string path = folder.path() + "/a/1/xgboost.json";
  const auto before = StampOf(path);
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(before, StampOf(path));
  EXPECT_TRUE(before->fresh);
  ASSERT_TRUE(WriteFileAtomically(path, "two").ok());
  EXPECT_NE(before, StampOf(path));
}

TEST(RepositoryScanTest, OldAndFutureFilesAreNotFresh) {
  RepositoryFolder folder;
  folder.Write("a/1/xgboost.json", "one");
  const std::string path = folder.path() + "/a/1/xgboost.json";
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const auto& offset : {std::chrono::hours(-1), std::chrono::hours(1)}) {
    std::filesystem::last_write_time(path, now + offset);
    EXPECT_FALSE(StampOf(path)->fresh);
  }
}

std::string Chosen(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  VersionFolder files;
  for (const std::string& name : names) files[name] = {};
  const auto file = ChooseModelFile(files, wanted);
  return file.ok() ? *file : std::string(Message(file.status()));
}

TEST(ChooseModelFileTest, HasAnOrder) {
  std::vector<std::string> names = {"xgboost.ubj", "xgboost.json", "xgboost.model",
                                    "model.ubj",   "model.json",   "model.txt"};
  while (!names.empty()) {
    EXPECT_EQ(Chosen(names, DefaultModelFiles()), names.front());
    names.erase(names.begin());
  }
  EXPECT_THAT(Chosen({"variant.json"}, DefaultModelFiles()), HasSubstr("xgboost.ubj"));
}

}  // namespace
}  // namespace espalier
