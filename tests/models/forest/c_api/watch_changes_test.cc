#include "models/forest/c_api/watch_changes.h"

#include "espalier/watch.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {

// Found by the matchers.
void PrintTo(const WatchChange& change, std::ostream* out) {
  *out << change.kind << " " << change.model << " " << change.version << " " << change.text;
}

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ModelHandle Version(int64_t version, std::string sha256) {
  auto model = std::make_shared<LoadedModel>();
  model->version = version;
  model->sha256 = std::move(sha256);
  return model;
}

ModelCatalog Catalog(std::vector<CatalogModel> models) { return ModelCatalog(std::move(models)); }

TEST(ChangesBetweenTest, NothingIsNothing) {
  const ModelHandle one = Version(1, "aa");
  const CatalogModel model("a", {one}, {}, {{"champion", 1}});
  EXPECT_THAT(ChangesBetween(Catalog({}), Catalog({})), IsEmpty());
  EXPECT_THAT(ChangesBetween(Catalog({model}), Catalog({model})), IsEmpty());
}

TEST(ChangesBetweenTest, TellsVersionsAndLabelsInOrder) {
  const ModelHandle one = Version(1, "aa");
  const ModelHandle two = Version(2, "bb");
  const ModelHandle again = Version(2, "cc");
  const ModelHandle three = Version(3, "dd");
  const CatalogModel before("a", {one, two}, {}, {{"champion", 1}, {"old", 2}});
  const CatalogModel after("a", {again, three}, {}, {{"champion", 3}, {"new", 2}});
  const CatalogModel other("b", {one}, {}, {});
  EXPECT_THAT(ChangesBetween(Catalog({before}), Catalog({after, other})),
              ElementsAre(WatchChange{ESPALIER_WATCH_LOADED, "a", 2, "cc"},
                          WatchChange{ESPALIER_WATCH_LOADED, "a", 3, "dd"},
                          WatchChange{ESPALIER_WATCH_UNLOADED, "a", 1, ""},
                          WatchChange{ESPALIER_WATCH_LABEL, "a", 3, "champion"},
                          WatchChange{ESPALIER_WATCH_LABEL, "a", 2, "new"},
                          WatchChange{ESPALIER_WATCH_LABEL, "a", 0, "old"},
                          WatchChange{ESPALIER_WATCH_LOADED, "b", 1, "aa"}));
  EXPECT_THAT(ChangesBetween(Catalog({other}), Catalog({})),
              ElementsAre(WatchChange{ESPALIER_WATCH_UNLOADED, "b", 1, ""}));
}

}  // namespace
}  // namespace espalier
