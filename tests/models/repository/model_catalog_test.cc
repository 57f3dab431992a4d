#include "models/repository/model_catalog.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

ModelHandle Version(int64_t version) {
  auto model = std::make_shared<LoadedModel>();
  model->version = version;
  return model;
}

std::string MessageOf(const absl::StatusOr<const ModelHandle*>& result) {
  return std::string(Message(result.status()));
}

TEST(CatalogModelTest, EmptyVersionIsTheHighestReadyOneWithoutAChampion) {
  const CatalogModel model("a", {Version(10), Version(9)}, {{11, "truncated"}}, {{"candidate", 9}});
  EXPECT_EQ((**model.Resolve(""))->version, 10);
  EXPECT_EQ((*model.Default())->version, 10);
}

TEST(CatalogModelTest, EmptyVersionIsTheChampion) {
  const CatalogModel model("a", {Version(1), Version(2)}, {}, {{"champion", 1}});
  EXPECT_EQ((**model.Resolve(""))->version, 1);
  EXPECT_EQ((*model.Default())->version, 1);
}

TEST(CatalogModelTest, ChampionThatIsNotReadyIsUnavailable) {
  const CatalogModel model("a", {Version(1)}, {{2, "xgboost.ubj: truncated"}}, {{"champion", 2}});
  EXPECT_EQ(model.Default(), nullptr);
  const auto result = model.Resolve("");
  EXPECT_TRUE(absl::IsUnavailable(result.status()));
  EXPECT_THAT(MessageOf(result), HasSubstr("label \"champion\" of model \"a\" names version 2"));
  EXPECT_THAT(MessageOf(result), HasSubstr("xgboost.ubj: truncated"));
}

TEST(CatalogModelTest, ResolvesNumbersAndLabels) {
  const CatalogModel model("a", {Version(1), Version(12)}, {}, {{"candidate", 12}});
  EXPECT_EQ((**model.Resolve("1"))->version, 1);
  EXPECT_EQ((**model.Resolve("12"))->version, 12);
  EXPECT_EQ((**model.Resolve("candidate"))->version, 12);
}

TEST(CatalogModelTest, UnknownVersionsSayWhatThereIs) {
  const CatalogModel model("a", {Version(2)}, {{1, "unloaded"}}, {{"champion", 2}, {"old", 1}});
  for (const char* version : {"3", "nobody", "02", "0", "-1", "99999999999999999999", "1 "}) {
    const auto result = model.Resolve(version);
    EXPECT_TRUE(absl::IsNotFound(result.status())) << version;
    EXPECT_THAT(MessageOf(result), HasSubstr("model \"a\"")) << version;
    EXPECT_THAT(MessageOf(result), HasSubstr("versions 1, 2; labels champion, old")) << version;
  }
}

TEST(CatalogModelTest, KnownVersionThatIsNotReadyIsUnavailableWithItsReason) {
  const CatalogModel model("a", {Version(2)}, {{1, "unloaded"}}, {{"old", 1}});
  EXPECT_TRUE(absl::IsUnavailable(model.Resolve("1").status()));
  EXPECT_THAT(MessageOf(model.Resolve("1")), HasSubstr("version 1 of model \"a\" is not ready: unloaded"));
  EXPECT_TRUE(absl::IsUnavailable(model.Resolve("old").status()));
}

TEST(CatalogModelTest, LabelOfAVersionThatIsGoneIsUnavailable) {
  const CatalogModel model("a", {Version(2)}, {}, {{"old", 1}});
  EXPECT_TRUE(absl::IsUnavailable(model.Resolve("old").status()));
}

TEST(CatalogModelTest, NothingReady) {
  EXPECT_TRUE(absl::IsUnavailable(CatalogModel("a", {}, {{1, "loading"}}, {}).Resolve("").status()));
  EXPECT_TRUE(absl::IsNotFound(CatalogModel("a", {}, {}, {}).Resolve("").status()));
}

TEST(ModelCatalogTest, FindsByName) {
  const ModelCatalog catalog({CatalogModel("a", {Version(1)}, {}, {}), CatalogModel("b", {}, {}, {})});
  ASSERT_NE(catalog.Find("a"), nullptr);
  EXPECT_EQ(catalog.Find("a")->name(), "a");
  EXPECT_EQ(catalog.Find("c"), nullptr);
  EXPECT_EQ(catalog.models().size(), 2u);
}

}  // namespace
}  // namespace espalier
