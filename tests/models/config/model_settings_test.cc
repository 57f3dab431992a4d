#include "models/config/model_settings.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The error that `text` gets as the config.pbtxt of model "a".
std::string ErrorOf(std::string_view text) {
  const auto settings = ReadModelSettings("a", text);
  EXPECT_TRUE(absl::IsInvalidArgument(settings.status())) << text << " gave " << settings.status();
  return std::string(Message(settings.status()));
}

std::string Parameter(const std::string& key, const std::string& value) {
  return "parameters [{ key: \"" + key + "\" value: { string_value: \"" + value + "\" } }]\n";
}

TEST(ModelSettingsTest, ReadsAFilRepositorysFile) {
  const auto settings = ReadModelSettings("a", R"pb(
    name: "a"
    backend: "fil"
    max_batch_size: 32768 input
    [ {
      name: "input__0"
      data_type: TYPE_FP32
      dims: [ 32 ]
    }] output
    [ {
      name: "output__0"
      data_type: TYPE_FP32
      dims: [ 1 ]
    }] instance_group
    [ { kind: KIND_AUTO }] parameters
    [ {
      key: "model_type"
      value: { string_value: "xgboost_json" }
    }
      , {
        key: "output_class"
        value: { string_value: "true" }
      }
      , {
        key: "predict_proba"
        value: { string_value: "false" }
      }
      , {
        key: "threshold"
        value: { string_value: "0.3" }
      }
      , {
        key: "algo"
        value: { string_value: "ALGO_AUTO" }
      }
      , {
        key: "storage_type"
        value: { string_value: "AUTO" }
      }
      , {
        key: "threads_per_tree"
        value: { string_value: "1" }
      }
      , {
        key: "blocks_per_sm"
        value: { string_value: "0" }
      }
      , {
        key: "transfer_threshold"
        value: { string_value: "0" }
      }
      , {
        key: "use_experimental_optimizations"
        value: { string_value: "true" }
      }
      , {
        key: "xgboost_allow_unknown_field"
        value: { string_value: "true" }
      }]
    dynamic_batching { max_queue_delay_microseconds: 100 }
  )pb");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->model_type, "xgboost_json");
  EXPECT_TRUE(settings->output_class);
  EXPECT_FALSE(settings->predict_proba);
  EXPECT_EQ(settings->threshold, 0.3f);
  EXPECT_EQ(settings->config.max_batch_size(), 32768);
  EXPECT_THAT(
      settings->without_effect,
      ElementsAre("instance_group", "parameters.algo", "parameters.blocks_per_sm", "parameters.storage_type",
                  "parameters.threads_per_tree", "parameters.transfer_threshold",
                  "parameters.use_experimental_optimizations", "parameters.xgboost_allow_unknown_field"));
}

TEST(ModelSettingsTest, AnEmptyFileLeavesEverythingToTheModel) {
  const auto settings = ReadModelSettings("a", "# nothing\n");
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->config.name(), "a");
  EXPECT_THAT(settings->without_effect, IsEmpty());
  EXPECT_EQ(settings->config.SerializeAsString(), DefaultModelSettings("a").config.SerializeAsString());
}

TEST(ModelSettingsTest, QueuesOfDynamicBatchingAreWithoutEffect) {
  const auto settings = ReadModelSettings("a", R"pb(
    dynamic_batching {
      preferred_batch_size: [ 4, 8 ]
      max_queue_delay_microseconds: 100
      priority_levels: 2
      default_queue_policy { timeout_action: REJECT default_timeout_microseconds: 5 }
    }
  )pb");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->without_effect,
              ElementsAre("dynamic_batching.priority_levels", "dynamic_batching.default_queue_policy"));
}

TEST(ModelSettingsTest, AcceptsWhatConcernsOnlySpeedOrPlacement) {
  const auto settings = ReadModelSettings("a", R"pb(
    optimization { graph { level: 1 } }
    response_cache { enable: true }
    metric_tags { key: "team" value: "fraud" }
    model_transaction_policy { decoupled: false }
    version_policy { latest { num_versions: 2 } } model_warmup
    [ {
      name: "w"
      batch_size: 1
      inputs {
        key: "input__0"
        value { zero_data: true }
      }
    }]
  )pb");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->without_effect, ElementsAre("metric_tags", "optimization", "response_cache"));
}

TEST(ModelSettingsTest, SyntaxErrorsNameLineAndColumn) {
  EXPECT_THAT(ErrorOf("name: \"a\"\nmax_batch_size: many\n"), HasSubstr("config.pbtxt:2:17:"));
  EXPECT_THAT(ErrorOf("name: \"a\"\n  nonsense: 1\n"), HasSubstr("config.pbtxt:2:"));
  EXPECT_THAT(ErrorOf("name: \"a\"\n  nonsense: 1\n"), HasSubstr("nonsense"));
  EXPECT_THAT(ErrorOf("input [ { name: \"x\" "), HasSubstr("config.pbtxt:1:"));
  EXPECT_THAT(ErrorOf("name: \"a\" name: \"a\""), HasSubstr("multiple times"));
  EXPECT_THAT(ErrorOf(std::string("\0\x01\xff", 3)), HasSubstr("config.pbtxt:1:1:"));
}

TEST(ModelSettingsTest, DepthAndSizeAreBounded) {
  std::string deep;
  for (int i = 0; i < 60'000; ++i) deep += "optimization { ";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("config.pbtxt:"));
  deep.clear();
  for (int i = 0; i < 60'000; ++i) deep += "unknown { ";
  EXPECT_THAT(ErrorOf(deep), HasSubstr("config.pbtxt:"));
  EXPECT_THAT(ErrorOf(std::string(kMaxConfigBytes + 1, '\n')), HasSubstr("at most"));
}

TEST(ModelSettingsTest, StringsMustBeUtf8) {
  EXPECT_TRUE(ReadModelSettings("a", "metric_tags { key: \"\xc3\xa9\" value: \"\xf0\x9f\x8c\xb3\" }").ok());
  for (const char* text : {"\\377", "\\300\\200", "\\355\\240\\200", "\\364\\220\\200\\200", "\\342\\202"}) {
    EXPECT_THAT(ErrorOf(std::string("metric_tags { key: \"k\" value: \"") + text + "\" }"),
                HasSubstr("is not UTF-8"))
        << text;
  }
}

TEST(ModelSettingsTest, RefusesByName) {
  const std::vector<std::pair<std::string, const char*>> cases = {
      {"name: \"b\"", "name \"b\" must be that of the folder, \"a\""},
      {"backend: \"python\"", "backend \"python\" is not supported"},
      {"platform: \"ensemble\"", "platform \"ensemble\" is not supported"},
      {"max_batch_size: -1", "max_batch_size -1"},
      {"ensemble_scheduling { }", "ensemble_scheduling is not supported"},
      {"sequence_batching { }", "sequence_batching is not supported"},
      {"model_transaction_policy { decoupled: true }", "model_transaction_policy is not supported"},
      {"batch_input { }", "batch_input is not supported"},
      {"batch_output { }", "batch_output is not supported"},
      {"model_operations { }", "model_operations is not supported"},
      {"model_repository_agents { }", "model_repository_agents is not supported"},
      {"cc_model_filenames { key: \"7.5\" value: \"x\" }", "cc_model_filenames is not supported"},
      {"default_model_filename: \"../b/1/xgboost.ubj\"", "default_model_filename"},
      {"default_model_filename: \"..\"", "default_model_filename"},
      {"version_policy { specific { } }", "version_policy.specific"},
      {"version_policy { specific { versions: [ 1, 0 ] } }", "version 0"},
      {"input [ { data_type: TYPE_FP32 dims: [ 2 ] } ]", "input needs a name"},
      {"input [ { name: \"i\" data_type: TYPE_FP64 dims: [ 2 ] } ]", "TYPE_FP64"},
      {"input [ { name: \"i\" data_type: TYPE_FP32 reshape { shape: [ 2 ] } } ]", "reshape is not supported"},
      {"input [ { name: \"i\" data_type: TYPE_FP32 optional: true } ]", "optional is not supported"},
      {"input [ { name: \"i\" data_type: TYPE_FP32 allow_ragged_batch: true } ]", "allow_ragged_batch"},
      {"input [ { name: \"i\" data_type: TYPE_FP32 }, { name: \"j\" data_type: TYPE_FP32 } ]", "\"j\""},
      {"input [ { name: \"base_margin\" data_type: TYPE_FP32 } ]", "base_margin"},
      {"output [ { name: \"o\" data_type: TYPE_INT32 } ]", "TYPE_INT32"},
      {"output [ { name: \"o\" data_type: TYPE_FP32 label_filename: \"l\" } ]", "label_filename"},
      {"output [ { name: \"leaf\" data_type: TYPE_FP32 } ]", "leaf"},
      {"output [ { name: \"o\" data_type: TYPE_FP32 }, { name: \"treeshap_output\" data_type: TYPE_FP32 } ]",
       "treeshap_output"},
      {Parameter("model_type", "treelite_checkpoint"), "model_type \"treelite_checkpoint\" is not supported"},
      {Parameter("model_type", "LightGBM"), "model_type \"LightGBM\" is not supported"},
      {Parameter("output_class", "yes"), "output_class \"yes\" must be true or false"},
      {Parameter("predict_proba", ""), "predict_proba"},
      {Parameter("threshold", "nan"), "threshold \"nan\""},
      {Parameter("threshold", "0.5x"), "threshold \"0.5x\""},
      {Parameter("output_class", "true") + Parameter("is_classifier", "true"), "is_classifier"},
      {Parameter("base_score", "1"), "parameter \"base_score\" is not supported"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_THAT(ErrorOf(text), HasSubstr(expected));
    EXPECT_THAT(ErrorOf(text), HasSubstr("config.pbtxt"));
  }
}

}  // namespace
}  // namespace espalier
