// `espalier assign`, `experiment validate` and `experiment list`, from arguments to output and exit code.
#include "services/cli/experiment_verbs.h"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/cli/assign_verb.h"
#include "services/cli/cli.h"

namespace espalier {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::string_view kDocument = R"(experiment: seed
model: m
unit: {attribute: user_id, fallback: request_id}
overrides: {vip: t}
targeting: {country: NL}
variants:
  - {key: control, version: 1, weight: 0.5, control: true}
  - {key: t, version: 2, weight: 0.5}
)";

struct Result {
  int code = 0;
  std::string out;
  std::string err;
};

class ExperimentVerbsTest : public testing::Test {
 protected:
  ExperimentVerbsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "verbs-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    Write("e.yaml", kDocument);
  }
  ~ExperimentVerbsTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Write(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(WriteFileAtomically(Path(name), text).ok());
  }

  static Result Run(std::vector<std::string> arguments) {
    Cli cli;
    AddAssignVerb(cli);
    AddExperimentVerbs(cli);
    arguments.insert(arguments.begin(), "espalier");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Result result;
    result.code = cli.Main(static_cast<int>(argv.size()), argv.data());
    result.out = testing::internal::GetCapturedStdout();
    result.err = testing::internal::GetCapturedStderr();
    return result;
  }

  json Assign(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"assign", "--experiment", Path("e.yaml"), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = Run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    return json::parse(result.out);
  }

  std::filesystem::path folder_;
};

TEST_F(ExperimentVerbsTest, AssignSaysVariantReasonBucketAndVersion) {
  // Published: hash("seed", "b", 2) = 0.2696.
  EXPECT_EQ(Assign({"--unit", "b", "--attributes", R"({"country": "NL"})"}),
            json::parse(R"({"variant": "control", "reason": "hash", "bucket": 2696, "version": 1})"));
  EXPECT_EQ(Assign({"--unit", "b"})["reason"], "not enrolled: targeting");
  EXPECT_EQ(Assign({"--unit", "b"})["bucket"], 2696);
  EXPECT_EQ(Assign({"--unit", "vip"})["reason"], "override");
  EXPECT_EQ(Assign({"--unit", "vip"})["version"], 2);
  EXPECT_EQ(Assign({"--attributes", R"({"country": "NL", "user_id": "b"})"})["bucket"], 2696);
  EXPECT_EQ(Assign({"--request-id", "b", "--attributes", R"({"country": "NL"})"}),
            json::parse(R"({"variant": "control", "reason": "unitless", "bucket": 2696, "version": 1})"));
}

// The bucket is the unit's, whatever kept it out.
TEST_F(ExperimentVerbsTest, AUnitOutsideOfTheLayerHasItsBucket) {
  Write("e.yaml", StrCat(kDocument, "layer: {name: l, ranges: [[0, 0.001]]}\n"));
  EXPECT_EQ(Assign({"--unit", "b"}), json::parse(R"({"variant": "control", "reason": "not enrolled: layer",
                                                     "bucket": 2696, "version": 1})"));
}

TEST_F(ExperimentVerbsTest, AssignPrintsATableForPeople) {
  const Result result = Run({"assign", "--experiment", Path("e.yaml"), "--unit", "vip"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("variant  t\nreason   override\nbucket   "));
}

TEST_F(ExperimentVerbsTest, OfADraftTheControlIsNamed) {
  Write("e.yaml", StrCat(kDocument, "state: draft\n"));
  EXPECT_EQ(Assign({"--unit", "b"}),
            json::parse(
                R"({"variant": "control", "reason": "not enrolled: draft", "bucket": null, "version": 1})"));
}

TEST_F(ExperimentVerbsTest, AssignRefusesWithOneLine) {
  const auto refused = [](std::vector<std::string> arguments, int code, std::string_view part) {
    const Result result = Run(std::move(arguments));
    EXPECT_EQ(result.code, code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(std::string(part)));
  };
  refused({"assign"}, 2, "--experiment FILE or --vectors FILE is required");
  refused({"assign", "--experiment", Path("e.yaml"), "--attributes", "[1]"}, 2,
          "--attributes: must be a JSON object");
  refused({"assign", "--experiment", Path("e.yaml"), "--attributes", "{"}, 2, "--attributes: is no JSON");
  refused({"assign", "--experiment", Path("e.yaml"), "--vectors", "-"}, 2, "excludes");
  refused({"assign", "--experiment", Path("none.yaml")}, 1, "none.yaml");
  refused({"assign", "--experiment", folder_.string()}, 1, folder_.string());
  refused({"assign", "--vectors", Path("none.jsonl")}, 1, "none.jsonl: cannot be opened");
  refused({"assign", "--vectors", folder_.string()}, 1, "cannot be read");
  // As the server does.
  refused({"assign", "--experiment", Path("e.yaml"), "--unit", std::string(257, 'u')}, 1,
          "the unit, parameter 'user_id', has 257 bytes; valid UTF-8 of at most 256 bytes is needed");
  refused({"assign", "--experiment", Path("e.yaml"), "--unit", "\xff"}, 1,
          "the unit, parameter 'user_id', has 1 bytes");
  refused({"experiment"}, 2, "subcommand is required");
  refused({"experiment", "validate"}, 2, "path");
  refused({"experiment", "validate", Path("none.yaml")}, 1, "none.yaml");
  refused({"experiment", "list", "--experiments", Path("none")}, 1, "none");
}

TEST_F(ExperimentVerbsTest, VectorsAreAnsweredLineByLine) {
  Write("v.jsonl",
        "{\"op\":\"hash\",\"seed\":\"seed\",\"value\":\"b\",\"version\":2}\nnonsense\n\n"
        "{\"op\":\"choose\",\"n\":0.3,\"ranges\":[[0,1]]}");
  const Result result = Run({"assign", "--vectors", Path("v.jsonl")});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out,
              testing::MatchesRegex("\\{\"result\":0.2696\\}\n\\{\"error\":.*\\}\n\\{\"error\":.*\\}\n"
                                    "\\{\"result\":0\\}\n"));
}

TEST_F(ExperimentVerbsTest, ValidateChecksFilesAndDirectories) {
  Result result = Run({"experiment", "validate", Path("e.yaml")});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("control=1:0.5 t=2:0.5\nvalid\n"));
  Write("f.yaml", kDocument);
  result = Run({"experiment", "validate", folder_.string()});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("f.yaml: experiment \"seed\" stands in "));
  Write("f.yaml", StrCat("experiment: f\n", kDocument.substr(kDocument.find("model:"))));
  result = Run({"experiment", "validate", folder_.string()});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr(StrCat(Path("f.yaml"), ": experiment \"f\": layer: is missing; ")));
  Write("f.yaml", StrCat(kDocument, "ramp: {}\n"));
  result = Run({"experiment", "validate", Path("f.yaml")});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err,
            StrCat("espalier: ", Path("f.yaml"), ": ramp: is not acted on by this build; remove it\n"));
}

TEST_F(ExperimentVerbsTest, ListShowsConfigVersionsOfTheServer) {
  const auto config_version = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"experiment", "list", "--experiments", folder_.string(), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = Run(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    const json list = json::parse(result.out)["experiments"];
    EXPECT_EQ(list[0]["experiment"], "seed");
    EXPECT_EQ(list[0]["variants"][1]["version"], 2);
    return list[0]["config_version"].get<int>();
  };
  EXPECT_EQ(config_version({}), 1);
  std::filesystem::create_directory(Path("data"));
  Write("data/experiments.json", R"({"seed": {"digest": "of something else", "config_version": 4}})");
  EXPECT_EQ(config_version({"--data", Path("data")}), 5);
}

}  // namespace
}  // namespace espalier
