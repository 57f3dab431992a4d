#include "models/repository/model_follower.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/config/config_model_builder.h"
#include "proto/inference/model_config.pb.h"
#include "tests/models/repository/repository_folder.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FakeListener final : public FollowerListener {
 public:
  void OnProgress() override {}
  void OnLoad(const std::string& model, int64_t version, const absl::Status& result) override {
    loads.push_back(version);
  }
  bool Stopping() const override { return stopping; }
  void OnLog(LogLevel level, std::string_view line) override { LogByServer(level, line); }

  std::vector<int64_t> loads;
  bool stopping = false;
};

class ModelFollowerTest : public ::testing::Test {
 protected:
  ModelFollowerTest() {
    folder_.Write("a/1/xgboost.json", TinyModel(1));
    folder_.Write("a/2/xgboost.json", TinyModel(2));
  }

  ModelFolder Scan() {
    absl::StatusOr<ModelFolder> folder = ScanModel(folder_.path(), "a");
    EXPECT_TRUE(folder.ok()) << folder.status();
    return *std::move(folder);
  }

  LogLines log_;
  RepositoryFolder folder_;
  FakeClock clock_;
  FakeListener listener_;
  const ConfigModelBuilder builder_;
  ModelFollower follower_{"a", clock_, builder_, listener_};
};

TEST_F(ModelFollowerTest, AFolderThatCannotBeReadChangesNothing) {
  follower_.Follow(Scan());
  EXPECT_TRUE(follower_.TakeChanged());
  ModelFolder broken = Scan();
  broken.versions.clear();
  broken.status = absl::InternalError("cannot read folder a: Input/output error");
  follower_.Follow(broken);
  follower_.Follow(broken);
  EXPECT_FALSE(follower_.TakeChanged());
  EXPECT_THAT(follower_.Describe().ready(), SizeIs(2));
  EXPECT_THAT(log_.With("model_folder_unreadable model=a"), SizeIs(1));
  EXPECT_EQ(follower_.Load(broken, 1), broken.status);
  EXPECT_EQ(follower_.Unload(broken, 1), broken.status);
  EXPECT_THAT(follower_.Describe().ready(), SizeIs(2));
}

TEST_F(ModelFollowerTest, NothingIsLoadedOnceItIsToStop) {
  listener_.stopping = true;
  follower_.Follow(Scan());
  EXPECT_THAT(listener_.loads, IsEmpty());
  listener_.stopping = false;
  follower_.Follow(Scan());
  EXPECT_THAT(listener_.loads, ElementsAre(1, 2));
}

TEST_F(ModelFollowerTest, AFolderWithoutVersionsLeavesNothing) {
  follower_.Follow(Scan());
  EXPECT_FALSE(follower_.empty());
  folder_.Remove("a/1");
  folder_.Remove("a/2");
  follower_.Follow(Scan());
  EXPECT_TRUE(follower_.empty());
}

TEST_F(ModelFollowerTest, AFilRepositoryRunsAsItIs) {
  folder_.Remove("a/2");
  folder_.Write("a/1/xgboost.json", TinyModel(1, {.objective = "binary:logistic"}));
  folder_.Write("a/config.pbtxt", R"pb(
    backend: "fil"
    max_batch_size: 32768 input
    [ {
      name: "input__0"
      data_type: TYPE_FP32
      dims: [ 2 ]
    }] output
    [ {
      name: "output__0"
      data_type: TYPE_FP32
      dims: [ 1 ]
    }] instance_group
    [ { kind: KIND_AUTO }] parameters
    [ {
      key: "model_type"
      value: { string_value: "xgboost" }
    }
      , {
        key: "output_class"
        value: { string_value: "true" }
      }
      , {
        key: "threshold"
        value: { string_value: "0.3" }
      }]
    dynamic_batching {}
  )pb");
  follower_.Follow(Scan());
  ASSERT_THAT(follower_.Describe().ready(), SizeIs(1));
  const LoadedModel& model = *follower_.Describe().ready()[0];
  EXPECT_EQ(model.signature.output_kind, OutputKind::kClass);
  EXPECT_EQ(model.signature.threshold, 0.3f);
  EXPECT_TRUE(model.signature.keep_last_dimension);
  EXPECT_EQ(model.config->backend(), "fil");
  EXPECT_THAT(model.config->output(0).dims(), ElementsAre(1));
}

}  // namespace
}  // namespace espalier
