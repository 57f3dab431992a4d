// Any text as a config.pbtxt: refused by a message, or settings that are read back from their own text.
//
//   cmake --preset fuzz && cmake --build --preset fuzz --target model_config_fuzz
//   build/fuzz/tests/fuzz/model_config_fuzz -dict=tests/fuzz/model_config.dict -max_total_time=60 NEW \
//     tests/fuzz/corpus/model_config
#include <google/protobuf/text_format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "models/base/strings.h"
#include "models/config/model_settings.h"
#include "models/config/model_signature.h"

namespace espalier {
namespace {

void Check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

void CheckRefusal(const absl::Status& status) {
  Check(absl::IsInvalidArgument(status), "the code");
  Check(Message(status).find("config.pbtxt") != std::string_view::npos, "the message names the file");
}

absl::StatusOr<ModelSettings> ReadBack(const inference::ModelConfig& config) {
  std::string text;
  Check(google::protobuf::TextFormat::PrintToString(config, &text), "a config has a text");
  return ReadModelSettings("m", text);
}

// Completing what was completed changes nothing.
void CheckCompletion(const ModelSettings& settings, const ModelFacts& facts) {
  const absl::StatusOr<CompletedConfig> completed = CompleteConfig(settings, facts);
  if (!completed.ok()) return CheckRefusal(completed.status());
  const absl::StatusOr<ModelSettings> again = ReadBack(completed->config);
  Check(again.ok(), "a completed config is read");
  const absl::StatusOr<CompletedConfig> twice = CompleteConfig(*again, facts);
  Check(twice.ok(), "a completed config is completed");
  Check(twice->signature.keep_last_dimension == completed->signature.keep_last_dimension &&
            twice->signature.predict_proba == completed->signature.predict_proba &&
            twice->config.output(0).ShortDebugString() == completed->config.output(0).ShortDebugString() &&
            twice->config.input(0).ShortDebugString() == completed->config.input(0).ShortDebugString(),
        "completion is idempotent");
}

}  // namespace
}  // namespace espalier

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace espalier;
  const absl::StatusOr<ModelSettings> settings =
      ReadModelSettings("m", std::string_view(reinterpret_cast<const char*>(data), size));
  if (!settings.ok()) {
    CheckRefusal(settings.status());
    return 0;
  }
  Check(ReadBack(settings->config).ok(), "settings are read back");
  CheckCompletion(*settings, {.format = "xgboost_ubj", .objective = "binary:logistic", .num_features = 2});
  CheckCompletion(
      *settings,
      {.format = "xgboost_json", .objective = "multi:softprob", .num_features = 2, .value_width = 3});
  return 0;
}
