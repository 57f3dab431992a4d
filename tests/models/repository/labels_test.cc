#include "models/repository/labels.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "tests/models/repository/repository_folder.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(LabelsTest, ReadsWhatItWrites) {
  const Labels labels = {{"champion", 2}, {"candidate", INT64_MAX}};
  EXPECT_EQ(*ParseLabels(FormatLabels(labels)), labels);
  EXPECT_EQ(*ParseLabels("{}"), Labels());
}

TEST(LabelsTest, RefusesWhatIsNoLabelFile) {
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"", "labels.json"},
      {"[1]", "object"},
      {"{\"champion\": 2", "labels.json"},
      {"{\"champion\": \"2\"}", "champion"},
      {"{\"champion\": 0}", "champion"},
      {"{\"champion\": -1}", "champion"},
      {"{\"champion\": 1.5}", "champion"},
      {"{\"champion\": 9223372036854775808}", "champion"},
      {"{\"champion\": {\"a\": 1}}", "champion"},
      {"{\"champion\": 1, \"champion\": 2}", "twice"},
      {"{\"12\": 1}", "12"},
      {"{\"Champion\": 1}", "Champion"},
      {"{\"\": 1}", "no label"},
      {"{\"" + std::string(65, 'a') + "\": 1}", "no label"},
      {std::string(100'000, '['), "labels.json"},
  };
  for (const auto& [text, expected] : cases) {
    const auto labels = ParseLabels(text);
    EXPECT_TRUE(absl::IsInvalidArgument(labels.status())) << text;
    EXPECT_THAT(std::string(Message(labels.status())), HasSubstr(expected));
  }
}

class WriteLabelTest : public ::testing::Test {
 protected:
  WriteLabelTest() {
    folder_.Write("a/1/xgboost.json", "{}");
    folder_.Write("a/2/xgboost.json", "{}");
  }

  RepositoryFolder folder_;
};

TEST_F(WriteLabelTest, SetsMovesAndRemoves) {
  ASSERT_TRUE(WriteLabel(folder_.path(), "a", "champion", 1).ok());
  ASSERT_TRUE(WriteLabel(folder_.path(), "a", "candidate", 2).ok());
  ASSERT_TRUE(WriteLabel(folder_.path(), "a", "champion", 2).ok());
  EXPECT_THAT(*ParseLabels(folder_.Read("a/labels.json")),
              ElementsAre(Pair("candidate", 2), Pair("champion", 2)));
  ASSERT_TRUE(WriteLabel(folder_.path(), "a", "candidate", 0).ok());
  EXPECT_THAT(*ParseLabels(folder_.Read("a/labels.json")), ElementsAre(Pair("champion", 2)));
}

TEST_F(WriteLabelTest, RefusesWhatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(WriteLabel(folder_.path(), "b", "champion", 1)));
  const absl::Status version = WriteLabel(folder_.path(), "a", "champion", 3);
  EXPECT_TRUE(absl::IsNotFound(version));
  EXPECT_THAT(std::string(Message(version)), HasSubstr("it has 1, 2"));
  EXPECT_TRUE(absl::IsNotFound(WriteLabel(folder_.path(), "a", "champion", 0)));
  EXPECT_TRUE(absl::IsInvalidArgument(WriteLabel(folder_.path(), "a", "7", 1)));
  EXPECT_TRUE(absl::IsInvalidArgument(WriteLabel(folder_.path(), "a", "champion", -1)));
  EXPECT_TRUE(absl::IsInvalidArgument(WriteLabel(folder_.path(), "../a", "champion", 1)));
  EXPECT_FALSE(folder_.Has("a/labels.json"));
}

TEST_F(WriteLabelTest, LeavesAMalformedFileAlone) {
  folder_.Write("a/labels.json", "{champion: 1}");
  EXPECT_TRUE(absl::IsFailedPrecondition(WriteLabel(folder_.path(), "a", "champion", 1)));
  EXPECT_EQ(folder_.Read("a/labels.json"), "{champion: 1}");
}

}  // namespace
}  // namespace espalier
