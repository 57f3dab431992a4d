// `espalier model inspect` and `espalier predict` as programs, on the golden models.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "services/cli/npy_header.h"
#include "tests/models/forest/golden_models.h"
#include "tests/testing/program.h"

namespace espalier {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class OfflineVerbsTest : public ::testing::Test {
 protected:
  OfflineVerbsTest() : folder_(testing::TempDir() + "/offline_verbs_test." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
    const std::vector<float> values = GoldenRows();
    const std::string header = MakeNpyHeader("<f4", {values.size() / kGoldenFeatures, kGoldenFeatures});
    std::ofstream(folder_ + "/rows.npy", std::ios::binary)
        << header << std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    std::ofstream csv(folder_ + "/rows.csv");
    std::ofstream svm(folder_ + "/rows.svm");
    csv.precision(9);
    svm.precision(9);
    csv << "c0,c1,c2,c3,c4,c5,c6,c7\n";
    WriteRows(values, csv, svm);
  }
  ~OfflineVerbsTest() override { std::filesystem::remove_all(folder_); }

  static void WriteRows(const std::vector<float>& values, std::ofstream& csv, std::ofstream& svm) {
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t column = i % kGoldenFeatures;
      const bool last = column + 1 == kGoldenFeatures;
      if (column == 0) svm << "0";
      if (!std::isnan(values[i])) {
        csv << values[i];
        svm << " " << column << ":" << values[i];
      }
      csv << (last ? "\n" : ",");
      if (last) svm << "\n";
    }
  }

  static ProgramResult Run(const std::vector<std::string>& arguments) {
    return RunProgram(ESPALIER_PROGRAM, arguments);
  }

  static std::string Model(const std::string& name) { return FindGoldenModel("3.2.0", name).files.back(); }

  ProgramResult Predict(const std::string& model, const std::string& input, const std::string& out,
                        std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {
        "predict", "--model", model, "--input", folder_ + "/" + input, "--out", folder_ + "/" + out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  }

  // The numbers of a .npy file that the program wrote.
  template <typename Number>
  std::vector<Number> ReadNpy(const std::string& name) const {
    const std::string bytes = *ReadFile(folder_ + "/" + name);
    const absl::StatusOr<NpyHeader> header = ParseNpyHeader(bytes);
    std::vector<Number> numbers((bytes.size() - header->data_begin) / sizeof(Number));
    std::memcpy(numbers.data(), bytes.data() + header->data_begin, numbers.size() * sizeof(Number));
    return numbers;
  }

  const std::string folder_;
};

// Exit 1 or 2, and one line that starts with the program's name.
void ExpectError(const ProgramResult& result, int exit_code, const std::string& what) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(StartsWith("espalier: "), HasSubstr(what)));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST_F(OfflineVerbsTest, InspectSummarises) {
  const ProgramResult result = Run({"model", "inspect", Model("feature_names"), "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json report = nlohmann::json::parse(result.out);
  EXPECT_EQ(report["format"], "xgboost_ubj");
  EXPECT_EQ(report["xgboost_version"], "3.2.0");
  EXPECT_EQ(report["objective"], "binary:logistic");
  EXPECT_EQ(report["num_feature"], 8);
  EXPECT_EQ(report["num_outputs"], 1);
  EXPECT_EQ(report["trees"], 5);
  EXPECT_GT(report["nodes"], 5);
  EXPECT_EQ(report["max_depth"], 3);
  EXPECT_EQ(report["feature_names"][2], "größe");
  EXPECT_THAT(std::string(report["kernel"]), HasSubstr("_walker"));
  EXPECT_THAT(Run({"model", "inspect", Model("multi_softprob")}).out, HasSubstr("num_outputs           3\n"));
}

TEST_F(OfflineVerbsTest, InspectRefusesInOneLine) {
  std::ofstream(folder_ + "/bad.json") << "{\"learner\": 7}";
  ExpectError(Run({"model", "inspect", folder_ + "/bad.json"}), 1, "bad.json");
  ExpectError(Run({"model", "inspect", folder_}), 1, "regular file");
  ExpectError(Run({"model", "inspect", folder_ + "/none"}), 1, "none");
  ExpectError(Run({"model", "inspect"}), 2, "FILE");
  ExpectError(Run({"model"}), 2, "subcommand");
}

TEST_F(OfflineVerbsTest, AllInputsPredictTheSame) {
  const GoldenPredictions expected = ReadGoldenPredictions(FindGoldenModel("3.2.0", "categorical_partition"));
  for (const char* input : {"rows.npy", "rows.csv", "rows.svm"}) {
    const ProgramResult result = Predict(Model("categorical_partition"), input, "out.npy", {"--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(nlohmann::json::parse(result.out)["rows"], 48);
    EXPECT_EQ(ReadNpy<float>("out.npy"), expected.value) << input;
  }
}

TEST_F(OfflineVerbsTest, CategoriesAreMappedByTheModel) {
  const std::string model = Model("category_names");
  const std::string stem = model.substr(0, model.rfind('.'));
  std::filesystem::copy_file(stem + ".csv", folder_ + "/names.csv");
  const ProgramResult result = Predict(model, "names.csv", "out.npy");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<float> ours = ReadNpy<float>("out.npy");
  const std::string theirs = *ReadFile(stem + ".by_name");
  ASSERT_EQ(ours.size() * sizeof(float), theirs.size());
  EXPECT_EQ(std::memcmp(ours.data(), theirs.data(), theirs.size()), 0);
  std::ofstream(folder_ + "/unknown.csv") << "f0,f1,f2,f3,f4,f5,f6,f7\n1,1,1,1,1,1,pink,100\n";
  ExpectError(Predict(model, "unknown.csv", "out.npy"), 1,
              "line 2, column f6: \"pink\" is no category that the model was trained on");
}

// A file's name is bytes, JSON is UTF-8.
TEST_F(OfflineVerbsTest, JsonTakesAnyFileName) {
  const ProgramResult result = Predict(Model("feature_names"), "rows.npy", "caf\xE9.npy", {"--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["out"], folder_ + "/caf\uFFFD.npy");
}

TEST_F(OfflineVerbsTest, EveryKindIsWritten) {
  const GoldenPredictions expected = ReadGoldenPredictions(FindGoldenModel("3.2.0", "multi_softprob"));
  const std::string model = Model("multi_softprob");
  ASSERT_EQ(Predict(model, "rows.npy", "margin.npy", {"--output-kind", "margin"}).exit_code, 0);
  EXPECT_EQ(ReadNpy<float>("margin.npy"), expected.margin);
  ASSERT_EQ(Predict(model, "rows.npy", "leaf.npy", {"--output-kind", "leaf"}).exit_code, 0);
  EXPECT_EQ(ReadNpy<int32_t>("leaf.npy"), expected.leaf);
  ASSERT_EQ(Predict(model, "rows.npy", "class.npy", {"--output-kind", "class"}).exit_code, 0);
  const std::vector<int32_t> classes = ReadNpy<int32_t>("class.npy");
  const std::vector<float> contributions = [&] {
    EXPECT_EQ(Predict(model, "rows.npy", "c.npy", {"--output-kind", "contributions"}).exit_code, 0);
    return ReadNpy<float>("c.npy");
  }();
  ASSERT_EQ(contributions.size(), 48u * 3 * 9);
  for (size_t i = 0; i < 48; ++i) {
    const float* margins = &expected.margin[i * 3];
    EXPECT_EQ(classes[i], std::max_element(margins, margins + 3) - margins);
    for (size_t k = 0; k < 3; ++k) {
      double sum = 0;
      for (size_t j = 0; j < 9; ++j) sum += contributions[(i * 3 + k) * 9 + j];
      EXPECT_NEAR(sum, margins[k], 1e-5);
    }
  }
}

TEST_F(OfflineVerbsTest, InteractionsAreSquaresThatAddUp) {
  const std::string model = Model("multi_softprob");
  ASSERT_EQ(Predict(model, "rows.npy", "c.npy", {"--output-kind", "contributions"}).exit_code, 0);
  ASSERT_EQ(Predict(model, "rows.npy", "i.npy", {"--output-kind", "interactions"}).exit_code, 0);
  const absl::StatusOr<NpyHeader> header = ParseNpyHeader(*ReadFile(folder_ + "/i.npy"));
  EXPECT_EQ(header->shape, (std::vector<uint64_t>{48, 3, 9, 9}));
  const std::vector<float> contributions = ReadNpy<float>("c.npy");
  const std::vector<float> interactions = ReadNpy<float>("i.npy");
  ASSERT_EQ(interactions.size(), contributions.size() * 9);
  for (size_t i = 0; i < contributions.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < 9; ++j) sum += interactions[i * 9 + j];
    EXPECT_NEAR(sum, contributions[i], 1e-5);
  }
  ASSERT_EQ(
      Predict(Model("feature_names"), "rows.csv", "out.csv", {"--output-kind", "interactions"}).exit_code, 0);
  EXPECT_THAT(*ReadFile(folder_ + "/out.csv"), StartsWith("age*age,age*dep delay,age*größe,"));
}

TEST_F(OfflineVerbsTest, ContributionsCompareWithABackground) {
  const std::string model = Model("multi_softprob");
  const std::string background = folder_ + "/rows.csv";
  const std::vector<std::string> more = {"--output-kind", "contributions", "--background", background};
  ASSERT_EQ(Predict(model, "rows.npy", "margins.npy", {"--output-kind", "margin"}).exit_code, 0);
  const ProgramResult result = Predict(model, "rows.npy", "c.npy", more);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<float> margins = ReadNpy<float>("margins.npy");
  const std::vector<float> contributions = ReadNpy<float>("c.npy");
  double mean = 0;
  for (size_t i = 0; i < margins.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < 9; ++j) sum += contributions[i * 9 + j];
    EXPECT_NEAR(sum, margins[i], 1e-5);
    if (i % 3 == 0) mean += margins[i] / 48;
  }
  EXPECT_NEAR(contributions[8], mean, 1e-5);
}

TEST_F(OfflineVerbsTest, BackgroundsThatDoNotFitAreRefused) {
  const std::string model = Model("multi_softprob");
  const auto predict = [&](const std::string& background, const std::string& kind) {
    return Predict(model, "rows.npy", "out.npy",
                   {"--output-kind", kind, "--background", folder_ + "/" + background});
  };
  std::ofstream(folder_ + "/narrow.csv") << "a,b\n1,2\n";
  std::ofstream(folder_ + "/none.csv") << "a,b,c,d,e,f,g,h\n";
  ExpectError(predict("narrow.csv", "contributions"), 1, "narrow.csv");
  ExpectError(predict("none.csv", "contributions"), 1, "none.csv: the background has no rows");
  ExpectError(predict("absent.csv", "contributions"), 1, "absent.csv");
  ExpectError(predict("rows.csv", "margin"), 2, "--background goes with --output-kind contributions");
  ExpectError(predict("rows.csv", "interactions"), 2, "--background goes with --output-kind contributions");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/out.npy"));
}

TEST_F(OfflineVerbsTest, CsvOutputHasAHeaderRow) {
  ASSERT_EQ(Predict(Model("multi_softprob"), "rows.csv", "out.csv").exit_code, 0);
  EXPECT_THAT(*ReadFile(folder_ + "/out.csv"), StartsWith("value_0,value_1,value_2\n"));
  ASSERT_EQ(
      Predict(Model("feature_names"), "rows.csv", "out.csv", {"--output-kind", "contributions"}).exit_code,
      0);
  EXPECT_THAT(*ReadFile(folder_ + "/out.csv"),
              StartsWith("age,dep delay,größe,d,e\\f,\"g\"\"h\",i,j,bias\n"));
}

TEST_F(OfflineVerbsTest, IterationsAreARangeOrTheBest) {
  const std::string model = Model("best_iteration");
  ASSERT_EQ(Predict(model, "rows.npy", "best.npy", {"--iterations", "best"}).exit_code, 0);
  const uint32_t end = *FindGoldenModel("3.2.0", "best_iteration").best_iteration + 1;
  ASSERT_EQ(Predict(model, "rows.npy", "range.npy", {"--iterations", StrCat("0:", end)}).exit_code, 0);
  ASSERT_EQ(Predict(model, "rows.npy", "all.npy").exit_code, 0);
  EXPECT_EQ(ReadNpy<float>("best.npy"), ReadNpy<float>("range.npy"));
  EXPECT_NE(ReadNpy<float>("best.npy"), ReadNpy<float>("all.npy"));
}

TEST_F(OfflineVerbsTest, ErrorsLeaveNoOutput) {
  const std::string model = Model("reg_squarederror");
  ExpectError(Predict(model, "rows.npy", "out.npy", {"--iterations", "0:999"}), 1, "0:999: the model has 5");
  ExpectError(Predict(model, "rows.npy", "out.npy", {"--iterations", "best"}), 1, "no best_iteration");
  ExpectError(Predict(model, "rows.npy", "out.npy", {"--output-kind", "class"}), 1, "has no classes");
  ExpectError(Predict(model, "none.csv", "out.npy"), 1, "none.csv");
  std::ofstream(folder_ + "/bad.csv") << "a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,eight\n";
  ExpectError(Predict(model, "bad.csv", "out.npy"), 1, "bad.csv line 3, column h: \"eight\"");
  ExpectError(Predict(model, "rows.npy", "missing/out.npy"), 1, "missing/out.npy");
  for (const char* iterations : {"3", "3:3", "4:1", "a:b", "-1:2", "1:", ":"}) {
    ExpectError(Predict(model, "rows.npy", "out.npy", {"--iterations", iterations}), 2, "--iterations");
  }
  ExpectError(Predict(model, "rows.npy", "out.npy", {"--output-kind", "magic"}), 2, "--output-kind");
  ExpectError(Predict(model, "rows.npy", "out.txt"), 2, "must end in .npy or .csv");
  ExpectError(Run({"predict", "--model", model}), 2, "required");
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().filename().string().find("out"), std::string::npos) << entry.path();
  }
}

// So many rows that they come in several parts, which the threads finish in any order.
TEST_F(OfflineVerbsTest, AnyNumberOfThreadsWritesTheSameFile) {
  std::ofstream rows(folder_ + "/many.csv");
  rows << "c0,c1,c2,c3,c4,c5,c6,c7\n";
  for (int i = 0; i < 100'000; ++i) rows << i % 97 * 0.1 << ",," << i % 13 << ",1,2," << -i % 7 << ",0,3\n";
  rows.close();
  for (const char* out : {"many.npy", "many_out.csv"}) {
    ASSERT_EQ(Predict(Model("multi_softprob"), "many.csv", out, {"--threads", "1"}).exit_code, 0);
    const std::string alone = *ReadFile(folder_ + "/" + out);
    const ProgramResult result =
        Predict(Model("multi_softprob"), "many.csv", out, {"--threads", "5", "--json"});
    EXPECT_EQ(nlohmann::json::parse(result.out)["rows"], 100'000);
    EXPECT_EQ(*ReadFile(folder_ + "/" + out), alone);
  }
}

TEST_F(OfflineVerbsTest, TheFirstErrorIsTheOneThatIsTold) {
  std::ofstream rows(folder_ + "/bad.csv");
  rows << "c0,c1,c2,c3,c4,c5,c6,c7\n";
  for (int i = 2; i < 100'000; ++i)
    rows << "1,2,3,4,5,6,7," << (i == 90'000 || i == 98'000 ? "x" : "8") << "\n";
  rows.close();
  for (const char* threads : {"1", "4"}) {
    const ProgramResult result =
        Predict(Model("multi_softprob"), "bad.csv", "bad.npy", {"--threads", threads});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("bad.csv line 90000, column c7: \"x\" is not a number"));
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/bad.npy"));
  }
  EXPECT_EQ(Predict(Model("multi_softprob"), "rows.csv", "out.npy", {"--threads", "0"}).exit_code, 2);
}

}  // namespace
}  // namespace espalier
