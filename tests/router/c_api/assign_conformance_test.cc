// The vectors of tests/conformance, as far as a document can ask what they ask.
#include <cmath>
#include <fstream>
#include <functional>
#include <string>

#include "nlohmann/json.hpp"
#include "tests/router/c_api/loaded_experiments.h"

namespace espalier {
namespace {

using nlohmann::json;

json Document() {
  return {{"experiment", "e"},
          {"model", "m"},
          {"unit", {{"attribute", "the_unit"}}},
          {"variants", json::array({{{"key", "control"}, {"version", 1}, {"weight", 1.0}, {"control", true}},
                                    {{"key", "t"}, {"version", 2}, {"weight", 0.0}}})}};
}

// Runs `check` for every vector of the file with that `op`; how many there were.
int ForEach(const std::string& name, const std::string& op, const std::function<void(const json&)>& check) {
  std::ifstream file(std::string(ESPALIER_CONFORMANCE_DIR "/") + name);
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    const json vector = json::parse(line);
    if (vector["in"].value("op", "") != op || !vector.contains("out")) continue;
    SCOPED_TRACE(vector["name"].get<std::string>());
    check(vector);
    ++count;
  }
  return count;
}

TEST(AssignConformanceTest, BucketsAreTheHashes) {
  int checked = 0;
  ForEach("bucketing.jsonl", "hash", [&](const json& vector) {
    const json& in = vector["in"];
    if (in["version"] != 2 || !in["seed"].is_string() || in["seed"] == "" || in["value"] == "") return;
    // More than a unit may have.
    if (in["value"].is_string() && in["value"].get_ref<const std::string&>().size() > 256) return;
    json document = Document();
    document["seed"] = in["seed"];
    const LoadedExperiments experiments = LoadText(document.dump(), "e.json");
    const std::string attributes = json{{"the_unit", in["value"]}}.dump();
    espalier_request request = RequestOf("m", nullptr);
    request.attributes_json = attributes.c_str();
    EXPECT_EQ(Assign(experiments, request).bucket, std::lround(vector["out"].get<double>() * 10'000));
    ++checked;
  });
  EXPECT_GE(checked, 7);
}

TEST(AssignConformanceTest, LayersAreNamespaces) {
  const int checked = ForEach("bucketing.jsonl", "in_namespace", [](const json& vector) {
    const json& space = vector["in"]["namespace"];
    json document = Document();
    document["layer"] = {{"name", space[0]}, {"ranges", json::array({{space[1], space[2]}})}};
    const std::string unit = vector["in"]["unit"];
    const espalier_assignment assignment =
        Assign(LoadText(document.dump(), "e.json"), RequestOf("m", unit.c_str()));
    EXPECT_EQ(assignment.enrolled == 1, vector["out"].get<bool>());
  });
  EXPECT_GE(checked, 1);
}

// A document is refused where GrowthBook's SDKs let a senseless condition not hold.
TEST(AssignConformanceTest, TargetingIsTheConditions) {
  int checked = 0;
  const int all = ForEach("conditions.jsonl", "condition", [&](const json& vector) {
    const json& in = vector["in"];
    if (!in["attributes"].is_object() || !in["condition"].is_object() || in["condition"].empty()) return;
    json document = Document();
    document["targeting"] = in["condition"];
    if (in.contains("saved_groups")) document["saved_groups"] = in["saved_groups"];
    const std::string text = document.dump();
    espalier_experiments* loaded = nullptr;
    if (espalier_experiments_load_memory(text.data(), text.size(), "e.json", &loaded) != ESPALIER_OK) return;
    const LoadedExperiments experiments(loaded, espalier_experiments_free);
    const std::string attributes = in["attributes"].dump();
    espalier_request request = RequestOf("m", "u");
    request.attributes_json = attributes.c_str();
    const espalier_assignment assignment = Assign(experiments, request);
    EXPECT_EQ(assignment.enrolled == 1, vector["out"].get<bool>()) << assignment.reason;
    ++checked;
  });
  EXPECT_GE(checked, all * 2 / 3);
  EXPECT_GE(checked, 50);
}

}  // namespace
}  // namespace espalier
