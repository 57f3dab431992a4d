#include "models/config/model_signature.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ModelFacts kBinary{.format = "xgboost_ubj", .objective = "binary:logistic", .num_features = 6};
const ModelFacts kRegression{.format = "xgboost_json", .objective = "reg:squarederror", .num_features = 6};
const ModelFacts kSoftprob{
    .format = "xgboost_json", .objective = "multi:softprob", .num_features = 6, .value_width = 3};
const ModelFacts kLightGbm{.format = "lightgbm_text", .objective = "binary", .num_features = 6};
const ModelFacts kTwoClasses{
    .format = "sklearn_json", .objective = "logistic", .num_features = 6, .value_width = 2};
const ModelFacts kSoftmax{.format = "xgboost_json", .objective = "multi:softmax", .num_features = 6};

absl::StatusOr<CompletedConfig> Complete(const std::string& text, const ModelFacts& facts) {
  auto settings = ReadModelSettings("a", text);
  EXPECT_TRUE(settings.ok()) << settings.status();
  return settings.ok() ? CompleteConfig(*settings, facts) : settings.status();
}

std::string ErrorOf(const std::string& text, const ModelFacts& facts) {
  const auto completed = Complete(text, facts);
  EXPECT_TRUE(absl::IsInvalidArgument(completed.status())) << text << " gave " << completed.status();
  return std::string(Message(completed.status()));
}

std::string Tensors(const std::string& input_dims, const std::string& output_dims) {
  return "input [ { name: \"x\" data_type: TYPE_FP32 dims: [ " + input_dims +
         " ] } ] output [ { name: \"y\" data_type: TYPE_FP32 dims: [ " + output_dims + " ] } ] ";
}

std::string Parameter(const std::string& key, const std::string& value) {
  return "parameters [ { key: \"" + key + "\" value: { string_value: \"" + value + "\" } } ] ";
}

TEST(ModelSignatureTest, OnlyAProbabilityIsDividedByTheThreshold) {
  for (const char* objective : {"binary:logitraw", "binary:hinge", "reg:squarederror", "count:poisson"}) {
    const ModelFacts facts{.format = "xgboost_ubj", .objective = objective, .num_features = 6};
    EXPECT_FALSE(CompleteConfig(DefaultModelSettings("a"), facts)->signature.is_probability) << objective;
  }
}

TEST(ModelSignatureTest, AProbabilityOfFloat64IsDividedByTheForestUnlessAThresholdIsSet) {
  EXPECT_FALSE(Complete(Parameter("output_class", "true"), kLightGbm)->signature.is_probability);
  const std::string threshold =
      "parameters [ { key: \"threshold\" value: { string_value: \"0.3\" } }, "
      "{ key: \"output_class\" value: { string_value: \"true\" } } ] ";
  EXPECT_TRUE(Complete(threshold, kLightGbm)->signature.is_probability);
  EXPECT_TRUE(Complete(Parameter("predict_proba", "true"), kLightGbm)->signature.predict_proba);
  // Two columns are there already.
  const auto two = Complete(Parameter("predict_proba", "true"), kTwoClasses);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_FALSE(two->signature.predict_proba);
}

TEST(ModelSignatureTest, WithoutAConfigEverythingComesFromTheModel) {
  const auto completed = CompleteConfig(DefaultModelSettings("a"), kBinary);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->signature.input, "input__0");
  EXPECT_EQ(completed->signature.output, "output__0");
  EXPECT_EQ(completed->signature.output_kind, OutputKind::kValue);
  EXPECT_FALSE(completed->signature.keep_last_dimension);
  EXPECT_FALSE(completed->signature.predict_proba);
  EXPECT_TRUE(completed->signature.is_probability);
  EXPECT_EQ(completed->config.name(), "a");
  EXPECT_EQ(completed->config.backend(), "espalier");
  EXPECT_EQ(completed->config.platform(), "espalier");
  EXPECT_TRUE(completed->config.version_policy().has_all());
  EXPECT_THAT(completed->config.input(0).dims(), ElementsAre(-1, 6));
  EXPECT_EQ(completed->config.input(0).data_type(), inference::TYPE_FP32);
  EXPECT_THAT(completed->config.output(0).dims(), ElementsAre(-1));
  EXPECT_THAT(CompleteConfig(DefaultModelSettings("a"), kSoftprob)->config.output(0).dims(),
              ElementsAre(-1, 3));
}

TEST(ModelSignatureTest, WithABatchSizeDimsLeaveTheBatchOut) {
  const auto completed = Complete("max_batch_size: 8 " + Tensors("6", "1"), kBinary);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->signature.input, "x");
  EXPECT_EQ(completed->signature.output, "y");
  EXPECT_EQ(completed->signature.max_batch_size, 8);
  EXPECT_TRUE(completed->signature.keep_last_dimension);
  EXPECT_THAT(completed->config.input(0).dims(), ElementsAre(6));
  EXPECT_THAT(completed->config.output(0).dims(), ElementsAre(1));
  EXPECT_THAT(Complete("max_batch_size: 8", kBinary)->config.output(0).dims(), IsEmpty());
  EXPECT_THAT(Complete("max_batch_size: 8 " + Tensors("-1", "-1"), kSoftprob)->config.output(0).dims(),
              ElementsAre(3));
}

TEST(ModelSignatureTest, DimsOfABatchlessConfig) {
  EXPECT_FALSE(Complete(Tensors("-1, 6", "-1"), kBinary)->signature.keep_last_dimension);
  EXPECT_TRUE(Complete(Tensors("-1, -1", "-1, 1"), kBinary)->signature.keep_last_dimension);
  EXPECT_TRUE(Complete(Tensors("6", "1"), kBinary)->signature.keep_last_dimension);
  EXPECT_THAT(Complete(Tensors("6", "1"), kBinary)->config.output(0).dims(), ElementsAre(-1, 1));
  EXPECT_FALSE(Complete(Tensors("-1, 6", "-1, 3"), kSoftprob)->signature.keep_last_dimension);
}

TEST(ModelSignatureTest, RefusesDimsThatDoNotFit) {
  EXPECT_THAT(ErrorOf(Tensors("-1, 5", "-1"), kBinary), HasSubstr("input \"x\": dims [-1, 5]"));
  EXPECT_THAT(ErrorOf(Tensors("-1, 5", "-1"), kBinary), HasSubstr("[-1, 6]"));
  EXPECT_THAT(ErrorOf(Tensors("3, 6", "-1"), kBinary), HasSubstr("input \"x\""));
  EXPECT_THAT(ErrorOf("max_batch_size: 8 " + Tensors("-1, 6", "1"), kBinary), HasSubstr("expected are [6]"));
  EXPECT_THAT(ErrorOf("max_batch_size: 8 " + Tensors("6", "2"), kBinary),
              HasSubstr("output \"y\": dims [2]"));
  EXPECT_THAT(ErrorOf(Tensors("-1, 6", "-1"), kSoftprob), HasSubstr("[-1, 3]"));
  EXPECT_THAT(ErrorOf(Tensors("-1, 6", "-1, 3, 1"), kSoftprob), HasSubstr("output \"y\""));
}

TEST(ModelSignatureTest, Classes) {
  auto completed = Complete(Parameter("output_class", "true") + Parameter("threshold", "0.25"), kBinary);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->signature.output_kind, OutputKind::kClass);
  EXPECT_EQ(completed->signature.threshold, 0.25f);
  completed =
      Complete("max_batch_size: 8 " + Tensors("6", "1") + Parameter("is_classifier", "TRUE"), kSoftprob);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_EQ(completed->signature.output_kind, OutputKind::kClass);
  EXPECT_TRUE(completed->signature.keep_last_dimension);
  EXPECT_EQ(completed->signature.threshold, 0.5f);
}

TEST(ModelSignatureTest, Probabilities) {
  const std::string proba = Parameter("output_class", "true") + Parameter("predict_proba", "true");
  auto completed = Complete(proba, kBinary);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_TRUE(completed->signature.predict_proba);
  EXPECT_EQ(completed->signature.output_kind, OutputKind::kValue);
  EXPECT_THAT(completed->config.output(0).dims(), ElementsAre(-1, 2));
  // One column asks for the probability of class 1 alone.
  completed = Complete("max_batch_size: 8 " + Tensors("6", "1") + proba, kBinary);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_FALSE(completed->signature.predict_proba);
  EXPECT_TRUE(completed->signature.keep_last_dimension);
  completed = Complete(proba, kSoftprob);
  ASSERT_TRUE(completed.ok()) << completed.status();
  EXPECT_FALSE(completed->signature.predict_proba);
  EXPECT_THAT(completed->config.output(0).dims(), ElementsAre(-1, 3));
}

TEST(ModelSignatureTest, RefusesWhatTheModelCannotGive) {
  EXPECT_THAT(ErrorOf(Parameter("output_class", "true"), kRegression), HasSubstr("output_class"));
  EXPECT_THAT(ErrorOf(Parameter("output_class", "true"), kRegression), HasSubstr("reg:squarederror"));
  EXPECT_THAT(ErrorOf(Parameter("predict_proba", "true"), kSoftmax), HasSubstr("predict_proba"));
  EXPECT_THAT(ErrorOf(Parameter("output_class", "true") + Parameter("threshold", "0.3"), kSoftmax),
              HasSubstr("threshold"));
  EXPECT_THAT(ErrorOf(Parameter("model_type", "xgboost_json"), kBinary), HasSubstr("xgboost_ubj"));
  EXPECT_TRUE(Complete(Parameter("model_type", "xgboost"), kBinary).ok());
  EXPECT_THAT(ErrorOf(Parameter("model_type", "lightgbm"), kBinary), HasSubstr("xgboost_ubj"));
  EXPECT_TRUE(Complete(Parameter("model_type", "lightgbm"), kLightGbm).ok());
  EXPECT_THAT(ErrorOf(Parameter("model_type", "xgboost"), kLightGbm), HasSubstr("lightgbm_text"));
  // Without output_class a threshold has nothing to decide.
  EXPECT_TRUE(Complete(Parameter("threshold", "0.3"), kRegression).ok());
}

TEST(ModelSignatureTest, Warmups) {
  const auto warmup = [](const std::string& name, const std::string& dims, const std::string& data,
                         const std::string& more = "batch_size: 4") {
    return "model_warmup [ { name: \"w\" " + more + " inputs { key: \"" + name +
           "\" value: { data_type: TYPE_FP32 dims: [ " + dims + " ] " + data + " } } } ] max_batch_size: 8";
  };
  EXPECT_TRUE(Complete(warmup("input__0", "6", "zero_data: true"), kBinary).ok());
  EXPECT_TRUE(Complete(warmup("input__0", "6", "random_data: true", "batch_size: 8 count: 3"), kBinary).ok());
  EXPECT_THAT(ErrorOf(warmup("input__1", "6", "zero_data: true"), kBinary), HasSubstr("input__1"));
  EXPECT_THAT(ErrorOf(warmup("input__0", "5", "zero_data: true"), kBinary), HasSubstr("dims [5]"));
  EXPECT_THAT(ErrorOf(warmup("input__0", "6", "input_data_file: \"f\""), kBinary),
              HasSubstr("input_data_file"));
  EXPECT_THAT(ErrorOf(warmup("input__0", "6", ""), kBinary), HasSubstr("zero_data or random_data"));
  EXPECT_THAT(ErrorOf(warmup("input__0", "6", "zero_data: true", "batch_size: 9"), kBinary),
              HasSubstr("batch_size 9"));
  EXPECT_THAT(ErrorOf(warmup("input__0", "6", "zero_data: true", "count: 100000"), kBinary),
              HasSubstr("count"));
  EXPECT_THAT(ErrorOf("model_warmup [ { name: \"w\" batch_size: 1 } ]", kBinary), HasSubstr("inputs"));
  EXPECT_THAT(
      ErrorOf("model_warmup [ { batch_size: 4000000000 inputs { key: \"input__0\" value: { data_type: "
              "TYPE_FP32 dims: [ 6 ] zero_data: true } } } ]",
              kBinary),
      HasSubstr("elements"));
}

}  // namespace
}  // namespace espalier
