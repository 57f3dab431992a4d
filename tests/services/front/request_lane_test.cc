#include "services/front/request_lane.h"

#include <cmath>
#include <limits>
#include <new>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/front/wire.h"
#include "tests/testing/front_fixture.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Versions 1 and 2 ask feature "a"; version 3 has a further column "c".
class RequestLaneTest : public ::testing::Test {
 protected:
  RequestLaneTest() {
    front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f)),
                  MakeModel("m", 2, StumpEnsemble({"a", "b"}, 0, 0.5f, 2.0f, 2.5f))});
  }

  absl::Status Refusal(const inference::ModelInferRequest& request) {
    const auto response = front_.Infer(request);
    EXPECT_FALSE(response.ok());
    return response.status();
  }

  static void ExpectStatus(const absl::Status& status, absl::StatusCode code, const std::string& text) {
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(text));
  }

  void ExpectRefused(const inference::ModelInferRequest& request, absl::StatusCode code,
                     const std::string& text) {
    ExpectStatus(Refusal(request), code, text);
  }

  // Adds one column by name, shape [n].
  static void AddColumn(inference::ModelInferRequest& request, const std::string& name,
                        const std::vector<float>& values) {
    auto& input = *request.add_inputs();
    input.set_name(name);
    input.set_datatype("FP32");
    input.add_shape(static_cast<int64_t>(values.size()));
    request.add_raw_input_contents(values.data(), values.size() * sizeof(float));
  }

  Front front_;
};

// Names as a BYTES column "a", and "b" of as many zeros.
inference::ModelInferRequest NamesRequest(const std::vector<std::string>& names, bool raw) {
  inference::ModelInferRequest request;
  request.set_model_name("m");
  auto& input = *request.add_inputs();
  input.set_name("a");
  input.set_datatype("BYTES");
  input.add_shape(static_cast<int64_t>(names.size()));
  std::string bytes;
  for (const std::string& name : names) {
    const auto size = static_cast<uint32_t>(name.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(name);
    if (!raw) input.mutable_contents()->add_bytes_contents(name);
  }
  auto& other = *request.add_inputs();
  other.set_name("b");
  other.set_datatype("FP32");
  other.add_shape(static_cast<int64_t>(names.size()));
  const std::vector<float> zeros(names.size());
  if (raw) {
    request.add_raw_input_contents(bytes);
    request.add_raw_input_contents(zeros.data(), zeros.size() * sizeof(float));
  } else {
    for (const float zero : zeros) other.mutable_contents()->add_fp32_contents(zero);
  }
  return request;
}

// Of a reply to either form of request.
std::vector<float> Floats(const inference::ModelInferResponse& response) {
  if (response.raw_output_contents_size() > 0) return RawFloats(response);
  const auto& values = response.outputs(0).contents().fp32_contents();
  return {values.begin(), values.end()};
}

TEST_F(RequestLaneTest, NamesOfCategoriesAreMappedByTheModelThatAnswers) {
  Ensemble first = StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f);
  Ensemble second = StumpEnsemble({"a", "b"}, 0, 0.5f, 2.0f, 2.5f);
  first.category_names = {{"red", "green"}, {}};
  second.category_names = {{"green", "red", "blue"}, {}};
  front_.Serve({MakeModel("m", 1, std::move(first)), MakeModel("m", 2, std::move(second))});
  for (const bool raw : {true, false}) {
    inference::ModelInferRequest request = NamesRequest({"red", "green", "red"}, raw);
    request.set_model_version("1");
    EXPECT_THAT(Floats(*front_.Infer(request)), ElementsAre(1.0f, 1.5f, 1.0f));
    request.set_model_version("2");
    EXPECT_THAT(Floats(*front_.Infer(request)), ElementsAre(2.5f, 2.0f, 2.5f));
    request = NamesRequest({"red", "blue"}, raw);
    request.set_model_version("1");
    ExpectRefused(request, absl::StatusCode::kInvalidArgument,
                  "input 'a' row 1: category \"blue\" is none that the model was trained on");
    request.mutable_inputs(0)->set_shape(0, 3);
    ExpectRefused(request, absl::StatusCode::kInvalidArgument, "input 'a'");
  }
  inference::ModelInferRequest request = NamesRequest({"red"}, true);
  *request.mutable_raw_input_contents(0) = std::string("\x09\0\0\0red", 7);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "raw contents end inside of an element");
  request.mutable_inputs(0)->set_shape(0, int64_t{1} << 39);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "elements of BYTES need at least");
}

TEST_F(RequestLaneTest, AnswersAMatrixWithTheHighestVersion) {
  inference::ModelInferRequest request = MatrixRequest("m", 3, 2, {0, 9, 1, 9, NAN, 9});
  request.set_id("r1");
  const auto response = front_.Infer(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->model_name(), "m");
  EXPECT_EQ(response->model_version(), "2");
  EXPECT_EQ(response->id(), "r1");
  EXPECT_TRUE(response->parameters().empty());
  ASSERT_THAT(response->outputs(), SizeIs(1));
  EXPECT_EQ(response->outputs(0).name(), "output__0");
  EXPECT_EQ(response->outputs(0).datatype(), "FP32");
  EXPECT_THAT(response->outputs(0).shape(), ElementsAre(3));
  // NaN is missing: it goes right, where the tree's default is.
  EXPECT_THAT(RawFloats(*response), ElementsAre(2.0f, 2.5f, 2.5f));
}

TEST_F(RequestLaneTest, AnswersANumberedVersionAsAsked) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  request.set_model_version("1");
  const auto response = front_.Infer(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->model_version(), "1");
  EXPECT_THAT(RawFloats(*response), ElementsAre(1.0f));
}

TEST_F(RequestLaneTest, AnswersALabel) {
  front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1, 1)),
                MakeModel("m", 2, StumpEnsemble({"a", "b"}, 0, 0.5f, 2, 2))},
               {{"champion", 1}, {"next", 2}});
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  EXPECT_EQ(front_.Infer(request)->model_version(), "1");
  request.set_model_version("next");
  EXPECT_EQ(front_.Infer(request)->model_version(), "2");
}

TEST_F(RequestLaneTest, TypedContentsAreAnsweredTyped) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {});
  request.clear_raw_input_contents();
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(0);
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(7);
  request.add_outputs()->set_name("output__0");
  request.add_outputs()->set_name("leaf");
  const auto response = front_.Infer(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(response->raw_output_contents(), IsEmpty());
  EXPECT_THAT(response->outputs(0).contents().fp32_contents(), ElementsAre(2.0f));
  EXPECT_THAT(response->outputs(1).contents().int_contents(), ElementsAre(1));
  EXPECT_THAT(response->outputs(1).shape(), ElementsAre(1, 1));
}

TEST_F(RequestLaneTest, GivesFurtherOutputsOnRequest) {
  inference::ModelInferRequest request = MatrixRequest("m", 2, 2, {0, 0, 1, 0});
  for (const char* name : {"margin", "leaf", "output__0", "contributions"})
    request.add_outputs()->set_name(name);
  const auto response = front_.Infer(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(RawFloats(*response, 0), ElementsAre(2.0f, 2.5f));
  EXPECT_THAT(response->outputs(1).datatype(), "INT32");
  EXPECT_THAT(RawFloats(*response, 2), ElementsAre(2.0f, 2.5f));
  EXPECT_THAT(response->outputs(3).shape(), ElementsAre(2, 3));
  // One feature decides and the leaves weigh the same: half the distance each way, and the bias between the
  // leaves.
  EXPECT_THAT(RawFloats(*response, 3), ElementsAre(-0.25f, 0, 2.25f, 0.25f, 0, 2.25f));
}

// The classes that version 1 of a model says, whose leaves are -0.25 and 0.25.
std::vector<int32_t> Classes(const std::string& objective, float threshold = 0.5f) {
  Ensemble ensemble = StumpEnsemble({"a", "b"}, 0, 0.5f, -0.25f, 0.25f);
  ensemble.objective = objective;
  ensemble.base_score = {objective == "binary:logistic" ? 0.5f : 0.0f};
  const ModelHandle model = MakeModel("m", 1, std::move(ensemble));
  auto signed_model = std::make_shared<LoadedModel>(*model);
  signed_model->signature.threshold = threshold;
  Front front;
  front.Serve({signed_model});
  inference::ModelInferRequest request = MatrixRequest("m", 2, 2, {0, 0, 1, 0});
  request.add_outputs()->set_name("class");
  const auto response = front.Infer(request);
  EXPECT_TRUE(response.ok()) << response.status();
  if (!response.ok()) return {};
  std::vector<int32_t> classes(2);
  std::memcpy(classes.data(), response->raw_output_contents(0).data(), sizeof(int32_t) * 2);
  return classes;
}

TEST_F(RequestLaneTest, AClassGoesByTheObjective) {
  // sigmoid(0.25) is 0.562; a margin of 0.25 is above 0 and below the threshold of a probability.
  EXPECT_THAT(Classes("binary:logistic"), ElementsAre(0, 1));
  EXPECT_THAT(Classes("binary:logistic", 0.57f), ElementsAre(0, 0));
  EXPECT_THAT(Classes("binary:logistic", 0.4f), ElementsAre(1, 1));
  EXPECT_THAT(Classes("binary:logitraw"), ElementsAre(0, 1));
  EXPECT_THAT(Classes("binary:hinge"), ElementsAre(0, 1));
}

TEST_F(RequestLaneTest, RefusesAClassOfAModelWithoutClasses) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  request.add_outputs()->set_name("class");
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "objective reg:squarederror has no classes");
}

TEST_F(RequestLaneTest, TakesOneTensorPerFeature) {
  inference::ModelInferRequest request;
  request.set_model_name("m");
  AddColumn(request, "b", {5, 5});
  AddColumn(request, "a", {0, 1});
  const auto response = front_.Infer(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(RawFloats(*response), ElementsAre(2.0f, 2.5f));
}

TEST_F(RequestLaneTest, ConvertsEveryNumericType) {
  const auto answer = [&](const std::string& type, const auto& values) {
    inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {});
    request.mutable_inputs(0)->set_datatype(type);
    request.set_raw_input_contents(0, values.data(), values.size() * sizeof(values[0]));
    const auto response = front_.Infer(request);
    EXPECT_TRUE(response.ok()) << type << ": " << response.status();
    return RawFloats(*response)[0];
  };
  EXPECT_EQ(answer("INT8", std::vector<int8_t>{-1, 0}), 2.0f);
  EXPECT_EQ(answer("INT16", std::vector<int16_t>{1, 0}), 2.5f);
  EXPECT_EQ(answer("INT32", std::vector<int32_t>{-7, 0}), 2.0f);
  EXPECT_EQ(answer("INT64", std::vector<int64_t>{int64_t{1} << 62, 0}), 2.5f);
  EXPECT_EQ(answer("UINT8", std::vector<uint8_t>{0, 0}), 2.0f);
  EXPECT_EQ(answer("UINT16", std::vector<uint16_t>{65535, 0}), 2.5f);
  EXPECT_EQ(answer("UINT32", std::vector<uint32_t>{0, 0}), 2.0f);
  EXPECT_EQ(answer("UINT64", std::vector<uint64_t>{uint64_t{1} << 63, 0}), 2.5f);
  EXPECT_EQ(answer("BOOL", std::vector<uint8_t>{1, 0}), 2.5f);
  EXPECT_EQ(answer("FP64", std::vector<double>{0.4999999999999, 0}), 2.5f);  // rounds to 0.5f
  EXPECT_EQ(answer("FP16", std::vector<uint16_t>{0x3800, 0}), 2.5f);         // 0.5
  EXPECT_EQ(answer("FP16", std::vector<uint16_t>{0x37ff, 0}), 2.0f);
  EXPECT_EQ(answer("BF16", std::vector<uint16_t>{0x3f00, 0}), 2.5f);  // 0.5
  EXPECT_EQ(answer("FP32", std::vector<float>{-std::numeric_limits<float>::infinity(), 0}), 2.0f);
}

TEST_F(RequestLaneTest, RefusesNumbersThatFloatCannotHold) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {});
  request.mutable_inputs(0)->set_datatype("INT64");
  const std::vector<int64_t> inexact = {(int64_t{1} << 24) + 1, 0};
  request.set_raw_input_contents(0, inexact.data(), 16);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "16777217");
  request.mutable_inputs(0)->set_datatype("FP64");
  const std::vector<double> overflow = {1e39, 0};
  request.set_raw_input_contents(0, overflow.data(), 16);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "FP32 cannot hold");
}

TEST_F(RequestLaneTest, RefusesUnknownNames) {
  ExpectRefused(MatrixRequest("other", 1, 2, {0, 0}), absl::StatusCode::kNotFound,
                "model 'other' is unknown");
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  request.set_model_version("7");
  ExpectRefused(request, absl::StatusCode::kNotFound, "7");
  request.set_model_version("nobody");
  ExpectRefused(request, absl::StatusCode::kNotFound, "nobody");
  request.clear_model_version();
  request.add_outputs()->set_name("probability");
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "output 'probability' is unknown");
}

TEST_F(RequestLaneTest, AVersionThatIsKnownButNotReadyIsUnavailable) {
  front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0, 1, 1))}, {}, {{3, "loading"}});
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  request.set_model_version("3");
  ExpectRefused(request, absl::StatusCode::kUnavailable, "loading");
}

TEST_F(RequestLaneTest, RefusesShapesThatLie) {
  const auto with_shape = [](std::vector<int64_t> shape) {
    inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
    request.mutable_inputs(0)->clear_shape();
    for (const int64_t dim : shape) request.mutable_inputs(0)->add_shape(dim);
    return request;
  };
  ExpectRefused(with_shape({1, 3}), absl::StatusCode::kInvalidArgument, "needs [n,2]");
  ExpectRefused(with_shape({-1, 2}), absl::StatusCode::kInvalidArgument, "dimension -1");
  ExpectRefused(with_shape({0, 2}), absl::StatusCode::kInvalidArgument, "no rows");
  ExpectRefused(with_shape({2, 2}), absl::StatusCode::kInvalidArgument,
                "8 bytes; 4 elements of FP32 need 16");
  ExpectRefused(with_shape({int64_t{1} << 62, 2}), absl::StatusCode::kInvalidArgument, "exceeds");
  ExpectRefused(with_shape({int64_t{1} << 62, int64_t{1} << 62}), absl::StatusCode::kInvalidArgument,
                "exceeds");
  ExpectRefused(with_shape({2}), absl::StatusCode::kInvalidArgument, "");
  ExpectRefused(with_shape({}), absl::StatusCode::kInvalidArgument, "");
  ExpectRefused(with_shape({1, 1, 2}), absl::StatusCode::kInvalidArgument, "");
}

// Contents without protobuf's usual packing, which generated code would not send.
std::string UnpackedInts(size_t count) {
  std::string contents;
  for (size_t i = 0; i < count; ++i) contents += "\x10\x05";
  return contents;
}

std::string UnpackedTensor(const std::string& name, std::string_view shape, size_t elements) {
  std::string tensor;
  WireWriter writer(tensor);
  writer.Bytes(1, name);
  writer.Bytes(2, "INT32");
  writer.Bytes(3, shape);
  writer.Bytes(5, UnpackedInts(elements));
  return tensor;
}

TEST_F(RequestLaneTest, RefusesUnpackedContentsThatDoNotFit) {
  for (const int excess : {-2, -1, 0, 1, 2, 20, 2000}) {
    SCOPED_TRACE(excess);
    front_.RenewLane();
    const absl::StatusCode expected =
        excess == 0 ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument;
    std::string matrix;
    WireWriter(matrix).Bytes(1, "m");
    WireWriter(matrix).Bytes(5, UnpackedTensor("x", std::string_view("\x03\x02", 2), 6 + excess));
    EXPECT_EQ(front_.InferBytes(matrix).status().code(), expected);
    front_.RenewLane();
    std::string columns;
    WireWriter(columns).Bytes(1, "m");
    WireWriter(columns).Bytes(5, UnpackedTensor("a", "\x03", 3));
    WireWriter(columns).Bytes(5, UnpackedTensor("b", "\x03", 3 + excess));
    EXPECT_EQ(front_.InferBytes(columns).status().code(), expected);
  }
}

// A matrix of this model's rows would take more memory than a machine has.
Ensemble WideEnsemble(bool named) {
  constexpr uint32_t kFeatures = 20'000;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < kFeatures; ++i) names.push_back(StrCat("f", i));
  Ensemble ensemble = StumpEnsemble(std::move(names), 0, 0.5f, 1, 2);
  if (!named) ensemble.feature_names.clear();
  return ensemble;
}

TEST_F(RequestLaneTest, RefusesWhatWasDeclaredAndNotSentBeforeMakingRoomForIt) {
  RequestLane::Options options;
  options.limits.max_rows = 1'000'000'000;
  Front front(options);
  front.Serve({MakeModel("m", 1, WideEnsemble(false)), MakeModel("named", 1, WideEnsemble(true))});
  for (const char* datatype : {"BYTES", "FP99", "", "FP32", "FP64", "INT8", "FP16"}) {
    for (const bool raw : {true, false}) {
      SCOPED_TRACE(StrCat(datatype, raw ? " raw" : " typed"));
      inference::ModelInferRequest matrix = MatrixRequest("m", 50'000'000, 20'000, {});
      matrix.mutable_inputs(0)->set_datatype(datatype);
      if (!raw) matrix.clear_raw_input_contents();
      ExpectStatus(front.Infer(matrix).status(), absl::StatusCode::kInvalidArgument, "input 'input__0'");

      inference::ModelInferRequest columns;
      columns.set_model_name("named");
      for (int i = 0; i < 20'000; ++i) {
        auto& column = *columns.add_inputs();
        column.set_name(StrCat("f", i));
        column.set_datatype(datatype);
        column.add_shape(50'000'000);
        if (raw) columns.add_raw_input_contents("");
      }
      ExpectStatus(front.Infer(columns).status(), absl::StatusCode::kInvalidArgument, "input 'f0'");
    }
  }
}

class GreedySink final : public ReplySink {
 public:
  std::byte* Allocate(size_t) override { throw std::bad_alloc(); }
};

TEST_F(RequestLaneTest, ARequestWithoutMemoryFailsAlone) {
  GreedySink greedy;
  const std::string request = MatrixRequest("m", 1, 2, {0, 0}).SerializeAsString();
  ExpectStatus(front_.lane().Infer(request, front_.metadata, greedy), absl::StatusCode::kResourceExhausted,
               "memory");
  EXPECT_TRUE(front_.InferBytes(request).ok());
}

TEST_F(RequestLaneTest, RefusesWrongTensors) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  request.mutable_inputs(0)->set_datatype("BYTES");
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "BYTES");
  request.mutable_inputs(0)->set_datatype("FLOAT");
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "datatype 'FLOAT' is unknown");
  request.mutable_inputs(0)->set_datatype("FP32");
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "both set");
  request.clear_raw_input_contents();
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "contents hold");
  request.mutable_inputs(0)->mutable_contents()->clear_fp32_contents();
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(1);
  request.mutable_inputs(0)->mutable_contents()->add_int_contents(1);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "int_contents do not belong to datatype FP32");
  request.clear_inputs();
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "no inputs");
}

TEST_F(RequestLaneTest, RefusesUnknownMissingAndDoubleColumns) {
  inference::ModelInferRequest request;
  request.set_model_name("m");
  AddColumn(request, "a", {0});
  AddColumn(request, "z", {0});
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "input 'z'");
  request.clear_inputs();
  request.clear_raw_input_contents();
  AddColumn(request, "a", {0});
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "column 'b' is missing");
  AddColumn(request, "a", {0});
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "twice");
  request.mutable_inputs(1)->set_name("b");
  request.mutable_inputs(1)->set_shape(0, 2);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "all columns need the same number");
}

TEST_F(RequestLaneTest, RefusesMoreRowsThanAllowed) {
  RequestLane::Options options;
  options.limits.max_rows = 2;
  Front front(options);
  front.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0, 1, 1))});
  EXPECT_TRUE(front.Infer(MatrixRequest("m", 2, 2, {0, 0, 0, 0})).ok());
  EXPECT_EQ(front.Infer(MatrixRequest("m", 3, 2, {0, 0, 0, 0, 0, 0})).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(RequestLaneTest, AddsTheTreesToABaseMargin) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  auto& margin = *request.add_inputs();
  margin.set_name("base_margin");
  margin.set_datatype("FP32");
  margin.add_shape(1);
  const float start = 40;
  request.add_raw_input_contents(&start, 4);
  EXPECT_THAT(RawFloats(*front_.Infer(request)), ElementsAre(42.0f));
  request.mutable_inputs(1)->set_shape(0, 2);
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "base_margin");
}

// An infinity is an ordinary value; NaN, which is missing elsewhere, starts nowhere.
TEST_F(RequestLaneTest, RefusesABaseMarginThatIsNoNumber) {
  inference::ModelInferRequest request = MatrixRequest("m", 2, 2, {0, 0, 0, 0});
  auto& margin = *request.add_inputs();
  margin.set_name("base_margin");
  margin.set_datatype("FP32");
  margin.add_shape(2);
  float starts[] = {0, std::numeric_limits<float>::infinity()};
  std::string& bytes = *request.add_raw_input_contents();
  bytes.assign(reinterpret_cast<const char*>(starts), sizeof(starts));
  EXPECT_TRUE(front_.Infer(request).ok());
  starts[1] = std::numeric_limits<float>::quiet_NaN();
  bytes.assign(reinterpret_cast<const char*>(starts), sizeof(starts));
  ExpectRefused(request, absl::StatusCode::kInvalidArgument, "input 'base_margin': row 1: NaN");
}

TEST_F(RequestLaneTest, ABaseMarginHasTheShapeOfTheMargins) {
  Ensemble two = StumpEnsemble({"a", "b"}, 0, 0.5f, 1, 2);
  two.num_outputs = 2;
  two.trees.push_back(two.trees[0]);
  two.trees[1].output = 1;
  front_.Serve({MakeModel("one", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1, 2)), MakeModel("two", 1, two)});
  const auto with_margin = [](const std::string& model, const std::vector<int64_t>& shape) {
    inference::ModelInferRequest request = MatrixRequest(model, 3, 2, {0, 0, 0, 0, 0, 0});
    auto& margin = *request.add_inputs();
    margin.set_name("base_margin");
    margin.set_datatype("FP32");
    for (const int64_t dim : shape) margin.add_shape(dim);
    const std::vector<float> values(model == "two" ? 6 : 3, 40.0f);
    request.add_raw_input_contents(values.data(), values.size() * sizeof(float));
    return request;
  };
  for (const auto& shape : std::vector<std::vector<int64_t>>{{3}, {3, 1}}) {
    EXPECT_THAT(RawFloats(*front_.Infer(with_margin("one", shape))), ElementsAre(41, 41, 41));
  }
  EXPECT_TRUE(front_.Infer(with_margin("two", {3, 2})).ok());
  for (const auto& shape : std::vector<std::vector<int64_t>>{{1, 3}, {3, 1, 1}, {}, {-1}, {3, -1}}) {
    ExpectRefused(with_margin("one", shape), absl::StatusCode::kInvalidArgument, "need [3] or [3,1]");
  }
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2, 3}, {6}, {6, 1}, {3}, {3, 2, 1}}) {
    ExpectRefused(with_margin("two", shape), absl::StatusCode::kInvalidArgument, "version 1 need [3,2]");
  }
}

TEST_F(RequestLaneTest, RefusesIterationsOutOfRange) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  (*request.mutable_parameters())["iterations"].set_string_param("0:1");
  EXPECT_TRUE(front_.Infer(request).ok());
  for (const char* text : {"0:2", "1:1", ":", "a:b", "0", "-1:1"}) {
    (*request.mutable_parameters())["iterations"].set_string_param(text);
    ExpectRefused(request, absl::StatusCode::kInvalidArgument, "iterations");
  }
}

TEST_F(RequestLaneTest, RefusesBytesThatAreNoRequest) {
  EXPECT_EQ(front_.InferBytes("\xff\xff\xff").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(front_.InferBytes("").status().code(), absl::StatusCode::kInvalidArgument);
  // Field 1, two bytes that are no text.
  EXPECT_EQ(front_.InferBytes("\x0a\x02\xff\xfe").status().code(), absl::StatusCode::kInvalidArgument);
  const std::string good = MatrixRequest("m", 1, 2, {0, 0}).SerializeAsString();
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(front_.InferBytes(std::string_view(good).substr(0, size)).ok()) << size;
  }
}

// Two bytes of a message would become a hundred of memory each.
TEST_F(RequestLaneTest, RefusesMorePartsThanAnyRequestNeeds) {
  const auto repeated = [](std::string_view part, size_t count) {
    std::string bytes("\x0a\x01m", 3);
    for (size_t i = 0; i < count; ++i) bytes += part;
    return bytes;
  };
  const auto refused = [&](const std::string& bytes, const std::string& text) {
    ExpectStatus(front_.InferBytes(bytes).status(), absl::StatusCode::kInvalidArgument, text);
  };
  refused(repeated(std::string_view("\x2a\x00", 2), 1'000'000), "more than 131072 inputs");
  refused(repeated(std::string_view("\x3a\x00", 2), 1'000'000), "more than 131072 raw_input_contents");
  refused(repeated(std::string_view("\x32\x00", 2), 65), "more than 64 outputs");
  refused(repeated(std::string_view("\x22\x00", 2), 4097), "more than 4096 parameters");
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  for (int i = 0; i < 1'000'000; ++i) request.mutable_inputs(0)->add_shape(1);
  refused(request.SerializeAsString(), "a shape has more than 16 dimensions");
}

TEST_F(RequestLaneTest, CountsByModelVersionAndCode) {
  ASSERT_TRUE(front_.Infer(MatrixRequest("m", 2, 2, {0, 0, 0, 0})).ok());
  EXPECT_FALSE(front_.Infer(MatrixRequest("m", 1, 3, {0, 0, 0})).ok());
  EXPECT_FALSE(front_.Infer(MatrixRequest("nope", 1, 2, {0, 0})).ok());
  std::map<RequestLabels, RequestTotals> totals;
  front_.lane().metrics().AddTo(totals);
  const RequestTotals& good = totals[{"m", "2", ""}];
  EXPECT_EQ(good.codes[0], 1u);
  EXPECT_EQ(good.rows, 2u);
  EXPECT_EQ(good.batches.at(2).count, 1u);
  EXPECT_EQ(good.codes[static_cast<int>(absl::StatusCode::kInvalidArgument)], 1u);
  // The name of an unknown model is the client's, and no label.
  EXPECT_EQ((totals[{"", "", ""}].codes[static_cast<int>(absl::StatusCode::kNotFound)]), 1u);
}

}  // namespace
}  // namespace espalier
