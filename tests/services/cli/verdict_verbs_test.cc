// `analyze`, `experiment status` and `outcome` as a user runs them.
#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "models/base/mutex.h"
#include "nlohmann/json.hpp"
#include "proto/espalier/v1/outcomes.grpc.pb.h"
#include "services/events/event_writer.h"
#include "tests/services/events/event_log_fixture.h"
#include "tests/testing/program.h"

namespace espalier {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

class VerdictVerbsTest : public testing::Test {
 protected:
  static ProgramResult Run(const std::vector<std::string>& arguments) {
    return RunProgram(ESPALIER_PROGRAM, arguments);
  }

  // An error is one line.
  static void ExpectError(const std::vector<std::string>& arguments, int exit_code, const std::string& part) {
    const ProgramResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_THAT(result.err, HasSubstr(part));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1);
    EXPECT_EQ(result.out, "");
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }

  TemporaryDirectory directory_;
};

class AnalyzeTest : public VerdictVerbsTest {
 protected:
  AnalyzeTest() {
    std::string csv = "arm,visit\n";
    for (int i = 0; i < 3000; ++i) csv += i < 1396 ? "a,1\n" : "a,0\n";
    for (int i = 0; i < 3461; ++i) csv += i < 2422 ? "b,1\n" : "b,0\n";
    input_ = Write("visits.csv", csv);
  }

  std::vector<std::string> With(const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"analyze",   "--input", input_,     "--variant",       "arm",
                                          "--control", "a",       "--metric", "visit:proportion"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  std::string input_;
};

TEST_F(AnalyzeTest, GivesTheCheckValues) {
  const ProgramResult result = Run(With({"--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["experiment"], "visits");
  EXPECT_EQ(report["units"], 6461);
  const json& treatment = report["metrics"][0]["variants"][1];
  EXPECT_EQ(treatment["key"], "b");
  EXPECT_NEAR(treatment["relative"], 0.50386, 5e-6);
  EXPECT_NEAR(treatment["relative_low"], 0.40098, 5e-6);
  EXPECT_NEAR(treatment["relative_high"], 0.60675, 5e-6);
  EXPECT_EQ(treatment["verdict"], "better");
}

TEST_F(AnalyzeTest, OptionsSelectTheEngine) {
  EXPECT_THAT(Run(With({"--engine", "fixed"})).out, HasSubstr("fixed engine"));
  const json bayesian = json::parse(Run(With({"--engine", "bayesian", "--json"})).out);
  EXPECT_GT(bayesian["metrics"][0]["variants"][1]["chance_to_win"], 0.999);
  EXPECT_THAT(Run(With({"--shares", "a=3000,b=3461"})).out, HasSubstr("chi2 0 (df 1), p 1"));
}

// A file's name is bytes, JSON is UTF-8.
TEST_F(AnalyzeTest, JsonTakesAnyFileName) {
  const std::string name = directory_.path() + "/caf\xE9.csv";
  std::filesystem::copy_file(input_, name);
  std::vector<std::string> arguments = With({"--json"});
  arguments[2] = name;
  const ProgramResult result = Run(arguments);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out)["experiment"], "caf\uFFFD");
}

TEST_F(AnalyzeTest, MistakesAreOneLine) {
  ExpectError({"analyze"}, 2, "--input");
  ExpectError(With({"--metric", "visit:median"}), 2, "median");
  ExpectError(With({"--engine", "magic"}), 2, "magic");
  ExpectError(With({"--alpha", "1"}), 2, "--alpha");
  ExpectError(With({"--n-star", "0"}), 2, "--n-star");
  ExpectError(With({"--shares", "a=x,b=1"}), 2, "--shares");
  ExpectError(With({"--correction", "bonferroni"}), 2, "bonferroni");
  ExpectError(With({"--unit", "user"}), 1, "column \"user\"");
  std::ofstream(input_, std::ios::app) << "\xE9,1\n";
  ExpectError(With({"--json"}), 1, "visits.csv: line 6463: is not valid UTF-8");
  ExpectError({"analyze", "--input", "nowhere.csv", "--variant", "a", "--control", "b", "--metric", "c:mean"},
              1, "nowhere.csv");
}

constexpr char kDocument[] = R"(
experiment: delay
model: flight-delay
unit: {attribute: tail}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: weather, version: 2, weight: 0.5}
metrics:
  goals: [{name: late, type: mean, outcome: late, better: down}]
analysis: {n_star: 500}
)";

class StatusTest : public VerdictVerbsTest {
 protected:
  // 400 units, of which the treatment's are late less often.
  void WriteEvents() {
    absl::StatusOr<EventWriter> writer = EventWriter::Open(EventsPath(directory_.path()), 0);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE(writer->Begin().ok());
    for (uint64_t i = 1; i <= 400; ++i) {
      Exposure exposure = MakeExposure(i);
      const std::string unit = "u" + std::to_string(i);
      exposure.unit = unit;
      exposure.variant_assigned = exposure.variant_served = i % 2 == 0 ? "control" : "weather";
      exposure.model_version = i % 2 == 0 ? 1 : 2;
      ASSERT_TRUE(writer->Append(exposure).ok());
      ASSERT_TRUE(
          writer->Apply(MakeOutcome(i, i % 10 < (i % 2 == 0 ? 8 : 2) ? 1 : 0), kStartMicros, nullptr).ok());
    }
    ASSERT_TRUE(writer->Commit().ok());
  }
};

TEST_F(StatusTest, JudgesTheOnlyExperimentByItself) {
  WriteEvents();
  const std::string document = Write("delay.yaml", kDocument);
  const std::vector<std::string> verb = {"experiment", "status", "--experiments",
                                         document,     "--data", directory_.path()};
  const ProgramResult text = Run(verb);
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("weather is better than control on late"));
  std::vector<std::string> as_json = verb;
  as_json.insert(as_json.end(), {"delay", "--json"});
  const json report = json::parse(Run(as_json).out);
  EXPECT_EQ(report["state"], "running");
  EXPECT_EQ(report["units"], 400);
  EXPECT_EQ(report["exposures"], 400);
  EXPECT_EQ(report["config_version"], 2);
  EXPECT_LT(report["metrics"][0]["variants"][1]["p"], 0.001);
}

TEST_F(StatusTest, MistakesAreOneLine) {
  const std::string document = Write("delay.yaml", kDocument);
  const std::string data = directory_.path();
  ExpectError({"experiment", "status", "--experiments", document, "--data", data}, 1, "events.db");
  WriteEvents();
  ExpectError({"experiment", "status"}, 2, "--experiments");
  ExpectError({"experiment", "status", "other", "--experiments", document, "--data", data}, 1,
              "no experiment \"other\"; it has delay");
  ExpectError({"experiment", "status", "--experiments", data + "/nowhere", "--data", data}, 1, "nowhere");
  Write("delay.yaml", std::string(kDocument) + "---" + std::string(kDocument).replace(13, 5, "price"));
  ExpectError({"experiment", "status", "--experiments", document, "--data", data}, 2, "price");
}

// Accepts every outcome but those named "refused".
class FakeOutcomes final : public espalier::v1::Outcomes::Service {
 public:
  grpc::Status Report(grpc::ServerContext*, const espalier::v1::ReportRequest* request,
                      espalier::v1::ReportResponse* response) override {
    MutexLock lock(mutex_);
    for (const espalier::v1::Outcome& outcome : request->outcomes()) {
      outcomes_.push_back(outcome.ShortDebugString());
      google::rpc::Status& result = *response->add_results();
      if (outcome.name() != "refused") continue;
      result.set_code(5);
      result.set_message("event is unknown");
    }
    return grpc::Status::OK;
  }

  std::vector<std::string> outcomes() {
    MutexLock lock(mutex_);
    return outcomes_;
  }

 private:
  Mutex mutex_;
  std::vector<std::string> outcomes_ ABSL_GUARDED_BY(mutex_);
};

class OutcomeTest : public VerdictVerbsTest {
 protected:
  OutcomeTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~OutcomeTest() override { server_->Shutdown(); }

  FakeOutcomes service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

TEST_F(OutcomeTest, ReportsOne) {
  const ProgramResult result = Run({"outcome", "42", "late", "0.5", "--row", "3", "--time",
                                    "2013-07-01T12:30:00Z", "--correct", "--server", address_});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "OK 1\n");
  EXPECT_THAT(service_.outcomes(),
              ElementsAre("event_id: \"42\" row: 3 name: \"late\" value: 0.5 event_time { "
                          "seconds: 1372681800 } correct: true"));
}

TEST_F(OutcomeTest, ReportsATableInSeveralRequests) {
  std::string csv = "name,event_id,row,value\n";
  for (int i = 1; i <= 12'000; ++i) csv += "late," + std::to_string(i) + ",,1\n";
  const ProgramResult result =
      Run({"outcome", "--csv", Write("outcomes.csv", csv), "--server", address_, "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(json::parse(result.out), (json{{"outcomes", 12'000}, {"results", {{"OK", 12'000}}}}));
  EXPECT_EQ(service_.outcomes().size(), 12'000u);
  EXPECT_EQ(service_.outcomes().back(), "event_id: \"12000\" name: \"late\" value: 1");
}

TEST_F(OutcomeTest, RefusalsAreTold) {
  const std::string csv = Write("outcomes.csv", "event_id,name,value\n1,late,1\n2,refused,1\n");
  const ProgramResult result = Run({"outcome", "--csv", csv, "--server", address_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "NOT_FOUND 1\nOK 1\n");
  EXPECT_THAT(result.err,
              HasSubstr("1 of 2 outcomes were refused; the first: " + csv + " line 3: event is unknown"));
}

TEST_F(OutcomeTest, MistakesAreOneLineAndReportNothing) {
  const auto with_server = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--server", address_});
    return arguments;
  };
  ExpectError(with_server({"outcome"}), 2, "EVENT_ID NAME VALUE");
  ExpectError(with_server({"outcome", "1", "late"}), 2, "EVENT_ID NAME VALUE");
  ExpectError(with_server({"outcome", "x", "late", "1"}), 2, "event_id \"x\"");
  ExpectError(with_server({"outcome", "1", "late", "nan"}), 2, "finite");
  ExpectError(with_server({"outcome", "1", "late", "1", "--time", "yesterday"}), 2, "yesterday");
  const auto table = [&](const std::string& text) {
    return with_server({"outcome", "--csv", Write("outcomes.csv", text)});
  };
  ExpectError(table("event_id,name\n"), 1, "column value is missing");
  ExpectError(table("event_id,name,value,colour\n"), 1, "colour");
  ExpectError(table("event_id,name,value,value\n1,late,1,0\n"), 1, "column value stands twice");
  ExpectError(table("event_id,name,value\n1,late,1\n2,late,x\n"), 1, "line 3: value \"x\"");
  ExpectError(table("event_id,name,value\n1,late\n"), 1, "line 2: 2 fields");
  ExpectError(table(""), 1, "is empty");
  EXPECT_TRUE(service_.outcomes().empty());
  server_->Shutdown();
  ExpectError(with_server({"outcome", "1", "late", "1"}), 1, address_);
}

}  // namespace
}  // namespace espalier
