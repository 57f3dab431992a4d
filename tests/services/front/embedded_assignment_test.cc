// An application that embeds the assignment (espalier/assign.h) decides as the server does, and logs the same
// exposures: both get the same documents, requests, times and event ids.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "espalier/assign.h"
#include "gtest/gtest.h"
#include "router/events/exposure_json.h"
#include "router/experiment/document.h"
#include "tests/testing/front_fixture.h"

namespace espalier {
namespace {

constexpr int kUnits = 3000;
// In seconds, as FakeClock begins.
constexpr std::string_view kNow = "2023-11-14T22:13:20Z";

constexpr std::string_view kVariants = R"(
variants:
  - {key: control, version: 1, weight: 0.6, control: true}
  - {key: t1, version: 2, weight: 0.25}
  - {key: t2, version: 3, weight: 0.15}
)";

std::string Document(std::string_view key, std::string_view more, std::string_view variants = kVariants) {
  return StrCat("experiment: ", key, "\nmodel: m\n", more, variants);
}

using Value = std::variant<std::string, int64_t, double, bool>;

// One request, as both get it.
struct Asked {
  std::map<std::string, Value> attributes;
  std::string id;
};

Asked Ask(int i) {
  const char* const origins[] = {"JFK", "LGA", "EWR"};
  return {.attributes = {{"user_id", "u" + std::to_string(i)},
                         {"tail", "N" + std::to_string(i % 700)},
                         {"origin", std::string(origins[i % 3])},
                         {"passengers", int64_t{i % 300}},
                         {"ratio", i / 16.0},
                         {"member", i % 2 == 0}},
          .id = {}};
}

inference::ModelInferRequest ToServer(const Asked& asked) {
  inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
  request.set_id(asked.id);
  for (const auto& [name, value] : asked.attributes) {
    auto& parameter = (*request.mutable_parameters())[name];
    if (const auto* text = std::get_if<std::string>(&value)) parameter.set_string_param(*text);
    if (const auto* whole = std::get_if<int64_t>(&value)) parameter.set_int64_param(*whole);
    if (const auto* number = std::get_if<double>(&value)) parameter.set_double_param(*number);
    if (const auto* truth = std::get_if<bool>(&value)) parameter.set_bool_param(*truth);
  }
  return request;
}

// Views of `asked`.
std::vector<espalier_attribute> ToLibrary(const Asked& asked) {
  std::vector<espalier_attribute> attributes;
  for (const auto& [name, value] : asked.attributes) {
    espalier_attribute attribute = {};
    attribute.name = name.c_str();
    attribute.type = static_cast<int32_t>(value.index());
    if (const auto* text = std::get_if<std::string>(&value)) attribute.text = text->c_str();
    if (const auto* whole = std::get_if<int64_t>(&value)) attribute.integer = *whole;
    if (const auto* number = std::get_if<double>(&value)) attribute.number = *number;
    if (const auto* truth = std::get_if<bool>(&value)) attribute.integer = *truth ? 1 : 0;
    attributes.push_back(attribute);
  }
  return attributes;
}

std::string Parameter(const inference::ModelInferResponse& response, const std::string& name) {
  const auto found = response.parameters().find(name);
  return found == response.parameters().end() ? "" : found->second.string_param();
}

class EmbeddedAssignmentTest : public ::testing::Test {
 protected:
  EmbeddedAssignmentTest() {
    EXPECT_EQ(espalier_event_ids_create(0, 0, &ids_), ESPALIER_OK);
    Serve({1, 2, 3});
  }
  ~EmbeddedAssignmentTest() override {
    espalier_event_ids_free(ids_);
    espalier_experiments_free(experiments_);
  }

  void Serve(const std::vector<int64_t>& versions, std::map<int64_t, std::string> known = {}) {
    std::vector<ModelHandle> models;
    for (const int64_t version : versions) {
      const auto answer = static_cast<float>(version);
      models.push_back(MakeModel("m", version, StumpEnsemble({"a", "b"}, 0, 0.5f, answer, answer)));
    }
    front_.Serve(std::move(models), {}, std::move(known));
  }

  void Load(const std::string& documents) {
    const auto parsed = ParseExperiments(documents, "e.yaml");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    front_.Route(*parsed);
    ASSERT_EQ(espalier_experiments_load_memory(documents.data(), documents.size(), "e.yaml", &experiments_),
              ESPALIER_OK)
        << espalier_assign_error();
  }

  espalier_status Decide(const Asked& asked) {
    const std::vector<espalier_attribute> attributes = ToLibrary(asked);
    espalier_request request = {};
    request.struct_size = sizeof(request);
    request.model = "m";
    request.request_id = asked.id.c_str();
    request.attributes = attributes.data();
    request.num_attributes = attributes.size();
    request.now_micros = front_.clock.UnixMicros();
    EXPECT_EQ(espalier_event_ids_next(ids_, request.now_micros, &request.event_id), ESPALIER_OK);
    assignment_ = {};
    assignment_.struct_size = sizeof(assignment_);
    return espalier_experiments_assign(experiments_, &request, &assignment_);
  }

  std::string LoggedByServer(Exposure* last) {
    std::string line;
    front_.exposures.Drain(1'000'000, [&](const Exposure& exposure) {
      EXPECT_EQ(line, "") << "two exposures";
      line = ExposureJson(exposure);
      *last = exposure;
      // Not the strings, which go with the queue.
      sha256_.assign(exposure.sha256);
      scores_.resize(exposure.scores.size() / sizeof(float));
      if (!scores_.empty()) std::memcpy(scores_.data(), exposure.scores.data(), exposure.scores.size());
      features_.resize(exposure.features.size() / sizeof(float));
      if (!features_.empty()) {
        std::memcpy(features_.data(), exposure.features.data(), exposure.features.size());
      }
      served_control_ = exposure.variant_served != exposure.variant_assigned;
    });
    return line;
  }

  std::string LoggedByLibrary(const Exposure& known) {
    espalier_answer answer = {};
    answer.struct_size = sizeof(answer);
    answer.served_control = served_control_ ? 1 : 0;
    answer.status = known.status;
    answer.rows = known.rows;
    answer.latency_micros = known.latency_micros;
    answer.sha256 = sha256_.c_str();
    answer.scores = scores_.data();
    answer.num_scores = scores_.size();
    answer.features = features_.data();
    answer.num_features = features_.size();
    std::string line(4096, '\0');
    size_t size = 0;
    EXPECT_EQ(espalier_exposure_json(&assignment_, &answer, line.data(), line.size(), &size), ESPALIER_OK)
        << espalier_assign_error();
    line.resize(size);
    return line;
  }

  // Asks both, and compares everything that either says.
  void Compare(const Asked& asked) {
    const auto response = front_.Infer(ToServer(asked));
    ASSERT_EQ(Decide(asked), ESPALIER_OK) << espalier_assign_error();
    ++reasons_[assignment_.reason];
    Exposure known;
    const std::string logged = LoggedByServer(&known);
    ASSERT_EQ(assignment_.enrolled == 1, !logged.empty());
    if (!logged.empty()) {
      ASSERT_EQ(LoggedByLibrary(known), logged);
    }
    if (!response.ok()) return;
    ASSERT_EQ(Parameter(*response, "espalier_variant"), assignment_.enrolled == 1 ? assignment_.variant : "");
    ASSERT_EQ(Parameter(*response, "espalier_experiment"),
              assignment_.enrolled == 1 ? assignment_.experiment : "");
    const int64_t version = served_control_ ? assignment_.control_version : assignment_.version;
    ASSERT_EQ(response->model_version(), std::to_string(version));
  }

  void CompareAll(const std::function<void(int, Asked&)>& change = {}) {
    for (int i = 0; i < kUnits && !HasFatalFailure(); ++i) {
      Asked asked = Ask(i);
      if (change) change(i, asked);
      served_control_ = false;
      SCOPED_TRACE(i);
      Compare(asked);
      front_.clock.Advance(std::chrono::microseconds(300));
    }
  }

  // How often each reason was given.
  int Count(const std::string& reason) { return reasons_[reason]; }

  Front front_;
  espalier_experiments* experiments_ = nullptr;
  espalier_event_ids* ids_ = nullptr;
  espalier_assignment assignment_ = {};
  std::map<std::string, int> reasons_;
  std::string sha256_;
  std::vector<float> scores_;
  std::vector<float> features_;
  bool served_control_ = false;
};

TEST_F(EmbeddedAssignmentTest, CumulativeWeightsAndCoverage) {
  Load(Document("e", "unit: {attribute: user_id}\ncoverage: 0.3\nconfig_version: 12\nseed: another\n"));
  CompareAll();
  EXPECT_GT(Count("hash"), kUnits / 5);
  EXPECT_GT(Count("not enrolled: coverage"), kUnits / 2);
}

TEST_F(EmbeddedAssignmentTest, CanaryLayout) {
  Load(Document("e", "unit: {attribute: user_id}\nlayout: canary\ncoverage: 0.9\n"));
  CompareAll();
  EXPECT_GT(Count("hash"), kUnits * 8 / 10);
}

TEST_F(EmbeddedAssignmentTest, ExplicitRanges) {
  Load(Document("e", "unit: {attribute: user_id}\n", R"(variants:
  - {key: control, version: 1, weight: 0.5, control: true, ranges: [[0, 0.2], [0.8, 1]]}
  - {key: t1, version: 3, weight: 0.5, ranges: [[0.3, 0.5], [0.6, 0.7]]}
)"));
  CompareAll();
  EXPECT_GT(Count("hash"), kUnits / 2);
  EXPECT_GT(Count("not enrolled: coverage"), kUnits / 5);
}

TEST_F(EmbeddedAssignmentTest, LayersAndHoldouts) {
  Load(StrCat(Document("first", R"(unit: {attribute: user_id}
layer: {name: checkout, ranges: [[0, 0.4]]}
holdout: {name: all, share: 0.2}
)"),
              "---\n", Document("second", R"(unit: {attribute: tail}
layer: {name: checkout, ranges: [[0.4, 0.7], [0.9, 1]]}
)")));
  CompareAll();
  EXPECT_GT(Count("hash"), kUnits / 3);
  EXPECT_GT(Count("not enrolled: layer"), kUnits / 10);
  EXPECT_GT(Count("not enrolled: holdout"), kUnits / 20);
}

TEST_F(EmbeddedAssignmentTest, OverridesAndTargeting) {
  Load(Document("e", R"(unit: {attribute: user_id}
overrides: {u1: t2, u7: control, u8: t1}
targeting: {origin: {$in: [JFK, EWR]}, passengers: {$gte: 30}, $or: [{member: true}, {ratio: {$lt: 100}}]}
)"));
  CompareAll();
  EXPECT_EQ(Count("override"), 3);
  EXPECT_GT(Count("hash"), kUnits / 3);
  EXPECT_GT(Count("not enrolled: targeting"), kUnits / 3);
}

TEST_F(EmbeddedAssignmentTest, UnitlessByRequestIdAndByEventId) {
  Load(Document("e", "unit: {attribute: user_id, fallback: request_id}\ncoverage: 0.7\n"));
  CompareAll([](int i, Asked& asked) {
    if (i % 3 != 0) asked.attributes.erase("user_id");
    if (i % 3 == 1) asked.id = "request " + std::to_string(i);
  });
  EXPECT_GT(Count("hash"), kUnits / 5);
  EXPECT_GT(Count("unitless"), kUnits / 3);
}

TEST_F(EmbeddedAssignmentTest, WithoutFallbackNobodyIsEnrolledWithoutUnit) {
  Load(Document("e", "unit: {attribute: user_id}\n"));
  CompareAll([](int i, Asked& asked) {
    if (i % 2 == 0) asked.attributes["user_id"] = "";
    asked.id = "r";
  });
  EXPECT_EQ(Count("not enrolled: no unit"), kUnits / 2);
}

TEST_F(EmbeddedAssignmentTest, NumbersAndBoolsAreUnitsToo) {
  for (const char* attribute : {"passengers", "ratio", "member"}) {
    SCOPED_TRACE(attribute);
    espalier_experiments_free(experiments_);
    Load(Document("e", StrCat("unit: {attribute: ", attribute, "}\n")));
    CompareAll();
  }
  EXPECT_EQ(Count("hash"), 3 * kUnits);
}

TEST_F(EmbeddedAssignmentTest, ClosedExperiments) {
  const std::string unit = "unit: {attribute: user_id}\n";
  for (const auto& [more, reason] :
       std::map<std::string, std::string>{{"state: held\n", "not enrolled: held"},
                                          {"state: rolled_back\n", "not enrolled: rolled back"},
                                          {StrCat("end: ", kNow, "\n"), "not enrolled: ended"},
                                          {"start: 2023-11-14T22:14:20Z\n", "not enrolled: not started"}}) {
    SCOPED_TRACE(more);
    espalier_experiments_free(experiments_);
    Load(Document("e", StrCat(unit, more)));
    reasons_.clear();
    CompareAll();
    EXPECT_EQ(Count(reason), kUnits);
  }
}

TEST_F(EmbeddedAssignmentTest, EnrolmentBeginsAndEndsAtTheSameMicrosecond) {
  // 3,000 requests, 300 microseconds apart.
  Load(Document("e",
                "unit: {attribute: user_id}\nstart: 2023-11-14T22:13:20.3Z\nend: 2023-11-14T22:13:20.6Z\n"));
  CompareAll();
  EXPECT_EQ(Count("hash"), 1000);
  EXPECT_EQ(Count("not enrolled: not started"), 1000);
}

// Of these the server knows which version answers, and the library does not.
TEST_F(EmbeddedAssignmentTest, DraftsAndConcludedOnesDoNotConcernRequests) {
  for (const char* state : {"draft", "concluded"}) {
    espalier_experiments_free(experiments_);
    Load(Document("e", StrCat("unit: {attribute: user_id}\nstate: ", state, "\n")));
    const Asked asked = Ask(1);
    const auto response = front_.Infer(ToServer(asked));
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(Parameter(*response, "espalier_variant"), "");
    ASSERT_EQ(Decide(asked), ESPALIER_OK);
    EXPECT_EQ(assignment_.variant, nullptr);
    EXPECT_STREQ(assignment_.reason, "not enrolled: no experiment");
  }
}

TEST_F(EmbeddedAssignmentTest, TheControlStepsInAlike) {
  Serve({1, 2}, {{3, "corrupt"}});
  Load(Document("e", R"(unit: {attribute: user_id, fallback: request_id}
on_variant_error: {serve: control}
overrides: {u5: t2}
)"));
  CompareAll([](int i, Asked& asked) {
    if (i % 5 == 1) asked.attributes.erase("user_id");
  });
  EXPECT_EQ(Count("override"), 1);
  EXPECT_GT(Count("unitless"), 100);
}

TEST_F(EmbeddedAssignmentTest, WithoutTheControlNothingAnswersAlike) {
  Serve({1, 2}, {{3, "corrupt"}});
  Load(Document("e", "unit: {attribute: user_id}\n"));
  CompareAll();
  EXPECT_EQ(Count("hash"), kUnits);
}

TEST_F(EmbeddedAssignmentTest, RefusesTheSameUnitsInTheSameWords) {
  Load(Document("e", "unit: {attribute: user_id, fallback: request_id}\n"));
  for (const std::string& unit : {std::string(257, 'x'), std::string(10'000, 'x')}) {
    Asked asked = Ask(0);
    asked.attributes["user_id"] = unit;
    const absl::Status refused = front_.Infer(ToServer(asked)).status();
    EXPECT_EQ(Decide(asked), static_cast<espalier_status>(refused.code()));
    EXPECT_EQ(espalier_assign_error(), Message(refused));
  }
  Asked asked = Ask(0);
  asked.attributes["user_id"] = std::string(256, 'x');
  Compare(asked);
}

}  // namespace
}  // namespace espalier
