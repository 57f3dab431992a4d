#include "services/experiments/experiment_directory.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "router/experiment/compiled_experiment.h"
#include "tests/router/experiment/documents.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

std::string Document(std::string_view key, std::string_view more = "") {
  return StrCat("experiment: ", key, "\nmodel: model-", key, R"(
unit: {attribute: user_id}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t1, version: 2, weight: 0.5}
)",
                more, "\n");
}

class ExperimentDirectoryTest : public testing::Test {
 protected:
  ExperimentDirectoryTest() {
    std::string name = (std::filesystem::temp_directory_path() / "experiments-XXXXXX").string();
    root_ = mkdtemp(name.data());
    std::filesystem::create_directory(root_ / "experiments");
  }
  ~ExperimentDirectoryTest() override { std::filesystem::remove_all(root_); }

  std::string Path(const std::string& name) const { return (root_ / "experiments" / name).string(); }

  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomically(Path(name), text).ok());
  }

  ExperimentDirectory::Options OptionsHere() const {
    return {.directory = (root_ / "experiments").string(),
            .state_file = (root_ / "experiments.json").string(),
            .poll_millis = 20};
  }

  std::unique_ptr<ExperimentDirectory> Create() const {
    auto directory = ExperimentDirectory::Create(OptionsHere());
    EXPECT_TRUE(directory.ok()) << directory.status();
    return directory.ok() ? *std::move(directory) : nullptr;
  }

  std::string CreateError() const {
    const auto directory = ExperimentDirectory::Create(OptionsHere());
    EXPECT_FALSE(directory.ok());
    return std::string(Message(directory.status()));
  }

  std::filesystem::path root_;
};

// "a:1 b:2": keys with their config versions.
std::string Summary(ExperimentDirectory& directory) {
  std::string summary;
  const std::shared_ptr<const RoutingTable> table = directory.table().Get();
  for (const auto& experiment : table->experiments()) {
    summary += StrCat(summary.empty() ? "" : " ", experiment->key(), ":", experiment->config_version());
  }
  return summary;
}

TEST_F(ExperimentDirectoryTest, ReadsEveryDocumentOfTheDirectory) {
  Write("a.yaml", StrCat(Document("a"), "---\n", Document("a2")));
  Write("b.yml", Document("b"));
  Write("c.json", R"({"experiment": "c", "model": "m", "unit": {"attribute": "u"}, "variants": [
      {"key": "x", "version": 1, "weight": 1, "control": true}, {"key": "y", "version": 2, "weight": 0}]})");
  Write(".hidden.yaml", "nonsense: [");
  Write("notes.txt", "nonsense: [");
  const auto directory = Create();
  EXPECT_EQ(Summary(*directory), "a:1 a2:1 b:1 c:1");
  EXPECT_NE(directory->table().Get()->Find("model-a2"), nullptr);
}

TEST_F(ExperimentDirectoryTest, AnEmptyDirectoryHasNoExperiments) { EXPECT_EQ(Summary(*Create()), ""); }

TEST_F(ExperimentDirectoryTest, CreateRefusesBadDocumentsByName) {
  Write("a.yaml", Document("a", "coverge: 1"));
  EXPECT_THAT(CreateError(), HasSubstr(StrCat(Path("a.yaml"), ": coverge: is no key")));
  Write("a.yaml", Document("a", "coverage: 2"));
  EXPECT_THAT(CreateError(),
              HasSubstr(StrCat(Path("a.yaml"), ": experiment \"a\": coverage: 2 must be within [0, 1]")));
  Write("a.yaml", Document("a"));
  Write("b.yaml", Document("a"));
  EXPECT_EQ(CreateError(), StrCat(Path("b.yaml"), ": experiment \"a\" stands in ", Path("a.yaml"), ", too"));
  Write("b.yaml", Document("b", "layer: {name: l, ranges: [[0, 1]]}"));
  Write("c.yaml", Document("c", "layer: {name: l, ranges: [[0.9, 1]]}"));
  Write("d.yaml", Document("d"));
  EXPECT_EQ(CreateError(),
            StrCat(Path("c.yaml"), ": experiment \"c\": layer.ranges: [0.9, 1] of layer \"l\" ",
                   "overlaps [0, 1] of experiment \"b\""));
}

TEST_F(ExperimentDirectoryTest, CreateRefusesWhatIsNoDirectoryOrNoFile) {
  std::filesystem::create_directory(Path("a.yaml"));
  EXPECT_THAT(CreateError(), HasSubstr(Path("a.yaml")));
  std::filesystem::remove_all(root_ / "experiments");
  EXPECT_THAT(CreateError(), HasSubstr("the experiment directory"));
}

TEST_F(ExperimentDirectoryTest, AnEditIsTakenWholeOrNotAtAll) {
  Write("a.yaml", Document("a"));
  Write("b.yaml", Document("b"));
  const auto directory = Create();
  const auto before = directory->table().Get();
  Write("a.yaml", Document("a", "coverage: 0.5"));
  Write("b.yaml", Document("b", "coverage: 5"));
  EXPECT_FALSE(directory->Poll().ok());
  EXPECT_EQ(directory->table().Get(), before);
  EXPECT_THAT(std::string(Message(directory->last_error())),
              HasSubstr(StrCat(Path("b.yaml"), ": experiment \"b\": coverage: 5 must be within [0, 1]")));
  Write("b.yaml", Document("b", "coverage: 0.25"));
  EXPECT_TRUE(directory->Poll().ok());
  EXPECT_TRUE(directory->last_error().ok());
  EXPECT_EQ(Summary(*directory), "a:2 b:2");
}

TEST_F(ExperimentDirectoryTest, OnlyEditsThatMeanSomethingAreCounted) {
  Write("a.yaml", Document("a"));
  const auto directory = Create();
  const auto before = directory->table().Get();
  Write("a.yaml", StrCat("# a comment\n", Document("a"), "\n\n"));
  EXPECT_TRUE(directory->Poll().ok());
  EXPECT_EQ(directory->table().Get(), before);
  Write("a.yaml", Document("a", "owner: me"));
  EXPECT_TRUE(directory->Poll().ok());
  EXPECT_EQ(Summary(*directory), "a:2");
}

TEST_F(ExperimentDirectoryTest, ConfigVersionsGoOnAfterARestartAndAnAbsence) {
  Write("a.yaml", Document("a"));
  {
    const auto directory = Create();
    Write("a.yaml", Document("a", "coverage: 0.5"));
    EXPECT_TRUE(directory->Poll().ok());
  }
  {
    const auto directory = Create();
    EXPECT_EQ(Summary(*directory), "a:2");
    std::filesystem::remove(Path("a.yaml"));
    EXPECT_TRUE(directory->Poll().ok());
    EXPECT_EQ(Summary(*directory), "");
  }
  Write("a.yaml", Document("a"));
  EXPECT_EQ(Summary(*Create()), "a:3");
  Write("a.yaml", Document("a", "config_version: 7"));
  EXPECT_EQ(Summary(*Create()), "a:7");
}

TEST_F(ExperimentDirectoryTest, AnEditThatCannotBeCountedIsNotTaken) {
  Write("a.yaml", Document("a"));
  const auto directory = Create();
  std::filesystem::remove(root_ / "experiments.json");
  std::filesystem::create_directory(root_ / "experiments.json");
  Write("a.yaml", Document("a", "coverage: 0.5"));
  EXPECT_FALSE(directory->Poll().ok());
  EXPECT_EQ(Summary(*directory), "a:1");
}

TEST_F(ExperimentDirectoryTest, AMalformedStateFileIsRefused) {
  const std::string path = (root_ / "experiments.json").string();
  for (const char* text : {"", "[]", "{\"a\": 1}", "{\"a\": {\"digest\": \"x\", \"config_version\": -1}}"}) {
    ASSERT_TRUE(WriteFileAtomically(path, text).ok());
    EXPECT_THAT(CreateError(), HasSubstr(path));
  }
}

// Counts publications, and waits for them.
class Publications {
 public:
  explicit Publications(Snapshot<RoutingTable>& table) {
    table.OnPublish([this] {
      MutexLock lock(mutex_);
      ++count_;
      changed_.notify_all();
    });
  }

  bool WaitFor(int count) {
    MutexLock lock(mutex_);
    return lock.WaitFor(changed_, std::chrono::seconds(30), [&] { return count_ >= count; });
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ = 0;
};

TEST_F(ExperimentDirectoryTest, FollowsTheDirectory) {
  Write("a.yaml", Document("a"));
  const auto directory = Create();
  Publications publications(directory->table());
  directory->Start();
  Write("b.yaml", Document("b"));
  ASSERT_TRUE(publications.WaitFor(1));
  EXPECT_EQ(Summary(*directory), "a:1 b:1");
  std::filesystem::remove(Path("a.yaml"));
  ASSERT_TRUE(publications.WaitFor(2));
  EXPECT_EQ(Summary(*directory), "b:1");
}

// As Kubernetes mounts a ConfigMap: a link to a folder that is swapped.
TEST_F(ExperimentDirectoryTest, FollowsAFolderThatIsSwappedByALink) {
  for (const char* folder : {"one", "two"}) std::filesystem::create_directory(root_ / folder);
  ASSERT_TRUE(WriteFileAtomically((root_ / "one" / "a.yaml").string(), Document("a")).ok());
  ASSERT_TRUE(WriteFileAtomically((root_ / "two" / "a.yaml").string(), Document("a", "coverage: 0.5")).ok());
  std::filesystem::create_directory_symlink(root_ / "one", Path("..data"));
  std::filesystem::create_symlink("..data/a.yaml", Path("a.yaml"));
  const auto directory = Create();
  Publications publications(directory->table());
  directory->Start();
  std::filesystem::create_directory_symlink(root_ / "two", Path("..next"));
  std::filesystem::rename(Path("..next"), Path("..data"));
  ASSERT_TRUE(publications.WaitFor(1));
  EXPECT_EQ(Summary(*directory), "a:2");
}

TEST_F(ExperimentDirectoryTest, ReadersSeeWholeGenerationsWhileTheDirectoryChanges) {
  // In each generation both variants of both experiments have the same versions.
  const auto generation = [](int version) {
    return StrCat(
        "experiment: a\nmodel: m\nunit: {attribute: user_id}\nlayer: {name: l, ranges: [[0, "
        "0.5]]}\nvariants:\n",
        "  - {key: control, version: ", version, ", weight: 0.5, control: true}\n",
        "  - {key: t1, version: ", version, ", weight: 0.5}\n---\n",
        "experiment: b\nmodel: m\nunit: {attribute: user_id}\nlayer: {name: l, ranges: [[0.5, "
        "1]]}\nvariants:\n",
        "  - {key: control, version: ", version, ", weight: 0.5, control: true}\n",
        "  - {key: t1, version: ", version, ", weight: 0.5}\n");
  };
  Write("a.yaml", generation(1));
  const auto directory = Create();
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      SnapshotReader<RoutingTable> reader(directory->table());
      while (!stop) {
        const auto& table = reader.Pin();
        Assignment first;
        Assignment second;
        table->Find("m")->Assign(MapAttributes{{"user_id", std::string_view("u1")}}, {}, 0, 0, first);
        table->Find("m")->Assign(MapAttributes{{"user_id", std::string_view("u2")}}, {}, 0, 0, second);
        torn += first.variant->backend.version != second.variant->backend.version;
      }
    });
  }
  for (int version = 2; version <= 40; ++version) {
    Write("a.yaml", generation(version));
    EXPECT_TRUE(directory->Poll().ok());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(Summary(*directory), "a:40 b:40");
}

}  // namespace
}  // namespace espalier
