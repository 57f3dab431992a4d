// Swaps while threads predict, and the thread that follows the directory.
#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/mutex.h"
#include "models/base/sha256.h"
#include "models/config/config_model_builder.h"
#include "models/repository/model_manager.h"
#include "tests/models/repository/repository_folder.h"

namespace espalier {
namespace {

#ifdef ESPALIER_TSAN
constexpr int kSwaps = 40;
#else
constexpr int kSwaps = 200;
#endif
constexpr int kReaders = 4;

std::unique_ptr<ModelManager> Manage(const RepositoryFolder& folder, int64_t poll_millis = 1000) {
  ModelManager::Options options = ServedRepository(folder.path());
  options.poll_millis = poll_millis;
  auto manager = ModelManager::Create(std::move(options));
  EXPECT_TRUE(manager.ok()) << manager.status();
  return *std::move(manager);
}

bool SameBits(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// Threads that predict with whatever version answers, until they are stopped; `right` says whether the answer
// is that of the version that gave it.
class Readers {
 public:
  using Right = std::function<bool(const LoadedModel& model, float answer)>;

  Readers(ModelManager& manager, Right right) : catalog_(manager.catalog()), right_(std::move(right)) {
    for (int i = 0; i < kReaders; ++i) threads_.emplace_back([this] { Run(); });
  }

  // Waits until every thread has predicted, so that the swaps do not outrun them.
  void WaitUntilAllPredicted() {
    MutexLock lock(mutex_);
    lock.Wait(changed_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return started_ == kReaders; });
  }

  void Join() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

  int64_t answers() const { return answers_; }
  int64_t wrong() const { return wrong_; }
  int64_t failed() const { return failed_; }

 private:
  void Run() {
    SnapshotReader<ModelCatalog> reader(catalog_);
    for (bool first = true; !stop_ || first; first = false) {
      const CatalogModel* model = reader.Pin()->Find("a");
      const ModelHandle* handle = model == nullptr ? nullptr : model->Default();
      if (handle == nullptr) {
        ++failed_;
      } else {
        ++answers_;
        if (!right_(**handle, PredictZeros(**handle))) ++wrong_;
      }
      if (!first) continue;
      MutexLock lock(mutex_);
      ++started_;
      changed_.notify_all();
    }
  }

  const Snapshot<ModelCatalog>& catalog_;
  const Right right_;
  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> answers_ = 0;
  std::atomic<int64_t> wrong_ = 0;
  std::atomic<int64_t> failed_ = 0;
  Mutex mutex_;
  CondVar changed_;
  int started_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> threads_;
};

TEST(ModelSwapTest, NewVersionsReplaceOldOnesUnderReaders) {
  LogLines log;
  RepositoryFolder folder;
  folder.Write("a/config.pbtxt", "version_policy { latest { num_versions: 1 } }");
  folder.Write("a/1/xgboost.json", TinyModel(1));
  const auto manager = Manage(folder);
  manager->Poll();
  Readers readers(*manager, [](const LoadedModel& model, float answer) {
    return SameBits(answer, static_cast<float>(model.version));
  });
  readers.WaitUntilAllPredicted();
  std::vector<std::weak_ptr<const Forest>> forests;
  for (int version = 2; version <= kSwaps + 1; ++version) {
    folder.Write("a/" + std::to_string(version) + "/xgboost.json", TinyModel(static_cast<float>(version)));
    manager->Poll();
    folder.Remove("a/" + std::to_string(version - 1));
    forests.push_back((*manager->catalog().Get()->Find("a")->Default())->forest);
  }
  readers.Join();
  EXPECT_GT(readers.answers(), 0);
  EXPECT_EQ(readers.failed(), 0);
  EXPECT_EQ(readers.wrong(), 0);
  EXPECT_EQ((*manager->catalog().Get()->Find("a")->Default())->version, kSwaps + 1);
  EXPECT_EQ(
      std::count_if(forests.begin(), forests.end(), [](const auto& forest) { return !forest.expired(); }), 1);
}

TEST(ModelSwapTest, FilesReplacedUnderOneVersionAnswerAsTheirDigestSays) {
  LogLines log;
  RepositoryFolder folder;
  std::vector<std::string> texts;
  std::map<std::string, float> expected;
  for (int i = 0; i < 8; ++i) {
    texts.push_back(TinyModel(static_cast<float>(i)));
    expected[Sha256Hex(texts.back())] = static_cast<float>(i);
  }
  folder.Write("a/1/xgboost.json", texts[0]);
  const auto manager = Manage(folder);
  manager->Poll();
  Readers readers(*manager, [&](const LoadedModel& model, float answer) {
    return SameBits(answer, expected.at(model.sha256));
  });
  readers.WaitUntilAllPredicted();
  for (int i = 1; i <= kSwaps / 2; ++i) {
    folder.Write("a/1/xgboost.json", texts[i % texts.size()]);
    manager->Poll();
    const std::string sha256 = (*manager->catalog().Get()->Find("a")->Default())->sha256;
    EXPECT_EQ(sha256, Sha256Hex(texts[i % texts.size()]));
    // Every few swaps somebody pushes garbage; nobody notices.
    if (i % 5 == 0) folder.Write("a/1/xgboost.json", "garbage");
    manager->Poll();
  }
  readers.Join();
  EXPECT_EQ(readers.failed(), 0);
  EXPECT_EQ(readers.wrong(), 0);
}

TEST(ModelSwapTest, RequestsAndPassesTakeTurns) {
  LogLines log;
  RepositoryFolder folder;
  folder.Write("a/1/xgboost.json", TinyModel(1));
  folder.Write("a/2/xgboost.json", TinyModel(2));
  const auto manager = Manage(folder);
  manager->Poll();
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int i = 0; i < 20; ++i) manager->Poll();
  });
  threads.emplace_back([&] {
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(manager->Unload("a", 2).ok());
      EXPECT_TRUE(manager->Load("a", 2).ok());
    }
  });
  threads.emplace_back([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(manager->SetLabel("a", "candidate", 1 + i % 2).ok());
  });
  threads.emplace_back([&] {
    for (int i = 0; i < 200; ++i) EXPECT_EQ(manager->Index().size(), 2u);
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(manager->catalog().Get()->Find("a")->Resolve("candidate").ok());
}

// Waits until the published catalog satisfies a condition.
class CatalogWaiter {
 public:
  explicit CatalogWaiter(ModelManager& manager) : manager_(manager) {
    manager.catalog().OnPublish([this] {
      MutexLock lock(mutex_);
      changed_.notify_all();
    });
  }

  bool WaitFor(const std::function<bool(const ModelCatalog&)>& condition) {
    MutexLock lock(mutex_);
    return lock.WaitFor(changed_, std::chrono::seconds(60),
                        [&] { return condition(*manager_.catalog().Get()); });
  }

 private:
  ModelManager& manager_;
  Mutex mutex_;
  CondVar changed_;
};

bool Serves(const ModelCatalog& catalog, const std::string& version, float value) {
  const CatalogModel* model = catalog.Find("a");
  if (model == nullptr) return false;
  const auto handle = model->Resolve(version);
  return handle.ok() && PredictZeros(***handle) == value;
}

// By inotify alone: the polls are an hour apart.
TEST(ModelSwapTest, StartFollowsTheDirectoryByItsEvents) {
  LogLines log;
  RepositoryFolder folder;
  const auto manager = Manage(folder, 3'600'000);
  CatalogWaiter waiter(*manager);
  folder.Write("a/1/xgboost.json", TinyModel(1));
  manager->Start();
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return Serves(catalog, "1", 1); }));
  folder.Write("a/1/xgboost.json", TinyModel(2));
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return Serves(catalog, "1", 2); }));
  folder.Write("a/2/xgboost.json", TinyModel(3));
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return Serves(catalog, "2", 3); }));
  folder.Write("a/labels.json", "{\"champion\": 1}");
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return Serves(catalog, "", 2); }));
  folder.Remove("a/2");
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return !Serves(catalog, "2", 3); }));
}

TEST(ModelSwapTest, StartFollowsTheDirectoryByPollingToo) {
  LogLines log;
  RepositoryFolder folder;
  RepositoryFolder elsewhere;
  elsewhere.Write("xgboost.json", TinyModel(1));
  std::filesystem::create_directories(folder.path() + "/a/1");
  // What happens behind a link to a file raises no event in the version's folder.
  std::filesystem::create_symlink(elsewhere.path() + "/xgboost.json", folder.path() + "/a/1/xgboost.json");
  const auto manager = Manage(folder, 5);
  CatalogWaiter waiter(*manager);
  manager->Start();
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return Serves(catalog, "1", 1); }));
  elsewhere.Write("xgboost.json", TinyModel(2));
  EXPECT_TRUE(waiter.WaitFor([](const ModelCatalog& catalog) { return Serves(catalog, "1", 2); }));
}

TEST(ModelSwapTest, TheManagerEndsPromptly) {
  RepositoryFolder folder;
  auto manager = Manage(folder, 3'600'000);
  manager->Start();
  manager.reset();
}

}  // namespace
}  // namespace espalier
