#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "tests/router/c_api/c_caller.h"
#include "tests/router/c_api/loaded_experiments.h"

namespace espalier {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// Published: hash("seed", "b", 2) = 0.2696, and so the control's; "c" is at 0.4996; "a" at 0.2055.
constexpr char kDocument[] = R"(experiment: seed
model: m
unit: {attribute: user_id, fallback: request_id}
overrides: {vip: t}
on_variant_error: {serve: control}
config_version: 7
variants:
  - {key: control, version: 1, weight: 0.25, control: true}
  - {key: t, version: 2, weight: 0.75}
)";

std::string ExposureOf(const espalier_assignment& assignment, const espalier_answer* answer = nullptr) {
  std::string line(4096, '\0');
  size_t size = 0;
  EXPECT_EQ(espalier_exposure_json(&assignment, answer, line.data(), line.size(), &size), ESPALIER_OK)
      << espalier_assign_error();
  EXPECT_EQ(std::strlen(line.c_str()), size);
  line.resize(size);
  return line;
}

class AssignCTest : public testing::Test {
 protected:
  AssignCTest() {
    std::string name = (std::filesystem::temp_directory_path() / "assign-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~AssignCTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::string_view text) const {
    const std::string path = (folder_ / name).string();
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }

  void ExpectRefused(const std::string& path, espalier_status code, const std::string& fragment) const {
    espalier_experiments* loaded = experiments_.get();
    EXPECT_EQ(espalier_experiments_load(path.c_str(), &loaded), code) << path;
    EXPECT_EQ(loaded, nullptr);
    EXPECT_THAT(espalier_assign_error(), HasSubstr(fragment));
  }

  std::filesystem::path folder_;
  const LoadedExperiments experiments_ = LoadText(kDocument);
};

TEST_F(AssignCTest, AnEnrolledUnitGetsItsVariant) {
  const espalier_assignment assignment = Assign(experiments_, RequestOf("m", "b"));
  EXPECT_EQ(assignment.enrolled, 1);
  EXPECT_STREQ(assignment.experiment, "seed");
  EXPECT_STREQ(assignment.variant, "t");
  EXPECT_EQ(assignment.version, 2);
  EXPECT_STREQ(assignment.reason, "hash");
  EXPECT_EQ(assignment.bucket, 2696);
  EXPECT_EQ(assignment.layer_slot, -1);
  EXPECT_EQ(assignment.config_version, 7u);
  EXPECT_STREQ(assignment.model, "m");
  EXPECT_STREQ(assignment.probabilities, "[0.25,0.75]");
  EXPECT_STREQ(assignment.control, "control");
  EXPECT_EQ(assignment.control_version, 1);
  EXPECT_EQ(assignment.serve_control_on_error, 1);
  EXPECT_STREQ(assignment.unit, "b");
  EXPECT_EQ(assignment.unit_size, 1u);
  EXPECT_EQ(assignment.now_micros, 1'700'000'000'000'000);
}

TEST_F(AssignCTest, WithoutExperimentThereIsNoVariant) {
  const espalier_assignment assignment = Assign(experiments_, RequestOf("another", "b"));
  EXPECT_EQ(assignment.enrolled, 0);
  EXPECT_EQ(assignment.variant, nullptr);
  EXPECT_EQ(assignment.version, 0);
  EXPECT_STREQ(assignment.reason, "not enrolled: no experiment");
  EXPECT_EQ(assignment.bucket, -1);
}

TEST_F(AssignCTest, OutsideOfTheCoverageTheControlAnswers) {
  const LoadedExperiments none = LoadText(StrCat(kDocument, "coverage: 0\n"));
  const espalier_assignment assignment = Assign(none, RequestOf("m", "b"));
  EXPECT_EQ(assignment.enrolled, 0);
  EXPECT_EQ(assignment.experiment, nullptr);
  EXPECT_STREQ(assignment.variant, "control");
  EXPECT_STREQ(assignment.reason, "not enrolled: coverage");
  EXPECT_EQ(assignment.bucket, 2696);
}

TEST_F(AssignCTest, TheUnitMayBeAnAttribute) {
  espalier_request request = RequestOf("m", nullptr);
  espalier_attribute unit = {};
  unit.name = "user_id";
  unit.text = "b";
  request.attributes = &unit;
  request.num_attributes = 1;
  EXPECT_EQ(Assign(experiments_, request).bucket, 2696);
  request.unit = "vip";
  EXPECT_STREQ(Assign(experiments_, request).reason, "override");
}

TEST_F(AssignCTest, ARequestWithoutUnitIsAssignedByItsIdOrByTheEvents) {
  espalier_request request = RequestOf("m", "");
  request.request_id = "b";
  espalier_assignment assignment = Assign(experiments_, request);
  EXPECT_STREQ(assignment.reason, "unitless");
  EXPECT_EQ(assignment.bucket, 2696);
  request.request_id = nullptr;
  request.event_id = 7130316800000000000;
  assignment = Assign(experiments_, request);
  EXPECT_STREQ(assignment.unit, "7130316800000000000");
  // Without either, all of them would get one variant.
  request.event_id = 0;
  EXPECT_EQ(espalier_experiments_assign(experiments_.get(), &request, &assignment),
            ESPALIER_INVALID_ARGUMENT);
  EXPECT_THAT(espalier_assign_error(), HasSubstr("neither a request_id nor an event_id"));
}

TEST_F(AssignCTest, TimeIsTheCallersOrTheSystems) {
  const LoadedExperiments later = LoadText(StrCat(kDocument, "start: 2023-11-15T00:00:00Z\n"));
  espalier_request request = RequestOf("m", "b");
  EXPECT_STREQ(Assign(later, request).reason, "not enrolled: not started");
  request.now_micros = 1'700'006'400'000'000;
  EXPECT_STREQ(Assign(later, request).reason, "hash");
  request.now_micros = 0;
  EXPECT_GT(Assign(later, request).now_micros, 1'700'006'400'000'000);
}

TEST_F(AssignCTest, AnOlderCallersStructsAreUnderstood) {
  // A header of the future has one field more; 0 in it means what is known today.
  struct Later {
    espalier_request request;
    uint64_t more;
  } later = {RequestOf("m", "b"), 0};
  later.request.struct_size = sizeof(later);
  EXPECT_EQ(Assign(experiments_, later.request).bucket, 2696);
  later.more = 1;
  espalier_assignment assignment = {};
  assignment.struct_size = sizeof(assignment);
  EXPECT_EQ(espalier_experiments_assign(experiments_.get(), &later.request, &assignment),
            ESPALIER_UNIMPLEMENTED);
}

TEST_F(AssignCTest, TheExposureIsTheEventLogsRow) {
  espalier_request request = RequestOf("m", "b");
  request.event_id = 7130316800000000000;
  EXPECT_EQ(ExposureOf(Assign(experiments_, request)),
            R"({"event_id":"7130316800000000000","time_micros":1700000000000000,"experiment":"seed",)"
            R"("config_version":7,"unit":"b","bucket":2696,"layer_slot":null,"probabilities":[0.25,0.75],)"
            R"("variant_assigned":"t","variant_served":"t","reason":"hash","model":"m","model_version":2,)"
            R"("sha256":"","rows":0,"latency_micros":0,"status":0,"scores":null,"features":null})");
}

TEST_F(AssignCTest, TheExposureSaysWhatAnswered) {
  espalier_request request = RequestOf("m", "b");
  request.event_id = 1;
  const espalier_assignment assignment = Assign(experiments_, request);
  const float scores[] = {0.1f, -3.5f};
  espalier_answer answer = {};
  answer.struct_size = sizeof(answer);
  answer.served_control = 1;
  answer.rows = 2;
  answer.latency_micros = 250;
  answer.sha256 = "abc";
  answer.scores = scores;
  answer.num_scores = 2;
  json exposure = json::parse(ExposureOf(assignment, &answer));
  EXPECT_EQ(exposure["variant_assigned"], "t");
  EXPECT_EQ(exposure["variant_served"], "control");
  EXPECT_EQ(exposure["reason"], "fallback");
  EXPECT_EQ(exposure["model_version"], 1);
  EXPECT_EQ(exposure["rows"], 2);
  EXPECT_EQ(exposure["latency_micros"], 250);
  EXPECT_EQ(exposure["sha256"], "abc");
  EXPECT_EQ(exposure["scores"], json::parse("[0.1, -3.5]"));
  answer = {};
  answer.struct_size = sizeof(answer);
  answer.status = 14;
  exposure = json::parse(ExposureOf(assignment, &answer));
  EXPECT_EQ(exposure["status"], 14);
  EXPECT_EQ(exposure["model_version"], 0);
  EXPECT_EQ(exposure["reason"], "hash");
}

TEST_F(AssignCTest, AnExposureOutlivesItsRequest) {
  espalier_assignment assignment;
  {
    const std::string unit = "a unit that is gone when the exposure is written";
    espalier_request request = RequestOf("m", unit.c_str());
    request.event_id = 1;
    assignment = Assign(experiments_, request);
  }
  EXPECT_EQ(json::parse(ExposureOf(assignment))["unit"], "a unit that is gone when the exposure is written");
}

TEST_F(AssignCTest, EventIdsAscendAndNameTheFront) {
  espalier_event_ids* ids = nullptr;
  ASSERT_EQ(espalier_event_ids_create(5, 0, &ids), ESPALIER_OK);
  uint64_t last = 0;
  for (int i = 0; i < 10'000; ++i) {
    uint64_t id = 0;
    ASSERT_EQ(espalier_event_ids_next(ids, 1'700'000'000'000'000, &id), ESPALIER_OK);
    ASSERT_GT(id, last);
    ASSERT_EQ(id >> 12 & 1023, 5u);
    last = id;
  }
  espalier_event_ids_free(ids);
  // A clock that was set back meanwhile.
  ASSERT_EQ(espalier_event_ids_create(5, last, &ids), ESPALIER_OK);
  uint64_t id = 0;
  ASSERT_EQ(espalier_event_ids_next(ids, 1'600'000'000'000'000, &id), ESPALIER_OK);
  EXPECT_GT(id, last);
  espalier_event_ids_free(ids);
}

TEST_F(AssignCTest, LoadsAFileOrADirectory) {
  Write("a.yaml", kDocument);
  std::string other = kDocument;
  other.replace(other.find("experiment: seed"), 16, "experiment: draft")
      .replace(other.find("model: m"), 8, "model: n");
  Write("b.yml", other + "state: draft\n");
  Write("notes.txt", "nothing for us");
  espalier_experiments* loaded = nullptr;
  ASSERT_EQ(espalier_experiments_load(folder_.c_str(), &loaded), ESPALIER_OK) << espalier_assign_error();
  const LoadedExperiments all(loaded, espalier_experiments_free);
  ASSERT_EQ(espalier_experiments_count(all.get()), 2u);
  espalier_experiment_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(espalier_experiments_describe(all.get(), 0, &info), ESPALIER_OK);
  EXPECT_STREQ(info.experiment, "draft");
  EXPECT_STREQ(info.model, "n");
  EXPECT_STREQ(info.state, "draft");
  EXPECT_STREQ(info.unit_attribute, "user_id");
  EXPECT_EQ(info.num_variants, 2u);
  EXPECT_EQ(Assign(all, RequestOf("m", "b")).bucket, 2696);
  ASSERT_EQ(espalier_experiments_load((folder_ / "a.yaml").c_str(), &loaded), ESPALIER_OK);
  EXPECT_EQ(espalier_experiments_count(loaded), 1u);
  espalier_experiments_free(loaded);
}

TEST_F(AssignCTest, WhatAServerWouldRefuseIsRefused) {
  ExpectRefused("/does/not/exist", ESPALIER_NOT_FOUND, "/does/not/exist");
  ExpectRefused("/dev/null", ESPALIER_FAILED_PRECONDITION, "/dev/null");
  ExpectRefused(Write("bad.yaml", "experiment: [\n"), ESPALIER_INVALID_ARGUMENT, "bad.yaml");
  ExpectRefused(Write("typo.yaml", StrCat(kDocument, "covrage: 1\n")), ESPALIER_INVALID_ARGUMENT,
                "typo.yaml: covrage: is no key");
  ExpectRefused(Write("regex.yaml", StrCat(kDocument, "targeting: {a: {$regex: \"(\"}}\n")),
                ESPALIER_INVALID_ARGUMENT, "regex.yaml");
  ExpectRefused(Write("large.yaml", std::string(3 << 20, '#')), ESPALIER_RESOURCE_EXHAUSTED, "large.yaml");
  Write("e.yaml", kDocument);
  ExpectRefused(folder_.string(), ESPALIER_INVALID_ARGUMENT, "bad.yaml");
}

TEST_F(AssignCTest, EveryBeginningOfADocumentIsTakenOrRefused) {
  const std::string whole = kDocument;
  for (const char* name : {"e.yaml", "e.json"}) {
    for (size_t size = 1; size < whole.size(); size += 3) {
      // A copy of this size, so that ASan sees a read beyond it.
      const std::vector<char> begin(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
      espalier_experiments* loaded = nullptr;
      if (espalier_experiments_load_memory(begin.data(), size, name, &loaded) != ESPALIER_OK) {
        EXPECT_STRNE(espalier_assign_error(), "");
      }
      espalier_experiments_free(loaded);
    }
  }
}

TEST_F(AssignCTest, TextThatIsNoDocumentIsRefused) {
  const std::string deep(20'000, '[');
  const std::string zeros(5000, '\0');
  for (const std::string& text : {std::string("\xff\xfe\xfd"), deep, zeros, std::string("&a [*a]"),
                                  std::string("a: &a [x, x]\nb: [*a, *a, *a"), std::string("---\n---\n")}) {
    for (const char* name : {"", "e.yaml", ".json"}) {
      espalier_experiments* loaded = nullptr;
      EXPECT_EQ(espalier_experiments_load_memory(text.data(), text.size(), name, &loaded),
                ESPALIER_INVALID_ARGUMENT)
          << text.substr(0, 20);
    }
  }
}

TEST_F(AssignCTest, AProgramInCIsRefused) {
  const char* wrong = RefusesFromC(kDocument);
  EXPECT_EQ(wrong, nullptr) << wrong;
}

TEST_F(AssignCTest, ThreadsAssignByOneTableWhileOthersLoadTheirs) {
  std::vector<std::thread> threads;
  std::vector<int> treated(4);
  for (int& count : treated) {
    threads.emplace_back([&count, this] {
      for (int i = 0; i < 500; ++i) {
        const std::string unit = std::to_string(i);
        const bool t = std::string_view(Assign(experiments_, RequestOf("m", unit.c_str())).variant) == "t";
        count += t ? 1 : 0;
        if (i % 100 != 0) continue;
        EXPECT_EQ(espalier_experiments_count(LoadText(kDocument).get()), 1u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(treated, std::vector<int>(4, treated[0]));
  EXPECT_GT(treated[0], 300);
}

TEST_F(AssignCTest, ErrorsBelongToTheThread) {
  ExpectRefused("/does/not/exist", ESPALIER_NOT_FOUND, "/does/not/exist");
  std::thread([] { EXPECT_STREQ(espalier_assign_error(), ""); }).join();
}

}  // namespace
}  // namespace espalier
