#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "espalier/forest.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "tests/models/forest/c_api/c_caller.h"
#include "tests/models/forest/c_api/loaded_forest.h"
#include "tests/models/forest/float64_golden.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// The functions that predict, and what they must say.
void ExpectRefused(espalier_status got, espalier_status code, const std::string& fragment) {
  EXPECT_EQ(got, code) << fragment;
  EXPECT_THAT(espalier_forest_error(), HasSubstr(fragment));
}

class ForestCTest : public testing::Test {
 protected:
  espalier_status Predict(const espalier_rows& rows, const espalier_predict_options& options) {
    return espalier_forest_predict(forest_.get(), &rows, &options, out_.data(), out_.size());
  }
  espalier_status PredictInt32(const espalier_rows& rows, const espalier_predict_options& options) {
    return espalier_forest_predict_int32(forest_.get(), &rows, &options, integers_.data(), integers_.size());
  }

  const std::vector<float> values_ = GoldenRows();
  const espalier_rows rows_ = DenseRows(values_, kGoldenFeatures);
  LoadedForest forest_ = LoadForest(FindGoldenModel("3.2.0", "multi_softprob").files[0]);
  std::vector<float> out_ = std::vector<float>(1 << 20);
  std::vector<int32_t> integers_ = std::vector<int32_t>(1 << 20);
};

TEST_F(ForestCTest, EveryGoldenModelGivesXgboostsBits) {
  for (const GoldenModel& model : GoldenModels()) {
    if (model.refused) continue;
    const GoldenPredictions expected = ReadGoldenPredictions(model);
    for (const std::string& file : model.files) {
      const LoadedForest forest = LoadForest(file);
      // forest_golden_test.cc says what older versions rounded otherwise.
      if (model.version >= "1.6") {
        EXPECT_EQ(std::memcmp(PredictFloats(forest, rows_).data(), expected.value.data(),
                              expected.value.size() * sizeof(float)),
                  0)
            << file;
        EXPECT_EQ(std::memcmp(PredictFloats(forest, rows_, OptionsOf(ESPALIER_MARGIN)).data(),
                              expected.margin.data(), expected.margin.size() * sizeof(float)),
                  0)
            << file;
      }
      if (model.linear()) continue;
      EXPECT_EQ(PredictIntegers(forest, rows_, OptionsOf(ESPALIER_LEAF)), expected.leaf) << file;
    }
  }
}

TEST_F(ForestCTest, ModelsOfFloat64GiveTheirNumbersRounded) {
  for (const Float64Golden& model : Float64Goldens("lightgbm")) {
    if (model.refused()) continue;
    const std::vector<float> values = Float64GoldenRows(model.library);
    const LoadedForest forest = LoadForest(model.file);
    const Float64Predictions expected = ReadFloat64Predictions(model);
    const espalier_rows rows = DenseRows(values, kFloat64GoldenFeatures);
    const std::vector<float> rounded(expected.value.begin(), expected.value.end());
    const std::vector<float> got = PredictFloats(forest, rows);
    ASSERT_EQ(got.size(), rounded.size());
    EXPECT_EQ(std::memcmp(got.data(), rounded.data(), got.size() * sizeof(float)), 0) << model.Label();
    EXPECT_EQ(PredictIntegers(forest, rows, OptionsOf(ESPALIER_LEAF)), expected.leaf) << model.Label();
  }
}

TEST_F(ForestCTest, ContributionsAddUpToTheMargin) {
  const std::vector<float> margins = PredictFloats(forest_, rows_, OptionsOf(ESPALIER_MARGIN));
  const std::vector<float> parts = PredictFloats(forest_, rows_, OptionsOf(ESPALIER_CONTRIBUTIONS));
  ASSERT_EQ(parts.size(), margins.size() * (kGoldenFeatures + 1));
  for (size_t i = 0; i < margins.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j <= kGoldenFeatures; ++j) sum += parts[i * (kGoldenFeatures + 1) + j];
    EXPECT_NEAR(sum, margins[i], 1e-5 * (1 + std::abs(margins[i]))) << i;
  }
}

TEST_F(ForestCTest, InteractionsAddUpToTheContributions) {
  const std::vector<float> parts = PredictFloats(forest_, rows_, OptionsOf(ESPALIER_CONTRIBUTIONS));
  const std::vector<float> pairs = PredictFloats(forest_, rows_, OptionsOf(ESPALIER_INTERACTIONS));
  ASSERT_EQ(pairs.size(), parts.size() * (kGoldenFeatures + 1));
  for (size_t i = 0; i < parts.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j <= kGoldenFeatures; ++j) sum += pairs[i * (kGoldenFeatures + 1) + j];
    EXPECT_NEAR(sum, parts[i], 1e-5) << i;
  }
}

TEST_F(ForestCTest, ABackgroundMayHaveAnyForm) {
  espalier_predict_options options = OptionsOf(ESPALIER_CONTRIBUTIONS);
  const std::vector<float> without = PredictFloats(forest_, rows_, options);
  options.background = &rows_;
  const std::vector<float> with = PredictFloats(forest_, rows_, options);
  EXPECT_NE(with, without);
  std::vector<double> doubles(values_.begin(), values_.end());
  espalier_rows wide = rows_;
  wide.type = ESPALIER_FLOAT64;
  wide.values = doubles.data();
  options.background = &wide;
  EXPECT_EQ(PredictFloats(forest_, rows_, options), with);
  // Nor does the form of the rows matter.
  EXPECT_EQ(PredictFloats(forest_, wide, options), with);
}

TEST_F(ForestCTest, ABackgroundThatDoesNotFitIsRefused) {
  espalier_predict_options options = OptionsOf(ESPALIER_CONTRIBUTIONS);
  espalier_rows background = rows_;
  options.background = &background;
  background.num_columns = 3;
  ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT,
                "background: espalier_rows.num_columns is 3");
  background = rows_;
  background.num_rows = 0;
  ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT, "the background has no rows");
  background = rows_;
  background.num_rows = 100'000'000;
  ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT, "the background has 100000000 rows");
  background = rows_;
  options.kind = ESPALIER_INTERACTIONS;
  ExpectRefused(Predict(rows_, options), ESPALIER_UNIMPLEMENTED, "interactions against a background");
}

TEST_F(ForestCTest, CallersFromBeforeBackgroundsAreServed) {
  espalier_predict_options options = OptionsOf(ESPALIER_CONTRIBUTIONS);
  const std::vector<float> without = PredictFloats(forest_, rows_, options);
  options.struct_size = offsetof(espalier_predict_options, background);
  // What is behind an old caller's struct is not looked at.
  options.background = reinterpret_cast<const espalier_rows*>(1);
  EXPECT_EQ(PredictFloats(forest_, rows_, options), without);
}

TEST_F(ForestCTest, ClassIsWhereTheValueIsLargest) {
  const std::vector<float> value = ReadGoldenPredictions(FindGoldenModel("3.2.0", "multi_softprob")).value;
  const std::vector<int32_t> classes = PredictIntegers(forest_, rows_, OptionsOf(ESPALIER_CLASS));
  ASSERT_EQ(classes.size(), rows_.num_rows);
  for (size_t i = 0; i < classes.size(); ++i) {
    EXPECT_EQ(classes[i], std::max_element(&value[3 * i], &value[3 * i] + 3) - &value[3 * i]);
  }
}

TEST_F(ForestCTest, MemoryAndFileGiveTheSame) {
  const std::string path = FindGoldenModel("3.2.0", "multi_softprob").files[1];
  EXPECT_EQ(PredictFloats(LoadForestBytes(*ReadFile(path)), rows_), PredictFloats(forest_, rows_));
}

TEST_F(ForestCTest, BaseMarginReplacesTheModelsOwn) {
  const std::vector<float> margin(rows_.num_rows * 3, 100.0f);
  espalier_predict_options options = OptionsOf(ESPALIER_MARGIN);
  options.base_margin = margin.data();
  options.base_margin_size = margin.size();
  for (const float value : PredictFloats(forest_, rows_, options)) EXPECT_NEAR(value, 100, 10);
}

TEST_F(ForestCTest, IterationsAddUp) {
  espalier_predict_options first = OptionsOf(ESPALIER_LEAF);
  first.iteration_end = 1;
  espalier_predict_options rest = OptionsOf(ESPALIER_LEAF);
  rest.iteration_begin = 1;
  EXPECT_EQ(WidthOf(forest_, first), 3u);
  EXPECT_EQ(WidthOf(forest_, rest), 6u);
  const std::vector<int32_t> all = PredictIntegers(forest_, rows_, OptionsOf(ESPALIER_LEAF));
  const std::vector<int32_t> begin = PredictIntegers(forest_, rows_, first);
  const std::vector<int32_t> end = PredictIntegers(forest_, rows_, rest);
  for (size_t i = 0; i < rows_.num_rows; ++i) {
    EXPECT_TRUE(std::equal(&begin[3 * i], &begin[3 * i] + 3, &all[9 * i])) << i;
    EXPECT_TRUE(std::equal(&end[6 * i], &end[6 * i] + 6, &all[9 * i + 3])) << i;
  }
}

TEST_F(ForestCTest, NamesTheCategoriesOfAModelThatHoldsThem) {
  const LoadedForest forest = LoadForest(FindGoldenModel("3.2.0", "category_names").files[0]);
  uint32_t count = 0;
  ASSERT_EQ(espalier_forest_num_categories(forest.get(), 6, &count), ESPALIER_OK);
  EXPECT_EQ(count, 4u);
  const char* name = nullptr;
  ASSERT_EQ(espalier_forest_category_name(forest.get(), 6, 2, &name), ESPALIER_OK);
  EXPECT_STREQ(name, "blue, dark");
  ExpectRefused(espalier_forest_category_name(forest.get(), 6, 4, &name), ESPALIER_INVALID_ARGUMENT,
                "code is 4, the model has names for 4 categories of feature 6");
  EXPECT_EQ(name, nullptr);
  ASSERT_EQ(espalier_forest_num_categories(forest.get(), 0, &count), ESPALIER_OK);
  EXPECT_EQ(count, 0u);
  ExpectRefused(espalier_forest_num_categories(forest.get(), 8, &count), ESPALIER_INVALID_ARGUMENT,
                "feature is 8");
  ExpectRefused(espalier_forest_num_categories(forest.get(), 6, nullptr), ESPALIER_INVALID_ARGUMENT,
                "count is NULL");
  ExpectRefused(espalier_forest_category_name(nullptr, 6, 0, &name), ESPALIER_INVALID_ARGUMENT,
                "forest is NULL");
}

TEST_F(ForestCTest, DescribesTheModel) {
  const LoadedForest forest = LoadForest(FindGoldenModel("3.2.0", "best_iteration").files[1]);
  espalier_forest_info info = {.struct_size = sizeof(info)};
  ASSERT_EQ(espalier_forest_describe(forest.get(), &info), ESPALIER_OK);
  EXPECT_EQ(info.num_features, 8u);
  EXPECT_EQ(info.num_outputs, 1u);
  EXPECT_EQ(info.num_trees, 7u);
  EXPECT_EQ(info.num_iterations, 7u);
  EXPECT_EQ(info.best_iteration, 3);
  EXPECT_EQ(info.num_nodes, 177u);
  EXPECT_EQ(info.max_depth, 4u);
  EXPECT_EQ(info.has_feature_names, 0u);
  EXPECT_GT(info.memory_bytes, 177u);
  EXPECT_STREQ(info.objective, "binary:logistic");
  EXPECT_STREQ(info.format, "xgboost_ubj");
  EXPECT_STREQ(info.version, "3.2.0");
  EXPECT_STRNE(info.kernel, "");
}

TEST_F(ForestCTest, NamesAndKindsOfFeatures) {
  const char* name = "";
  ASSERT_EQ(espalier_forest_feature_name(forest_.get(), 0, &name), ESPALIER_OK);
  EXPECT_EQ(name, nullptr);
  const LoadedForest named = LoadForest(FindGoldenModel("3.2.0", "feature_names").files[0]);
  ASSERT_EQ(espalier_forest_feature_name(named.get(), 0, &name), ESPALIER_OK);
  ASSERT_NE(name, nullptr);
  EXPECT_NE(std::string(name), "");

  int32_t kind = -1;
  ASSERT_EQ(espalier_forest_feature_kind(forest_.get(), 0, &kind), ESPALIER_OK);
  EXPECT_EQ(kind, ESPALIER_NUMERIC);
  const LoadedForest categorical = LoadForest(FindGoldenModel("3.2.0", "categorical_onehot").files[0]);
  int32_t kinds = 0;
  for (uint32_t i = 0; i < kGoldenFeatures; ++i) {
    ASSERT_EQ(espalier_forest_feature_kind(categorical.get(), i, &kind), ESPALIER_OK);
    kinds += kind;
  }
  EXPECT_GT(kinds, 0);
}

TEST_F(ForestCTest, AProgramInCPredicts) {
  const GoldenModel model = FindGoldenModel("3.2.0", "binary_logistic");
  const char* wrong = PredictsFromC(model.files[0].c_str(), values_.data(), values_.size() / kGoldenFeatures,
                                    kGoldenFeatures, ReadGoldenPredictions(model).value.data());
  EXPECT_EQ(wrong, nullptr) << wrong;
}

TEST_F(ForestCTest, AProgramInCIsRefused) {
  const char* wrong = RefusesFromC(FindGoldenModel("3.2.0", "binary_logistic").files[0].c_str());
  EXPECT_EQ(wrong, nullptr) << wrong;
}

TEST_F(ForestCTest, AFileThatIsNoModelIsRefused) {
  espalier_forest* forest = forest_.get();
  ExpectRefused(espalier_forest_load("/does/not/exist", &forest), ESPALIER_NOT_FOUND, "/does/not/exist");
  EXPECT_EQ(forest, nullptr);
  ExpectRefused(espalier_forest_load("/", &forest), ESPALIER_FAILED_PRECONDITION, "a directory");
  EXPECT_EQ(espalier_forest_load_memory("", 0, &forest), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(espalier_forest_load_memory("{\"learner\": 1}", 14, &forest), ESPALIER_INVALID_ARGUMENT);
  EXPECT_EQ(forest, nullptr);
}

TEST_F(ForestCTest, EveryBeginningOfAModelIsRefused) {
  const std::string whole = *ReadFile(FindGoldenModel("3.2.0", "binary_logistic").files[1]);
  for (size_t size = 0; size < whole.size(); size += 1 + size / 7) {
    espalier_forest* forest = nullptr;
    // A copy of this size, so that ASan sees a read beyond it.
    const std::vector<char> begin(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const char nothing = 0;
    EXPECT_NE(espalier_forest_load_memory(size == 0 ? &nothing : begin.data(), size, &forest), ESPALIER_OK)
        << size;
    EXPECT_EQ(forest, nullptr);
  }
}

TEST_F(ForestCTest, ModelInTheOtherByteOrderIsRefused) {
  std::string bytes = *ReadFile(FindGoldenModel("3.2.0", "binary_logistic").files[1]);
  for (size_t i = 0; i + 3 < bytes.size(); i += 4) std::reverse(&bytes[i], &bytes[i] + 4);
  espalier_forest* forest = nullptr;
  EXPECT_EQ(espalier_forest_load_memory(bytes.data(), bytes.size(), &forest), ESPALIER_INVALID_ARGUMENT);
}

TEST_F(ForestCTest, KindsThatAreNoneAreRefused) {
  for (const int32_t kind : {-1, 6, 0x01000000, std::numeric_limits<int32_t>::min()}) {
    ExpectRefused(Predict(rows_, OptionsOf(kind)), ESPALIER_INVALID_ARGUMENT, "kind is");
    ExpectRefused(PredictInt32(rows_, OptionsOf(kind)), ESPALIER_INVALID_ARGUMENT, "kind is");
  }
}

TEST_F(ForestCTest, KindsOfTheOtherTypeAreRefused) {
  for (const int32_t kind : {ESPALIER_CLASS, ESPALIER_LEAF}) {
    ExpectRefused(Predict(rows_, OptionsOf(kind)), ESPALIER_INVALID_ARGUMENT, "function of that type");
  }
  for (const int32_t kind : {ESPALIER_VALUE, ESPALIER_MARGIN, ESPALIER_CONTRIBUTIONS}) {
    ExpectRefused(PredictInt32(rows_, OptionsOf(kind)), ESPALIER_INVALID_ARGUMENT, "function of that type");
  }
  ExpectRefused(espalier_forest_predict_int32(forest_.get(), &rows_, nullptr, integers_.data(), 1 << 20),
                ESPALIER_INVALID_ARGUMENT, "function of that type");
}

TEST_F(ForestCTest, ClassOfARegressionIsRefused) {
  forest_ = LoadForest(FindGoldenModel("3.2.0", "reg_squarederror").files[0]);
  ExpectRefused(PredictInt32(rows_, OptionsOf(ESPALIER_CLASS)), ESPALIER_INVALID_ARGUMENT, "no classes");
}

TEST_F(ForestCTest, IterationsOutOfRangeAreRefused) {
  for (const int32_t kind : {ESPALIER_VALUE, ESPALIER_LEAF}) {
    for (const auto& [begin, end] : {std::pair(2u, 1u), std::pair(0u, 4u), std::pair(3u, 0u),
                                     std::pair(std::numeric_limits<uint32_t>::max(), 0u)}) {
      espalier_predict_options options = OptionsOf(kind);
      options.iteration_begin = begin;
      options.iteration_end = end;
      size_t width = 0;
      ExpectRefused(kind == ESPALIER_LEAF ? PredictInt32(rows_, options) : Predict(rows_, options),
                    ESPALIER_INVALID_ARGUMENT, "iterations");
      ExpectRefused(espalier_forest_output_width(forest_.get(), &options, &width), ESPALIER_INVALID_ARGUMENT,
                    "iterations");
    }
  }
}

TEST_F(ForestCTest, BaseMarginOfAnotherSizeIsRefused) {
  const std::vector<float> margin(rows_.num_rows * 3);
  espalier_predict_options options = OptionsOf(ESPALIER_MARGIN);
  options.base_margin = margin.data();
  ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT, "base_margin_size is 0");
  for (const size_t size : {size_t{1}, margin.size() - 1, margin.size() + 1, SIZE_MAX}) {
    options.base_margin_size = size;
    ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT, "base_margin_size is");
  }
  options.base_margin = nullptr;
  ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT, "base_margin is NULL");
}

TEST_F(ForestCTest, AnyNumberOfThreadsGivesTheSameBits) {
  espalier_predict_options options = OptionsOf(ESPALIER_VALUE);
  ASSERT_EQ(Predict(rows_, options), ESPALIER_OK);
  const std::vector<float> alone = out_;
  std::fill(out_.begin(), out_.end(), 0.0f);
  options.threads = 7;
  ASSERT_EQ(Predict(rows_, options), ESPALIER_OK);
  EXPECT_EQ(out_, alone);
}

TEST_F(ForestCTest, StructsOfOtherSizesAreRefused) {
  espalier_predict_options options = OptionsOf(ESPALIER_VALUE);
  // The first version ended before `background`.
  for (const size_t size : {size_t{0}, offsetof(espalier_predict_options, background) - 1, SIZE_MAX}) {
    options.struct_size = size;
    ExpectRefused(Predict(rows_, options), ESPALIER_INVALID_ARGUMENT, "espalier_predict_options.struct_size");
  }
  espalier_forest_info info = {};
  ExpectRefused(espalier_forest_describe(forest_.get(), &info), ESPALIER_INVALID_ARGUMENT,
                "espalier_forest_info.struct_size is 0");
}

TEST_F(ForestCTest, AnOutputWithoutRoomIsRefusedAndUntouched) {
  for (const int32_t kind : {ESPALIER_VALUE, ESPALIER_MARGIN, ESPALIER_CONTRIBUTIONS}) {
    const espalier_predict_options options = OptionsOf(kind);
    const size_t needed = rows_.num_rows * WidthOf(forest_, options);
    std::vector<float> out(needed - 1, -77.0f);
    ExpectRefused(espalier_forest_predict(forest_.get(), &rows_, &options, out.data(), out.size()),
                  ESPALIER_OUT_OF_RANGE, "out_size is " + std::to_string(needed - 1));
    EXPECT_THAT(out, testing::Each(-77.0f));
  }
  for (const int32_t kind : {ESPALIER_CLASS, ESPALIER_LEAF}) {
    const espalier_predict_options options = OptionsOf(kind);
    std::vector<int32_t> out(rows_.num_rows * WidthOf(forest_, options) - 1);
    ExpectRefused(espalier_forest_predict_int32(forest_.get(), &rows_, &options, out.data(), out.size()),
                  ESPALIER_OUT_OF_RANGE, "out_size is");
  }
}

TEST_F(ForestCTest, WhatIsBeyondTheOutputIsLeftAlone) {
  std::vector<float> out(rows_.num_rows * 3 + 5, -77.0f);
  ASSERT_EQ(espalier_forest_predict(forest_.get(), &rows_, nullptr, out.data(), out.size()), ESPALIER_OK);
  EXPECT_NE(out[rows_.num_rows * 3 - 1], -77.0f);
  EXPECT_THAT(std::vector<float>(out.end() - 5, out.end()), testing::Each(-77.0f));
}

TEST_F(ForestCTest, NoRowsNeedNothingButGoodOptions) {
  espalier_rows rows = {.struct_size = sizeof(rows), .num_columns = kGoldenFeatures};
  for (const int32_t layout : {ESPALIER_DENSE, ESPALIER_CSR}) {
    rows.layout = layout;
    EXPECT_EQ(espalier_forest_predict(forest_.get(), &rows, nullptr, nullptr, 0), ESPALIER_OK);
    espalier_predict_options options = OptionsOf(ESPALIER_VALUE);
    options.iteration_end = 1000;
    ExpectRefused(Predict(rows, options), ESPALIER_INVALID_ARGUMENT, "iterations");
  }
}

TEST_F(ForestCTest, ErrorsBelongToTheirThread) {
  espalier_forest* forest = nullptr;
  EXPECT_NE(espalier_forest_load("/does/not/exist", &forest), ESPALIER_OK);
  std::string other = "unset";
  std::thread([&] { other = espalier_forest_error(); }).join();
  EXPECT_EQ(other, "");
  EXPECT_THAT(espalier_forest_error(), HasSubstr("/does/not/exist"));
}

TEST_F(ForestCTest, LongErrorsAreCut) {
  espalier_forest* forest = nullptr;
  EXPECT_NE(espalier_forest_load(std::string(10'000, 'x').c_str(), &forest), ESPALIER_OK);
  EXPECT_THAT(espalier_forest_error(), StartsWith("cannot open xxx"));
  EXPECT_EQ(std::strlen(espalier_forest_error()), 2047u);
}

TEST_F(ForestCTest, ThreadsShareAForest) {
  const std::vector<float> expected = PredictFloats(forest_, rows_);
  const std::vector<double> doubles(values_.begin(), values_.end());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int repeat = 0; repeat < 5; ++repeat) {
        const espalier_rows rows = i % 2 == 0 ? rows_ : DenseRows(doubles, kGoldenFeatures);
        EXPECT_EQ(PredictFloats(forest_, rows), expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// What a program was compiled with must not move under it.
static_assert(sizeof(espalier_rows) == 72 && offsetof(espalier_rows, values) == 16 &&
              offsetof(espalier_rows, num_values) == 64);
static_assert(sizeof(espalier_predict_options) == 48 &&
              offsetof(espalier_predict_options, base_margin) == 24 &&
              offsetof(espalier_predict_options, background) == 40);
static_assert(sizeof(espalier_forest_info) == 104 && offsetof(espalier_forest_info, best_iteration) == 24 &&
              offsetof(espalier_forest_info, objective) == 56 &&
              offsetof(espalier_forest_info, model_version) == 88);

}  // namespace
}  // namespace espalier
