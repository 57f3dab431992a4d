#include "espalier/watch.h"

#include <malloc.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "espalier/watch.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/mutex.h"
#include "models/base/sha256.h"
#include "models/base/strings.h"
#include "tests/models/forest/c_api/loaded_forest.h"
#include "tests/models/repository/repository_folder.h"

// Of AddressSanitizer, where it is linked.
extern "C" size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace espalier {
namespace {

using embedded::Watch;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

#ifdef ESPALIER_TSAN
constexpr int kSwaps = 40;
#else
constexpr int kSwaps = 200;
#endif

size_t AllocatedBytes() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  return mallinfo2().uordblks;
}

float PredictZeros(const espalier_forest* forest) {
  const float zeros[] = {0, 0};
  espalier_rows rows = {.struct_size = sizeof(rows), .values = zeros, .num_rows = 1, .num_columns = 2};
  float answer = -1;
  EXPECT_EQ(espalier_forest_predict(forest, &rows, nullptr, &answer, 1), ESPALIER_OK)
      << espalier_forest_error();
  return answer;
}

espalier_forest_info Describe(const espalier_forest* forest) {
  espalier_forest_info info = {.struct_size = sizeof(info)};
  EXPECT_EQ(espalier_forest_describe(forest, &info), ESPALIER_OK);
  return info;
}

class WatchCTest : public ::testing::Test {
 protected:
  ~WatchCTest() override { espalier_watch_close(watch_); }

  void Open(uint32_t latest = 0) {
    espalier_watch_options options = {.struct_size = sizeof(options)};
    options.latest = latest;
    options.manual = 1;
    options.on_event = [](void* self, const espalier_watch_event* event) {
      static_cast<WatchCTest*>(self)->Note(*event);
    };
    options.context = this;
    ASSERT_EQ(espalier_watch_open(folder_.path().c_str(), &options, &watch_), ESPALIER_OK)
        << espalier_forest_error();
  }

  void Note(const espalier_watch_event& event) {
    const char* const kinds[] = {"", "loaded", "unloaded", "refused", "label", "warning"};
    events_.push_back(StrCat(kinds[event.kind], " ", event.model, " ", event.version, " ", event.text));
  }

  std::vector<std::string> Poll() {
    events_.clear();
    EXPECT_EQ(espalier_watch_poll(watch_), ESPALIER_OK);
    return events_;
  }

  LoadedForest Get(const char* version = nullptr, const char* model = "a") {
    espalier_forest* forest = nullptr;
    status_ = espalier_watch_get(watch_, model, version, &forest);
    return LoadedForest(forest);
  }

  // What a version answers; or -1, with the code in status_.
  float Answer(const char* version = nullptr, const char* model = "a") {
    const LoadedForest forest = Get(version, model);
    return forest == nullptr ? -1 : PredictZeros(forest.get());
  }

  static std::string Loaded(int version, float value) {
    return StrCat("loaded a ", version, " ", Sha256Hex(TinyModel(value)));
  }

  RepositoryFolder folder_;
  espalier_watch* watch_ = nullptr;
  std::vector<std::string> events_;
  espalier_status status_ = ESPALIER_OK;
};

TEST_F(WatchCTest, LoadsWhatIsThereAndFollows) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  Open();
  EXPECT_THAT(events_, ElementsAre(Loaded(1, 1)));
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(Poll(), IsEmpty());
  folder_.Write("a/2/xgboost.json", TinyModel(2));
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(Poll(), ElementsAre(Loaded(2, 2)));
  EXPECT_EQ(Answer(), 2);
  EXPECT_EQ(Answer("1"), 1);
  folder_.Remove("a/1");
  EXPECT_THAT(Poll(), ElementsAre("unloaded a 1 "));
  EXPECT_EQ(Answer("1"), -1);
  EXPECT_EQ(status_, ESPALIER_NOT_FOUND);
}

TEST_F(WatchCTest, AHandleKeepsItsVersion) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  Open();
  const LoadedForest forest = Get();
  EXPECT_EQ(Describe(forest.get()).model_version, 1);
  EXPECT_EQ(Describe(forest.get()).sha256, Sha256Hex(TinyModel(1)));
  folder_.Write("a/1/xgboost.json", TinyModel(5));
  Poll();
  EXPECT_EQ(Answer(), 5);
  EXPECT_EQ(PredictZeros(forest.get()), 1);
  espalier_watch_close(std::exchange(watch_, nullptr));
  EXPECT_EQ(PredictZeros(forest.get()), 1);
  EXPECT_EQ(Describe(forest.get()).sha256, Sha256Hex(TinyModel(1)));
}

TEST_F(WatchCTest, LabelsAreFollowed) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  folder_.Write("a/2/xgboost.json", TinyModel(2));
  folder_.Write("a/labels.json", R"({"champion": 1, "next": 2})");
  Open();
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Answer("next"), 2);
  folder_.Write("a/labels.json", R"({"champion": 2})");
  EXPECT_THAT(Poll(), ElementsAre("label a 2 champion", "label a 0 next"));
  EXPECT_EQ(Answer(), 2);
  EXPECT_EQ(Answer("next"), -1);
  EXPECT_EQ(status_, ESPALIER_NOT_FOUND);
}

TEST_F(WatchCTest, AHalfWrittenFileIsRefusedUntilItIsWhole) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  Open();
  const std::string text = TinyModel(2);
  folder_.Write("a/2/xgboost.json", text.substr(0, text.size() / 2));
  EXPECT_THAT(Poll(), ElementsAre(HasSubstr("refused a 2 xgboost.json: ")));
  EXPECT_EQ(Answer(), 1);
  EXPECT_EQ(Answer("2"), -1);
  EXPECT_EQ(status_, ESPALIER_UNAVAILABLE);
  EXPECT_THAT(espalier_forest_error(), HasSubstr("version 2 of model \"a\" is not ready: xgboost.json"));
  folder_.Write("a/2/xgboost.json", text);
  EXPECT_THAT(Poll(), ElementsAre(Loaded(2, 2)));
}

TEST_F(WatchCTest, BytesThatAreNotThoseOfTheChecksumAreRefused) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  folder_.Write("a/1/variant.json", StrCat(R"({"sha256": ")", Sha256Hex(TinyModel(1)), "\"}"));
  Open();
  // As while one file is renamed and the other is not yet.
  folder_.Write("a/1/xgboost.json", TinyModel(2));
  EXPECT_THAT(Poll(), ElementsAre(HasSubstr("but variant.json says")));
  EXPECT_EQ(Answer(), 1);
  EXPECT_THAT(Poll(), IsEmpty());
  folder_.Write("a/1/variant.json", StrCat(R"({"sha256": ")", Sha256Hex(TinyModel(2)), "\"}"));
  EXPECT_THAT(Poll(), ElementsAre(Loaded(1, 2)));
  EXPECT_EQ(Answer(), 2);
}

TEST_F(WatchCTest, VersionsAreRenamedIntoPlace) {
  folder_.Write("a/.2.tmp/xgboost.json", TinyModel(2));
  Open();
  EXPECT_EQ(Answer(), -1);
  std::filesystem::rename(folder_.path() + "/a/.2.tmp", folder_.path() + "/a/2");
  EXPECT_THAT(Poll(), ElementsAre(Loaded(2, 2)));
  // A file over another: another inode under the same name, and here with the same time too.
  const std::string path = folder_.path() + "/a/2/xgboost.json";
  folder_.Write("a/2/new", TinyModel(3));
  std::filesystem::last_write_time(folder_.path() + "/a/2/new", std::filesystem::last_write_time(path));
  std::filesystem::rename(folder_.path() + "/a/2/new", path);
  EXPECT_THAT(Poll(), ElementsAre(Loaded(2, 3)));
}

TEST_F(WatchCTest, ADirectoryThatIsGoneTakesNothingAway) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  Open();
  const std::string moved = folder_.path() + ".moved";
  std::filesystem::rename(folder_.path(), moved);
  EXPECT_THAT(Poll(), ElementsAre(HasSubstr("model_repository_unreadable")));
  EXPECT_THAT(Poll(), IsEmpty());
  EXPECT_EQ(Answer(), 1);
  std::filesystem::rename(moved, folder_.path());
  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(WatchCTest, KeepsTheLatestThatCanServe) {
  for (int i = 1; i <= 3; ++i) folder_.Write(StrCat("a/", i, "/xgboost.json"), TinyModel(i));
  Open(1);
  EXPECT_THAT(events_, ElementsAre(Loaded(3, 3)));
  folder_.Write("a/4/xgboost.json", "{");
  EXPECT_THAT(Poll(), ElementsAre(HasSubstr("refused a 4")));
  EXPECT_EQ(Answer(), 3);
  folder_.Write("a/5/xgboost.json", TinyModel(5));
  EXPECT_THAT(Poll(), ElementsAre(Loaded(5, 5), "unloaded a 3 "));
}

TEST_F(WatchCTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(espalier_watch_open("/does/not/exist", nullptr, &watch_), ESPALIER_FAILED_PRECONDITION);
  EXPECT_EQ(watch_, nullptr);
  EXPECT_THAT(espalier_forest_error(), HasSubstr("\"/does/not/exist\" is no directory"));
  EXPECT_EQ(espalier_watch_open(nullptr, nullptr, &watch_), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(espalier_watch_open("/tmp", nullptr, nullptr), ESPALIER_INVALID_ARGUMENT);
  espalier_watch_options options = {};
  EXPECT_EQ(espalier_watch_open("/tmp", &options, &watch_), ESPALIER_INVALID_ARGUMENT);
  options.struct_size = sizeof(options);
  options.manual = 2;
  EXPECT_EQ(espalier_watch_open("/tmp", &options, &watch_), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(espalier_watch_poll(nullptr), ESPALIER_INVALID_ARGUMENT);
  Open();
  espalier_forest* forest = nullptr;
  EXPECT_EQ(espalier_watch_get(nullptr, "a", "", &forest), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(espalier_watch_get(watch_, nullptr, "", &forest), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(espalier_watch_get(watch_, "a", "", nullptr), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(espalier_watch_get(watch_, "a", "", &forest), ESPALIER_NOT_FOUND);
  EXPECT_THAT(espalier_forest_error(), HasSubstr("the directory has no model \"a\""));
}

// A thousand reloads hold as much memory as a hundred.
TEST_F(WatchCTest, ReloadsKeepNothing) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  Open();
  size_t before = 0;
  for (int i = 100; i < 1100; ++i) {
    folder_.Write("a/1/xgboost.json", TinyModel(static_cast<float>(i)));
    ASSERT_EQ(Poll().size(), 1u) << i;
    ASSERT_EQ(Answer(), i);
    if (i == 200) before = AllocatedBytes();
  }
  EXPECT_LT(AllocatedBytes(), before + 64 * 1024);
}

TEST_F(WatchCTest, ReadersAreRightDuringReloads) {
  folder_.Write("a/1/xgboost.json", TinyModel(1));
  Open(1);
  std::atomic<bool> stop = false;
  std::atomic<int> started = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      int64_t last = 0;
      for (bool first = true; !stop; first = false) {
        espalier_forest* forest = nullptr;
        const espalier_status status = espalier_watch_get(watch_, "a", "", &forest);
        if (status == ESPALIER_OK) {
          const int64_t version = Describe(forest).model_version;
          if (PredictZeros(forest) != static_cast<float>(version) || version < last) ++wrong;
          last = version;
        } else {
          ++wrong;
        }
        espalier_forest_free(forest);
        if (first) ++started;
      }
    });
  }
  while (started < 4) std::this_thread::yield();
  for (int version = 2; version <= kSwaps; ++version) {
    folder_.Write(StrCat("a/", version, "/xgboost.json"), TinyModel(static_cast<float>(version)));
    Poll();
    folder_.Remove(StrCat("a/", version - 1));
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(Answer(), kSwaps);
}

TEST(WatchHppTest, AThreadFollowsAndTells) {
  const RepositoryFolder folder;
  folder.Write("a/1/xgboost.json", TinyModel(1));
  Mutex mutex;
  CondVar changed;
  int64_t loaded = 0;
  embedded::WatchOptions options;
  options.poll_millis = 20;
  options.on_event = [&](const espalier_watch_event& event) {
    MutexLock lock(mutex);
    if (event.kind == ESPALIER_WATCH_LOADED) loaded = event.version;
    changed.notify_all();
  };
  auto watch = Watch::Open(folder.path(), options);
  ASSERT_TRUE(watch.ok()) << watch.status().message();
  ASSERT_TRUE(watch->Get("a").ok());
  EXPECT_EQ(watch->Get("a")->info().model_version, 1);
  folder.Write("a/2/xgboost.json", TinyModel(2));
  {
    MutexLock lock(mutex);
    lock.Wait(changed, [&] { return loaded == 2; });
  }
  EXPECT_EQ(watch->Get("a")->info().model_version, 2);
  EXPECT_EQ(watch->Get("a", "3").status().code(), ESPALIER_NOT_FOUND);
  EXPECT_TRUE(watch->Poll().ok());
  EXPECT_EQ(Watch::Open("/does/not/exist").status().code(), ESPALIER_FAILED_PRECONDITION);
}

}  // namespace
}  // namespace espalier
