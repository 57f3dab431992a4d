// `espalier assign` and the library of espalier/assign.h give one answer.
#include "services/cli/assign_verb.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "espalier/assign.hpp"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/cli/cli.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr std::string_view kDocuments = R"(experiment: first
model: m
unit: {attribute: user_id, fallback: request_id}
layer: {name: checkout, ranges: [[0, 0.5]]}
holdout: {name: all, share: 0.1}
overrides: {unit3: t}
targeting: {country: {$in: [NL, DE]}}
layout: canary
variants:
  - {key: control, version: 1, weight: 0.7, control: true}
  - {key: t, version: 2, weight: 0.3}
---
experiment: second
model: m
unit: {attribute: session}
layer: {name: checkout, ranges: [[0.6, 0.9]]}
coverage: 0.5
variants:
  - {key: control, version: 4, weight: 0.5, control: true}
  - {key: t, version: 5, weight: 0.5}
)";

class AssignVerbTest : public testing::Test {
 protected:
  AssignVerbTest() {
    std::string name = (std::filesystem::temp_directory_path() / "assign-verb-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = (folder_ / "e.yaml").string();
    EXPECT_TRUE(WriteFileAtomically(path_, kDocuments).ok());
  }
  ~AssignVerbTest() override { std::filesystem::remove_all(folder_); }

  json Printed(std::vector<std::string> more) const {
    Cli cli;
    AddAssignVerb(cli);
    more.insert(more.begin(), {"espalier", "assign", "--json", "--experiment", path_});
    std::vector<char*> argv;
    for (std::string& argument : more) argv.push_back(argument.data());
    testing::internal::CaptureStdout();
    EXPECT_EQ(cli.Main(static_cast<int>(argv.size()), argv.data()), 0);
    return json::parse(testing::internal::GetCapturedStdout());
  }

  static json Described(const embedded::Assignment& assignment) {
    const auto bucket = assignment.bucket();
    return {{"variant", assignment.variant()},
            {"reason", assignment.reason()},
            {"bucket", bucket.has_value() ? json(*bucket) : json()},
            {"version", assignment.version()}};
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(AssignVerbTest, TheLibrarySaysWhatTheVerbPrints) {
  const auto experiments = embedded::Experiments::Load(path_);
  ASSERT_TRUE(experiments.ok()) << experiments.status().message();
  std::map<std::string, int> reasons;
  for (int i = 0; i < 300; ++i) {
    const std::string unit = StrCat("unit", i);
    const std::string attributes = i % 4 == 0 ? R"({"country": "FR"})" : R"({"country": "NL"})";
    embedded::Request request;
    request.model = "m";
    request.attributes_json = attributes;
    std::vector<std::string> arguments = {"--attributes", attributes};
    if (i % 5 == 0) {
      request.request_id = unit;
      arguments.insert(arguments.end(), {"--request-id", unit});
    } else {
      request.unit = unit;
      arguments.insert(arguments.end(), {"--unit", unit});
    }
    const auto assignment = experiments->Assign(request);
    ASSERT_TRUE(assignment.ok()) << assignment.status().message();
    EXPECT_EQ(Described(*assignment), Printed(arguments)) << unit;
    ++reasons[std::string(assignment->reason())];
  }
  for (const char* reason : {"hash", "override", "unitless", "not enrolled: layer", "not enrolled: targeting",
                             "not enrolled: holdout", "not enrolled: coverage"}) {
    EXPECT_GT(reasons[reason], 0) << reason;
  }
}

}  // namespace
}  // namespace espalier
