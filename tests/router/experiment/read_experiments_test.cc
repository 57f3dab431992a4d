#include "router/experiment/read_experiments.h"

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Document(std::string_view key, std::string_view model, std::string_view more = "") {
  return StrCat("experiment: ", key, "\nmodel: ", model, R"(
unit: {attribute: user_id}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t, version: 2, weight: 0.5}
)",
                more);
}

class ReadExperimentsTest : public testing::Test {
 protected:
  ReadExperimentsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "read-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~ReadExperimentsTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomically(Path(name), text).ok());
  }
  std::string WhyNot(const std::string& path, Together together = Together::kChecked) const {
    const auto experiments = ReadExperiments(path, together);
    return experiments.ok() ? "" : std::string(Message(experiments.status()));
  }

  std::filesystem::path folder_;
};

TEST_F(ReadExperimentsTest, ADirectoryIsItsDocumentsByName) {
  Write("b.yml", Document("b", "m"));
  Write("a.yaml", StrCat(Document("a", "n"), "---\n", Document("c", "o")));
  Write(".hidden.yaml", "nonsense");
  Write("notes.md", "nonsense");
  const auto experiments = ReadExperiments(folder_.string(), Together::kChecked);
  ASSERT_TRUE(experiments.ok()) << experiments.status();
  ASSERT_EQ(experiments->size(), 3u);
  EXPECT_EQ((*experiments)[0].experiment(), "a");
  EXPECT_EQ((*experiments)[1].experiment(), "c");
  EXPECT_EQ((*experiments)[2].experiment(), "b");
  EXPECT_THAT(*ListExperimentFiles(folder_.string()), ElementsAre(Path("a.yaml"), Path("b.yml")));
}

TEST_F(ReadExperimentsTest, TheFileThatDoesNotGoWithTheOthersIsNamed) {
  Write("a.yaml", Document("a", "m"));
  Write("b.yaml", Document("b", "m"));
  EXPECT_THAT(WhyNot(folder_.string()), HasSubstr("b.yaml: "));
  EXPECT_EQ(WhyNot(folder_.string(), Together::kUnchecked), "");
  Write("b.yaml", Document("a", "n"));
  EXPECT_THAT(WhyNot(folder_.string()), HasSubstr("b.yaml: experiment \"a\" stands in "));
}

TEST_F(ReadExperimentsTest, OneFileIsCheckedToo) {
  Write("both.yaml", StrCat(Document("a", "m"), "---\n", Document("b", "m")));
  EXPECT_THAT(WhyNot(Path("both.yaml")), HasSubstr("both.yaml: "));
  EXPECT_THAT(WhyNot(Path("none.yaml")), HasSubstr("none.yaml"));
  EXPECT_THAT(std::string(Message(ReadExperimentDirectory(Path("none"), Together::kChecked).status())),
              HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace espalier
