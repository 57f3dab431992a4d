#include "models/repository/model_manager.h"

#include <filesystem>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/sha256.h"
#include "models/base/strings.h"
#include "models/config/config_model_builder.h"
#include "proto/inference/model_config.pb.h"
#include "tests/models/repository/repository_folder.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ModelManagerTest : public ::testing::Test {
 protected:
  ModelManagerTest() { Restart(); }

  void Restart() {
    manager_.reset();
    ModelManager::Options options = ServedRepository(folder_.path());
    options.on_load = [this](std::string_view model, int64_t version, const absl::Status& result) {
      loads_.push_back(StrCat(model, "/", version, result.ok() ? " ok" : " failed"));
    };
    auto manager = ModelManager::Create(std::move(options));
    ASSERT_TRUE(manager.ok()) << manager.status();
    manager_ = *std::move(manager);
  }

  void WriteModel(const std::string& name, float value) { folder_.Write(name, TinyModel(value)); }

  const CatalogModel* Find(std::string_view model) {
    catalog_ = manager_->catalog().Get();
    return catalog_->Find(model);
  }

  // What version `version` ("" is the default) of model `name` answers for zeros; or -1, with the status in
  // status_.
  float Answer(std::string_view version = "", std::string_view name = "a") {
    const CatalogModel* model = Find(name);
    if (model == nullptr) return -2;
    const auto handle = model->Resolve(version);
    status_ = handle.status();
    return handle.ok() ? PredictZeros(***handle) : -1;
  }

  std::string State(std::string_view name, int64_t version) {
    for (const IndexEntry& entry : manager_->Index()) {
      if (entry.name == name && entry.version == version) {
        return entry.state + (entry.reason.empty() ? "" : ": " + entry.reason);
      }
    }
    return "none";
  }

  const std::string message() const { return std::string(Message(status_)); }

  LogLines log_;
  RepositoryFolder folder_;
  std::vector<std::string> loads_;
  std::unique_ptr<ModelManager> manager_;
  std::shared_ptr<const ModelCatalog> catalog_;
  absl::Status status_;
};

TEST_F(ModelManagerTest, NeedsADirectory) {
  folder_.Write("file", "x");
  for (const char* name : {"/missing", "/file"}) {
    const auto manager = ModelManager::Create(ServedRepository(folder_.path() + name));
    EXPECT_TRUE(absl::IsFailedPrecondition(manager.status()));
    EXPECT_THAT(std::string(Message(manager.status())), HasSubstr(name));
  }
}

TEST_F(ModelManagerTest, LoadsEveryVersionWithoutAConfig) {
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/10/model.json", 10);
  WriteModel("b/2/xgboost.model", 2);
  manager_->Poll();
  EXPECT_EQ(Answer(), 10);
  EXPECT_EQ(Answer("1"), 1);
  EXPECT_EQ(Answer("2", "b"), 2);
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/10 ok", "b/2 ok"));
  EXPECT_THAT(log_.With("model_version_loaded model=a"), SizeIs(2));
  EXPECT_EQ(Find("c"), nullptr);
}

TEST_F(ModelManagerTest, ALoadedVersionKnowsItself) {
  const std::string text = TinyModel(1, {.feature_names = {"x", "y"}});
  folder_.Write("a/7/xgboost.json", text);
  folder_.Write("a/7/variant.json", "{\"by\": \"hand\"}");
  manager_->Poll();
  ASSERT_NE(Find("a"), nullptr);
  const LoadedModel& model = **Find("a")->Default();
  EXPECT_EQ(model.name, "a");
  EXPECT_EQ(model.version, 7);
  EXPECT_EQ(model.version_text, "7");
  EXPECT_EQ(model.sha256, Sha256Hex(text));
  EXPECT_EQ(model.lineage, "{\"by\": \"hand\"}");
  EXPECT_EQ(model.feature_index.at("y"), 1u);
  EXPECT_EQ(model.config->name(), "a");
  EXPECT_THAT(model.config->input(0).dims(), ElementsAre(-1, 2));
}

TEST_F(ModelManagerTest, ABadLineageIsOnlyAWarning) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/1/variant.json", "{");
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ((*Find("a")->Default())->lineage, "");
  EXPECT_THAT(log_.With("model_lineage_ignored model=a version=1"), SizeIs(1));
}

TEST_F(ModelManagerTest, NothingHappensWhileNothingChanges) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  const uint64_t generation = manager_->catalog().generation();
  for (int i = 0; i < 5; ++i) manager_->Poll();
  EXPECT_EQ(manager_->catalog().generation(), generation);
  EXPECT_THAT(loads_, SizeIs(1));
}

TEST_F(ModelManagerTest, ANewVersionIsSwappedInAndARemovedOneOut) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
  EXPECT_EQ(Answer("1"), 1);
  folder_.Remove("a/1");
  manager_->Poll();
  EXPECT_EQ(Answer("1"), -1);
  EXPECT_TRUE(absl::IsNotFound(status_));
  EXPECT_THAT(log_.With("model_version_unloaded model=a version=1 reason=removed"), SizeIs(1));
  folder_.Remove("a");
  manager_->Poll();
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_THAT(manager_->Index(), IsEmpty());
}

TEST_F(ModelManagerTest, AChangedFileIsSwappedUnderTheSameVersion) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  // Of the same size, at once and in place: the stamp may well be the same.
  WriteModel("a/1/xgboost.json", 2);
  manager_->Poll();
  EXPECT_EQ(Answer("1"), 2);
  EXPECT_THAT(loads_, SizeIs(2));
}

TEST_F(ModelManagerTest, AHandleKeepsItsVersionAliveAndNothingElseDoes) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  ModelHandle handle = *Find("a")->Default();
  catalog_.reset();
  const std::weak_ptr<const Forest> forest = handle->forest;
  WriteModel("a/1/xgboost.json", 2);
  manager_->Poll();
  EXPECT_EQ(PredictZeros(*handle), 1);
  EXPECT_FALSE(forest.expired());
  handle.reset();
  EXPECT_TRUE(forest.expired());
}

TEST_F(ModelManagerTest, ACorruptNewVersionIsRefusedOnceAndTheOldOneServes) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  folder_.Write("a/2/xgboost.json", "{\"learner\": garbage");
  for (int i = 0; i < 4; ++i) manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_TRUE(absl::IsUnavailable(status_));
  EXPECT_THAT(message(), HasSubstr("xgboost.json"));
  EXPECT_THAT(log_.With("model_version_refused model=a version=2 file=xgboost.json serving=none"), SizeIs(1));
  EXPECT_THAT(log_.With("refused"), SizeIs(1));
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/2 failed"));
  EXPECT_THAT(State("a", 2), HasSubstr("UNAVAILABLE: xgboost.json"));
}

TEST_F(ModelManagerTest, AVersionThatIsSpoiltInPlaceGoesOnServing) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  folder_.Write("a/1/xgboost.json", std::string(TinyModel(1).size(), 'x'));
  for (int i = 0; i < 4; ++i) manager_->Poll();
  EXPECT_EQ(Answer("1"), 1);
  EXPECT_THAT(log_.With("model_version_refused model=a version=1"), SizeIs(1));
  EXPECT_THAT(log_.With("serving=previous"), SizeIs(1));
  EXPECT_THAT(State("a", 1), HasSubstr("READY: serving the file before"));
  folder_.Remove("a/1/xgboost.json");
  for (int i = 0; i < 4; ++i) manager_->Poll();
  EXPECT_EQ(Answer("1"), 1);
  EXPECT_THAT(log_.With("no model file"), SizeIs(1));
  WriteModel("a/1/xgboost.json", 3);
  manager_->Poll();
  EXPECT_EQ(Answer("1"), 3);
  EXPECT_EQ(State("a", 1), "READY");
}

// The stamp is taken, the last bytes come, the file is read: at the next look it has another stamp, and the
// bytes that were read.
TEST_F(ModelManagerTest, TheSameBadBytesUnderANewStampAreOneLine) {
  folder_.Write("a/1/xgboost.json", "no model");
  manager_->Poll();
  folder_.Touch("a/1/xgboost.json");
  manager_->Poll();
  EXPECT_THAT(log_.With("model_version_refused"), SizeIs(1));
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  folder_.Write("a/1/xgboost.json", "no model");
  manager_->Poll();
  EXPECT_THAT(log_.With("model_version_refused"), SizeIs(2));
}

TEST_F(ModelManagerTest, AVersionThatIsRemovedFileByFileIsNoFailure) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/1/variant.json", "{}");
  manager_->Poll();
  for (const char* gone : {"a/1/xgboost.json", "a/1/variant.json", "a/1"}) {
    folder_.Remove(gone);
    manager_->Poll();
  }
  EXPECT_THAT(log_.With("model_version_refused"), IsEmpty());
  EXPECT_THAT(log_.With("model_version_unloaded model=a version=1 reason=removed"), SizeIs(1));
  EXPECT_THAT(loads_, ElementsAre("a/1 ok"));
}

TEST_F(ModelManagerTest, AHalfWrittenFileLoadsOnceItIsWhole) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  const std::string text = TinyModel(2);
  for (const size_t size : {size_t{0}, text.size() / 3, text.size() - 1}) {
    folder_.Write("a/2/xgboost.json", std::string_view(text).substr(0, size));
    manager_->Poll();
    manager_->Poll();
    EXPECT_EQ(Answer(), 1) << size;
  }
  EXPECT_THAT(log_.With("model_version_refused"), SizeIs(3));
  folder_.Write("a/2/xgboost.json", text);
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/2 failed", "a/2 failed", "a/2 failed", "a/2 ok"));
}

TEST_F(ModelManagerTest, AFolderThatIsBeingFilledIsNoFailure) {
  std::filesystem::create_directories(folder_.path() + "/a/1");
  manager_->Poll();
  EXPECT_THAT(loads_, IsEmpty());
  EXPECT_THAT(log_.With("a"), IsEmpty());
  EXPECT_THAT(State("a", 1), HasSubstr("UNAVAILABLE: the version's folder has no model file"));
  folder_.Write("a/1/notes.txt", "x");
  manager_->Poll();
  manager_->Poll();
  EXPECT_THAT(log_.With("model_version_refused"), SizeIs(1));
}

TEST_F(ModelManagerTest, ADirectoryInPlaceOfAFileIsRefused) {
  std::filesystem::create_directories(folder_.path() + "/a/1/xgboost.json");
  manager_->Poll();
  EXPECT_EQ(Answer("1"), -1);
  EXPECT_THAT(message(), HasSubstr("is a directory"));
}

TEST_F(ModelManagerTest, TheOldBinaryFormatIsServed) {
  folder_.Write("a/1/xgboost.model", TinyBinaryModel(7));
  folder_.Write("a/2/xgboost.model", std::string("binf\0\0\0\0", 8));
  manager_->Poll();
  EXPECT_EQ(Answer("1"), 7);
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_THAT(message(), HasSubstr("learner_model_param needs 1 x 136 bytes, 4 are left"));
}

TEST_F(ModelManagerTest, AFolderThatNoModelMayBeCalledIsNamedOnce) {
  folder_.Write("no model/1/xgboost.json", "x");
  manager_->Poll();
  manager_->Poll();
  EXPECT_THAT(log_.With("model_folder_ignored folder=\"no model\""), SizeIs(1));
}

TEST_F(ModelManagerTest, ARepositoryThatVanishesChangesNothing) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  const std::string aside = folder_.path() + ".aside";
  std::filesystem::rename(folder_.path(), aside);
  manager_->Poll();
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(log_.With("model_repository_unreadable"), SizeIs(1));
  std::filesystem::rename(aside, folder_.path());
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(loads_, SizeIs(1));
}

// --- checksums

std::string Lineage(std::string_view sha256) { return StrCat("{\"sha256\": \"", sha256, "\"}"); }

TEST_F(ModelManagerTest, BytesThatAreNotThoseOfTheChecksumAreRefused) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/1/variant.json", Lineage(Sha256Hex(TinyModel(1))));
  WriteModel("a/2/xgboost.json", 2);
  folder_.Write("a/2/variant.json", Lineage(Sha256Hex(TinyModel(3))));
  WriteModel("a/3/xgboost.json", 3);
  folder_.Write("a/3/xgboost.json.sha256", Sha256Hex(TinyModel(4)) + "  xgboost.json\n");
  manager_->Poll();
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/2 failed", "a/3 failed"));
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(State("a", 2), HasSubstr("xgboost.json has SHA-256 " + Sha256Hex(TinyModel(2)) +
                                       ", but variant.json says \"" + Sha256Hex(TinyModel(3)) + "\""));
  EXPECT_THAT(State("a", 3), HasSubstr("but xgboost.json.sha256 says"));
  // The file that the checksum is of arrives.
  WriteModel("a/2/xgboost.json", 3);
  WriteModel("a/3/xgboost.json", 4);
  manager_->Poll();
  EXPECT_EQ(Answer("2"), 3);
  EXPECT_EQ(Answer("3"), 4);
}

TEST_F(ModelManagerTest, AVersionKeepsServingWhileItsNextBytesDoNotMatch) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/1/variant.json", Lineage(Sha256Hex(TinyModel(1))));
  manager_->Poll();
  WriteModel("a/1/xgboost.json", 2);
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(State("a", 1), HasSubstr("READY: serving the file before the present one, which was refused"));
  folder_.Write("a/1/variant.json", Lineage(Sha256Hex(TinyModel(2))));
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
}

TEST_F(ModelManagerTest, AChecksumThatChangesIsComparedAgain) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  folder_.Write("a/1/xgboost.json.sha256", "");
  manager_->Poll();
  EXPECT_THAT(State("a", 1), HasSubstr("xgboost.json.sha256 says \"\""));
  EXPECT_EQ(Answer(), 1);
  folder_.Write("a/1/xgboost.json.sha256", Sha256Hex(TinyModel(1)));
  manager_->Poll();
  EXPECT_EQ(State("a", 1), "READY");
}

// As a network file system may show them: another clock, and times older than the bytes.
TEST_F(ModelManagerTest, BytesThatChangeUnderOneStampAreFound) {
  const std::string path = folder_.path() + "/a/1/xgboost.json";
  const auto hour_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  WriteModel("a/1/xgboost.json", 1);
  std::filesystem::last_write_time(path, hour_ago);
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  WriteModel("a/1/xgboost.json", 2);
  std::filesystem::last_write_time(path, hour_ago);
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
}

// --- config.pbtxt

TEST_F(ModelManagerTest, AChangedConfigReloadsTheModel) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  EXPECT_EQ((*Find("a")->Default())->signature.input, "input__0");
  folder_.Write("a/config.pbtxt", "input [ { name: \"x\" data_type: TYPE_FP32 dims: [ -1, 2 ] } ]");
  manager_->Poll();
  EXPECT_EQ((*Find("a")->Default())->signature.input, "x");
  folder_.Remove("a/config.pbtxt");
  manager_->Poll();
  EXPECT_EQ((*Find("a")->Default())->signature.input, "input__0");
}

TEST_F(ModelManagerTest, ABadConfigIsRefusedOnceAndChangesNothing) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/config.pbtxt", "max_batch_size: 8");
  manager_->Poll();
  folder_.Write("a/config.pbtxt", "max_batch_size: eight");
  WriteModel("a/2/xgboost.json", 2);
  for (int i = 0; i < 4; ++i) manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ((*Find("a")->Default())->signature.max_batch_size, 8);
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_THAT(message(), HasSubstr("config.pbtxt:1:17:"));
  EXPECT_THAT(log_.With("model_config_refused model=a"), SizeIs(1));
  EXPECT_TRUE(absl::IsInvalidArgument(manager_->Load("a", std::nullopt)));
  folder_.Write("a/config.pbtxt", "max_batch_size: 8");
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
  // Version 1 was in force all the time and was not loaded again.
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/2 ok"));
}

TEST_F(ModelManagerTest, AConfigThatContradictsTheModelRefusesTheVersion) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/config.pbtxt", "input [ { name: \"x\" data_type: TYPE_FP32 dims: [ 3 ] } ]");
  manager_->Poll();
  EXPECT_EQ(Answer(), -1);
  EXPECT_TRUE(absl::IsUnavailable(status_));
  EXPECT_THAT(message(), HasSubstr("dims [3]"));
}

TEST_F(ModelManagerTest, KeysWithoutEffectAreLoggedOnce) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/config.pbtxt", "instance_group [ { kind: KIND_CPU } ] optimization { }");
  manager_->Poll();
  manager_->Poll();
  EXPECT_THAT(log_.With("model_config_keys_without_effect model=a keys=\"instance_group optimization\""),
              SizeIs(1));
}

TEST_F(ModelManagerTest, WarmsUpAsConfigured) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write(
      "a/config.pbtxt",
      "max_batch_size: 8 model_warmup [ { name: \"w\" batch_size: 8 count: 2 inputs { key: \"input__0\" "
      "value: { data_type: TYPE_FP32 dims: [ 2 ] random_data: true } } } ]");
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
}

// --- version_policy

TEST_F(ModelManagerTest, LatestSwapsAndKeepsTheOldOneForABadNewOne) {
  folder_.Write("a/config.pbtxt", "version_policy { latest { num_versions: 1 } }");
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  EXPECT_THAT(loads_, ElementsAre("a/2 ok"));
  EXPECT_EQ(State("a", 1), "UNAVAILABLE: version_policy does not want it");
  folder_.Write("a/3/xgboost.json", "garbage");
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
  WriteModel("a/3/xgboost.json", 3);
  manager_->Poll();
  EXPECT_EQ(Answer(), 3);
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_THAT(log_.With("model_version_unloaded model=a version=2 reason=version_policy"), SizeIs(1));
}

TEST_F(ModelManagerTest, SpecificLoadsWhatItNames) {
  folder_.Write("a/config.pbtxt", "version_policy { specific { versions: [ 1, 3 ] } }");
  for (const int version : {1, 2, 3}) WriteModel(absl::StrCat("a/", version, "/xgboost.json"), version);
  manager_->Poll();
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/3 ok"));
  folder_.Write("a/config.pbtxt", "version_policy { specific { versions: [ 2 ] } }");
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
  EXPECT_EQ(Answer("3"), -1);
}

// --- load and unload by request

TEST_F(ModelManagerTest, AnUnloadHoldsUntilALoad) {
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  ASSERT_TRUE(manager_->Unload("a", 2).ok());
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_TRUE(absl::IsUnavailable(status_));
  EXPECT_EQ(State("a", 2), "UNAVAILABLE: unloaded");
  ASSERT_TRUE(manager_->Load("a", 2).ok());
  EXPECT_EQ(Answer(), 2);
}

TEST_F(ModelManagerTest, AnUnloadHoldsUntilAChangedFile) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  ASSERT_TRUE(manager_->Unload("a", 1).ok());
  folder_.Remove("a/1/xgboost.json");
  WriteModel("a/1/xgboost.json", 12);
  manager_->Poll();
  EXPECT_EQ(Answer("1"), 12);
}

TEST_F(ModelManagerTest, AnUnloadHoldsUntilARestart) {
  WriteModel("a/1/xgboost.json", 1);
  manager_->Poll();
  ASSERT_TRUE(manager_->Unload("a", 1).ok());
  Restart();
  manager_->Poll();
  EXPECT_EQ(Answer("1"), 1);
}

TEST_F(ModelManagerTest, AWholeModelIsUnloadedAndLoaded) {
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  ASSERT_TRUE(manager_->Unload("a", std::nullopt).ok());
  manager_->Poll();
  EXPECT_EQ(Answer(), -1);
  EXPECT_TRUE(absl::IsUnavailable(status_));
  // A version that comes later is a changed file.
  WriteModel("a/3/xgboost.json", 3);
  manager_->Poll();
  EXPECT_EQ(Answer(), 3);
  EXPECT_EQ(Answer("2"), -1);
  ASSERT_TRUE(manager_->Load("a", std::nullopt).ok());
  EXPECT_EQ(Answer("1"), 1);
  EXPECT_EQ(Answer("2"), 2);
}

TEST_F(ModelManagerTest, LoadDoesNotWaitForAPoll) {
  WriteModel("a/1/xgboost.json", 1);
  ASSERT_TRUE(manager_->Load("a", 1).ok());
  EXPECT_EQ(Answer("1"), 1);
}

TEST_F(ModelManagerTest, LoadGivesTheErrorThatRefused) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/2/xgboost.json", "garbage");
  manager_->Poll();
  EXPECT_TRUE(absl::IsNotFound(manager_->Load("b", std::nullopt)));
  const absl::Status unknown = manager_->Load("a", 3);
  EXPECT_TRUE(absl::IsNotFound(unknown));
  EXPECT_THAT(std::string(Message(unknown)), HasSubstr("model \"a\" has no version 3; it has 1, 2"));
  for (const auto& version : {std::optional<int64_t>(2), std::optional<int64_t>()}) {
    const absl::Status refused = manager_->Load("a", version);
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_THAT(std::string(Message(refused)), HasSubstr("version 2 of model \"a\": xgboost.json"));
  }
  // Tried again, but said once.
  EXPECT_THAT(loads_, ElementsAre("a/1 ok", "a/2 failed", "a/2 failed", "a/2 failed"));
  EXPECT_THAT(log_.With("model_version_refused"), SizeIs(1));
  EXPECT_TRUE(manager_->Load("a", 1).ok());
  EXPECT_TRUE(absl::IsNotFound(manager_->Unload("b", std::nullopt)));
  EXPECT_TRUE(absl::IsNotFound(manager_->Unload("a", 3)));
  EXPECT_TRUE(absl::IsInvalidArgument(manager_->Load("../a", std::nullopt)));
}

TEST_F(ModelManagerTest, AVersionOutsideThePolicyIsLoadedByRequest) {
  folder_.Write("a/config.pbtxt", "version_policy { latest { num_versions: 1 } }");
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  ASSERT_TRUE(manager_->Load("a", 1).ok());
  manager_->Poll();
  EXPECT_EQ(Answer("1"), 1);
  EXPECT_EQ(Answer(), 2);
  ASSERT_TRUE(manager_->Unload("a", 1).ok());
  EXPECT_EQ(Answer("1"), -1);
  // What the policy wants by itself is not pinned by a load: the next version replaces it.
  ASSERT_TRUE(manager_->Load("a", 2).ok());
  WriteModel("a/3/xgboost.json", 3);
  manager_->Poll();
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_EQ(Answer(), 3);
}

// --- labels

TEST_F(ModelManagerTest, LabelsAreReadAndFollowed) {
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  folder_.Write("a/labels.json", "{\"champion\": 1, \"candidate\": 2}");
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Answer("candidate"), 2);
  folder_.Write("a/labels.json", "{\"champion\": 2, \"candidate\": 2}");
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
  folder_.Remove("a/labels.json");
  manager_->Poll();
  EXPECT_EQ(Answer("candidate"), -1);
  EXPECT_TRUE(absl::IsNotFound(status_));
}

TEST_F(ModelManagerTest, ABadLabelFileIsRefusedOnceAndChangesNothing) {
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  folder_.Write("a/labels.json", "{\"champion\": 1}");
  manager_->Poll();
  folder_.Write("a/labels.json", "{\"champion\": }");
  for (int i = 0; i < 3; ++i) manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(log_.With("model_labels_refused model=a"), SizeIs(1));
}

TEST_F(ModelManagerTest, SetLabelWritesAndPublishes) {
  WriteModel("a/1/xgboost.json", 1);
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  ASSERT_TRUE(manager_->SetLabel("a", "champion", 1).ok());
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(folder_.Read("a/labels.json"), HasSubstr("\"champion\": 1"));
  ASSERT_TRUE(manager_->SetLabel("a", "champion", 2).ok());
  EXPECT_EQ(Answer(), 2);
  ASSERT_TRUE(manager_->SetLabel("a", "champion", 0).ok());
  EXPECT_EQ(Answer("champion"), -1);
  EXPECT_TRUE(absl::IsNotFound(manager_->SetLabel("a", "champion", 3)));
  EXPECT_TRUE(absl::IsNotFound(manager_->SetLabel("b", "champion", 1)));
  EXPECT_TRUE(absl::IsInvalidArgument(manager_->SetLabel("a", "1", 1)));
}

TEST_F(ModelManagerTest, ALabelStaysOnTheServingVersionUntilItsNewOneIsReady) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/labels.json", "{\"champion\": 1}");
  manager_->Poll();
  folder_.Write("a/2/xgboost.json", "garbage");
  folder_.Write("a/labels.json", "{\"champion\": 2}");
  manager_->Poll();
  manager_->Poll();
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(log_.With("model_label_waits model=a label=champion for_version=2 on_version=1"), SizeIs(1));
  WriteModel("a/2/xgboost.json", 2);
  manager_->Poll();
  EXPECT_EQ(Answer(), 2);
}

TEST_F(ModelManagerTest, AChampionThatNeverWasReadyIsUnavailable) {
  WriteModel("a/1/xgboost.json", 1);
  folder_.Write("a/2/xgboost.json", "garbage");
  folder_.Write("a/labels.json", "{\"champion\": 2}");
  manager_->Poll();
  EXPECT_EQ(Answer(), -1);
  EXPECT_TRUE(absl::IsUnavailable(status_));
  EXPECT_EQ(Answer("1"), 1);
}

// --- index

TEST_F(ModelManagerTest, IndexIsSortedByNameAndVersion) {
  WriteModel("b/1/xgboost.json", 1);
  WriteModel("a/10/xgboost.json", 1);
  WriteModel("a/9/xgboost.json", 1);
  manager_->Poll();
  std::vector<std::tuple<std::string, int64_t, std::string>> entries;
  for (const IndexEntry& entry : manager_->Index())
    entries.emplace_back(entry.name, entry.version, entry.state);
  EXPECT_THAT(entries, ElementsAre(std::tuple("a", 9, "READY"), std::tuple("a", 10, "READY"),
                                   std::tuple("b", 1, "READY")));
}

TEST_F(ModelManagerTest, WhatIsBeingLoadedIsKnown) {
  WriteModel("a/1/xgboost.json", 1);
  std::string state;
  std::vector<std::string> codes;
  manager_->catalog().OnPublish([&] {
    const std::shared_ptr<const ModelCatalog> catalog = manager_->catalog().Get();
    const CatalogModel* model = catalog->Find("a");
    state += State("a", 1) + ";";
    if (model != nullptr) codes.push_back(std::string(Message(model->Resolve("").status())));
  });
  manager_->Poll();
  EXPECT_EQ(state, "LOADING;READY;");
  ASSERT_THAT(codes, SizeIs(2));
  EXPECT_THAT(codes[0], HasSubstr("loading"));
  EXPECT_EQ(codes[1], "");
}

}  // namespace
}  // namespace espalier
