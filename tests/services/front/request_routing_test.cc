// How experiments reach the request path: who answers, what the reply says, what is logged.
#include <cmath>
#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "router/events/event_id.h"
#include "tests/testing/front_fixture.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// An exposure as it was logged, with its own copies.
struct Logged {
  explicit Logged(const Exposure& e)
      : event_id(e.event_id),
        experiment(e.experiment),
        unit(e.unit),
        probabilities(e.probabilities),
        assigned(e.variant_assigned),
        served(e.variant_served),
        reason(e.reason),
        version(e.model_version),
        sha256(e.sha256),
        rows(e.rows),
        scores(e.scores.size() / sizeof(float)),
        features(e.features.size() / sizeof(float)),
        status(e.status) {
    if (!scores.empty()) std::memcpy(scores.data(), e.scores.data(), e.scores.size());
    if (!features.empty()) std::memcpy(features.data(), e.features.data(), e.features.size());
  }
  uint64_t event_id;
  std::string experiment, unit, probabilities, assigned, served;
  AssignmentReason reason;
  int64_t version;
  std::string sha256;
  uint32_t rows;
  std::vector<float> scores, features;
  uint32_t status;
};

espalier::v1::Experiment HalfAndHalf(int64_t control, int64_t treatment) {
  espalier::v1::Experiment experiment;
  experiment.set_experiment("e");
  experiment.set_model("m");
  experiment.mutable_unit()->set_attribute("user_id");
  auto& first = *experiment.add_variants();
  first.set_key("control");
  first.set_version(control);
  first.set_weight(0.5);
  first.set_control(true);
  auto& second = *experiment.add_variants();
  second.set_key("new");
  second.set_version(treatment);
  second.set_weight(0.5);
  return experiment;
}

inference::ModelInferRequest For(const std::string& user) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  if (!user.empty()) (*request.mutable_parameters())["user_id"].set_string_param(user);
  return request;
}

std::string Parameter(const inference::ModelInferResponse& response, const std::string& name) {
  const auto found = response.parameters().find(name);
  return found == response.parameters().end() ? "" : found->second.string_param();
}

class RequestRoutingTest : public ::testing::Test {
 protected:
  RequestRoutingTest() {
    ServeBoth();
    front_.Route({HalfAndHalf(1, 2)});
  }

  void ServeBoth() {
    front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f)),
                  MakeModel("m", 2, StumpEnsemble({"a", "b"}, 0, 0.5f, 2.0f, 2.5f))});
  }

  std::vector<Logged> Drain() {
    std::vector<Logged> logged;
    front_.exposures.Drain(1'000'000, [&](const Exposure& exposure) { logged.emplace_back(exposure); });
    return logged;
  }

  // A unit that is assigned to `variant`.
  std::string UnitOf(const std::string& variant) {
    for (int i = 0; i < 1000; ++i) {
      const std::string unit = "u" + std::to_string(i);
      if (Parameter(*front_.Infer(For(unit)), "espalier_variant") == variant) {
        Drain();
        return unit;
      }
    }
    ADD_FAILURE() << "nobody is assigned to " << variant;
    return "";
  }

  Front front_;
};

TEST_F(RequestRoutingTest, TheReplyNamesWhatAnswered) {
  const std::string unit = UnitOf("new");
  const auto response = front_.Infer(For(unit));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->model_version(), "2");
  EXPECT_THAT(RawFloats(*response), ElementsAre(2.0f));
  EXPECT_EQ(Parameter(*response, "espalier_experiment"), "e");
  EXPECT_EQ(Parameter(*response, "espalier_variant"), "new");
  EXPECT_TRUE(ParseEventId(Parameter(*response, "espalier_event_id")).ok());
}

TEST_F(RequestRoutingTest, AUnitStaysWithItsVariant) {
  for (int i = 0; i < 50; ++i) {
    const std::string unit = "u" + std::to_string(i);
    const std::string first = Parameter(*front_.Infer(For(unit)), "espalier_variant");
    EXPECT_EQ(Parameter(*front_.Infer(For(unit)), "espalier_variant"), first);
  }
}

TEST_F(RequestRoutingTest, LogsOneExposureARequest) {
  const std::string unit = UnitOf("control");
  const auto response = front_.Infer(For(unit));
  const std::vector<Logged> logged = Drain();
  ASSERT_EQ(logged.size(), 1u);
  EXPECT_EQ(std::to_string(logged[0].event_id), Parameter(*response, "espalier_event_id"));
  EXPECT_EQ(logged[0].experiment, "e");
  EXPECT_EQ(logged[0].unit, unit);
  EXPECT_EQ(logged[0].probabilities, "[0.5,0.5]");
  EXPECT_EQ(logged[0].assigned, "control");
  EXPECT_EQ(logged[0].served, "control");
  EXPECT_EQ(logged[0].reason, AssignmentReason::kHash);
  EXPECT_EQ(logged[0].version, 1);
  EXPECT_EQ(logged[0].sha256.size(), 64u);
  EXPECT_EQ(logged[0].rows, 1u);
  EXPECT_THAT(logged[0].scores, ElementsAre(1.0f));
  EXPECT_THAT(logged[0].features, ElementsAre(0.0f, 0.0f));
  EXPECT_EQ(logged[0].status, 0u);
}

TEST_F(RequestRoutingTest, TheScoreIsLoggedWhateverOutputWasAsked) {
  inference::ModelInferRequest request = For(UnitOf("new"));
  request.add_outputs()->set_name("leaf");
  ASSERT_TRUE(front_.Infer(request).ok());
  EXPECT_THAT(Drain().at(0).scores, ElementsAre(2.0f));
}

TEST_F(RequestRoutingTest, ANumberOrLabelTakesNoPart) {
  inference::ModelInferRequest request = For(UnitOf("control"));
  request.set_model_version("2");
  const auto response = front_.Infer(request);
  EXPECT_EQ(response->model_version(), "2");
  EXPECT_TRUE(response->parameters().empty());
  EXPECT_TRUE(Drain().empty());
}

TEST_F(RequestRoutingTest, WithoutAUnitTheControlAnswersUnlogged) {
  const auto response = front_.Infer(For(""));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->model_version(), "1");
  EXPECT_TRUE(response->parameters().empty());
  EXPECT_TRUE(Drain().empty());
}

TEST_F(RequestRoutingTest, TheUnitMayComeAsMetadata) {
  const std::string unit = UnitOf("new");
  front_.metadata.values["user_id"] = unit;
  EXPECT_EQ(Parameter(*front_.Infer(For("")), "espalier_variant"), "new");
  EXPECT_EQ(Drain().at(0).unit, unit);
}

TEST_F(RequestRoutingTest, TheControlStepsInForAVariantThatIsNotReady) {
  espalier::v1::Experiment experiment = HalfAndHalf(1, 2);
  experiment.mutable_on_variant_error()->set_serve(espalier::v1::OnVariantError::CONTROL);
  front_.Route({experiment});
  const std::string unit = UnitOf("new");
  front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f))}, {}, {{2, "corrupt"}});
  const auto response = front_.Infer(For(unit));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->model_version(), "1");
  EXPECT_EQ(Parameter(*response, "espalier_variant"), "new");
  const Logged logged = Drain().at(0);
  EXPECT_EQ(logged.assigned, "new");
  EXPECT_EQ(logged.served, "control");
  EXPECT_EQ(logged.reason, AssignmentReason::kFallback);
}

TEST_F(RequestRoutingTest, AFallbackKeepsTheReasonsThatTheAnalysisLeavesOut) {
  espalier::v1::Experiment experiment = HalfAndHalf(1, 2);
  experiment.mutable_on_variant_error()->set_serve(espalier::v1::OnVariantError::CONTROL);
  experiment.mutable_unit()->set_fallback("request_id");
  (*experiment.mutable_overrides())["vip"] = "new";
  front_.Route({experiment});
  inference::ModelInferRequest unitless = For("");
  unitless.set_id(UnitOf("new"));
  front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f))}, {}, {{2, "corrupt"}});
  ASSERT_TRUE(front_.Infer(For("vip")).ok());
  ASSERT_TRUE(front_.Infer(unitless).ok());
  const std::vector<Logged> logged = Drain();
  ASSERT_EQ(logged.size(), 2u);
  for (const Logged& exposure : logged) {
    EXPECT_EQ(exposure.assigned, "new");
    EXPECT_EQ(exposure.served, "control");
  }
  EXPECT_EQ(logged[0].reason, AssignmentReason::kOverride);
  EXPECT_EQ(logged[1].reason, AssignmentReason::kUnitless);
}

TEST_F(RequestRoutingTest, AVariantThatMayNotBeReplacedIsUnavailableAndLogged) {
  espalier::v1::Experiment experiment = HalfAndHalf(1, 2);
  experiment.mutable_on_variant_error()->set_serve(espalier::v1::OnVariantError::ERROR);
  front_.Route({experiment});
  const std::string unit = UnitOf("new");
  front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f))}, {}, {{2, "corrupt"}});
  const absl::Status status = front_.Infer(For(unit)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("corrupt"));
  EXPECT_EQ(Drain().at(0).status, static_cast<uint32_t>(absl::StatusCode::kUnavailable));
}

TEST_F(RequestRoutingTest, RefusesUnitsThatAreTooLongOrNoText) {
  EXPECT_EQ(front_.Infer(For(std::string(257, 'x'))).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(front_.Infer(For(std::string(256, 'x'))).ok());
  inference::ModelInferRequest request = For("");
  front_.metadata.values["user_id"] = "\xff\xfe";
  EXPECT_EQ(front_.Infer(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RequestRoutingTest, AUnitForEachRowIsNotBuiltYet) {
  inference::ModelInferRequest request = For("");
  auto& units = *request.add_inputs();
  units.set_name("user_id");
  units.set_datatype("BYTES");
  units.add_shape(1);
  request.add_raw_input_contents(std::string("\x01\0\0\0x", 5));
  EXPECT_EQ(front_.Infer(request).status().code(), absl::StatusCode::kUnimplemented);
}

TEST_F(RequestRoutingTest, VariantsWithOtherFeaturesShareRequestsByName) {
  front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f)),
                MakeModel("m", 2, StumpEnsemble({"a", "c"}, 1, 0.5f, 2.0f, 2.5f))});
  const auto by_name = [](const std::string& user) {
    inference::ModelInferRequest request;
    request.set_model_name("m");
    (*request.mutable_parameters())["user_id"].set_string_param(user);
    for (const char* name : {"a", "b", "c"}) {
      auto& input = *request.add_inputs();
      input.set_name(name);
      input.set_datatype("FP32");
      input.add_shape(1);
      const float value = 1;
      request.add_raw_input_contents(&value, 4);
    }
    return request;
  };
  std::map<std::string, int> answered;
  for (int i = 0; i < 40; ++i) {
    const auto response = front_.Infer(by_name("u" + std::to_string(i)));
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_THAT(RawFloats(*response), ElementsAre(response->model_version() == "1" ? 1.5f : 2.5f));
    ++answered[response->model_version()];
  }
  EXPECT_EQ(answered.size(), 2u);
  // One matrix fits neither for all.
  EXPECT_THAT(std::string(front_.Infer(For("u1")).status().message()), HasSubstr("by name"));
  // A request for a number reaches that version alone.
  inference::ModelInferRequest pinned = by_name("u1");
  pinned.set_model_version("1");
  EXPECT_THAT(std::string(front_.Infer(pinned).status().message()), HasSubstr("input 'c'"));
}

TEST_F(RequestRoutingTest, AFullQueueLosesExposuresAndNotAnswers) {
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(front_.Infer(For("u" + std::to_string(i))).ok());
  EXPECT_GT(front_.exposures.lost(), 0u);
  EXPECT_EQ(front_.exposures.pushed() + front_.exposures.lost(), 20'000u);
}

}  // namespace
}  // namespace espalier
