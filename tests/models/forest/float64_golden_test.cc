// Forests against the golden models of LightGBM and scikit-learn.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/float64_golden.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

// Elements that differ in a bit.
template <typename T>
size_t Differences(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return std::max(a.size(), b.size());
  size_t count = 0;
  for (size_t i = 0; i < a.size(); ++i) count += std::memcmp(&a[i], &b[i], sizeof(T)) != 0 ? 1 : 0;
  return count;
}

// The largest difference, relative to the larger of the two or to 1.
double LargestError(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    const double error = std::fabs(a[i] - b[i]) / std::max({1.0, std::fabs(a[i]), std::fabs(b[i])});
    largest = std::isnan(error) ? INFINITY : std::max(largest, error);
  }
  return largest;
}

class Predictor {
 public:
  explicit Predictor(const Float64Golden& model) : model_(model), values_(Float64GoldenRows(model.library)) {
    // What takes no missing values was predicted on zeros.
    if (model.name.ends_with("_dense")) {
      std::replace_if(
          values_.begin(), values_.end(), [](float value) { return std::isnan(value); }, 0.0f);
    }
    absl::StatusOr<Ensemble> ensemble = ReadEnsembleFile(model.file);
    if (!ensemble.ok()) {
      status_ = ensemble.status();
      return;
    }
    absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(*std::move(ensemble));
    status_ = forest.status();
    if (forest.ok()) forest_ = *std::move(forest);
  }

  const absl::Status& status() const { return status_; }
  const Forest& forest() const { return *forest_; }
  size_t count() const { return values_.size() / kFloat64GoldenFeatures; }
  Rows rows() const {
    constexpr size_t kStride = kFloat64GoldenFeatures * sizeof(float);
    return {reinterpret_cast<const std::byte*>(values_.data()), count(), kStride};
  }

  template <typename T>
  std::vector<T> Predict(OutputKind kind, IterationRange iterations = {}, uint32_t threads = 1) const {
    PredictOptions options;
    options.kind = kind;
    options.iterations = iterations;
    options.threads = threads;
    std::vector<T> out(count() * forest_->OutputWidth(kind, iterations));
    const absl::Status status = forest_->Predict(rows(), options, std::span<T>(out));
    EXPECT_TRUE(status.ok()) << model_.Label() << ": " << status;
    return out;
  }

 private:
  const Float64Golden model_;
  std::vector<float> values_;
  absl::Status status_;
  std::shared_ptr<const Forest> forest_;
};

TEST(LightGbmGoldenTest, ValuesMarginsAndLeavesAreThoseOfLightGbmToTheLastBit) {
  size_t models = 0;
  for (const Float64Golden& model : Float64Goldens("lightgbm")) {
    if (model.refused()) continue;
    const Predictor predictor(model);
    ASSERT_TRUE(predictor.status().ok()) << predictor.status();
    const Float64Predictions expected = ReadFloat64Predictions(model);
    EXPECT_EQ(Differences(predictor.Predict<double>(OutputKind::kMargin), expected.margin), 0)
        << model.Label();
    EXPECT_EQ(Differences(predictor.Predict<double>(OutputKind::kValue), expected.value), 0) << model.Label();
    EXPECT_EQ(Differences(predictor.Predict<int32_t>(OutputKind::kLeaf), expected.leaf), 0) << model.Label();
    if (predictor.forest().num_iterations() >= 3) {
      EXPECT_EQ(Differences(predictor.Predict<double>(OutputKind::kValue, {1, 3}), expected.part), 0)
          << model.Label();
    }
    ++models;
  }
  EXPECT_GE(models, 40);
}

TEST(LightGbmGoldenTest, ContributionsAreThoseOfLightGbm) {
  for (const Float64Golden& model : Float64Goldens("lightgbm")) {
    if (model.refused()) continue;
    const Predictor predictor(model);
    ASSERT_TRUE(predictor.status().ok()) << predictor.status();
    EXPECT_LT(LargestError(predictor.Predict<double>(OutputKind::kContributions),
                           ReadFloat64Predictions(model).contributions),
              1e-13)
        << model.Label();
  }
}

TEST(LightGbmGoldenTest, Float32IsTheRoundedFloat64AndThreadsChangeNothing) {
  for (const char* name : {"binary", "multiclass", "rf", "categorical"}) {
    const Predictor predictor(FindFloat64Golden("lightgbm", "4.7.0", name));
    ASSERT_TRUE(predictor.status().ok()) << predictor.status();
    for (const OutputKind kind : {OutputKind::kValue, OutputKind::kMargin, OutputKind::kContributions}) {
      const std::vector<double> numbers = predictor.Predict<double>(kind);
      const std::vector<float> rounded(numbers.begin(), numbers.end());
      EXPECT_EQ(Differences(predictor.Predict<float>(kind), rounded), 0) << name;
      EXPECT_EQ(Differences(predictor.Predict<double>(kind, {}, 3), numbers), 0) << name;
    }
  }
}

TEST(LightGbmGoldenTest, ClassesAreTheMostProbableOnes) {
  for (const char* name : {"binary", "multiclass", "multiclassova", "rf_multiclass"}) {
    const Predictor predictor(FindFloat64Golden("lightgbm", "4.7.0", name));
    ASSERT_TRUE(predictor.status().ok()) << predictor.status();
    const std::vector<double> values = predictor.Predict<double>(OutputKind::kValue);
    const std::vector<int32_t> classes = predictor.Predict<int32_t>(OutputKind::kClass);
    ASSERT_EQ(classes.size(), predictor.count());
    const size_t width = values.size() / classes.size();
    for (size_t i = 0; i < classes.size(); ++i) {
      const double* const row = values.data() + i * width;
      const auto expected =
          width == 1 ? static_cast<int64_t>(row[0] > 0.5 ? 1 : 0) : std::max_element(row, row + width) - row;
      EXPECT_EQ(classes[i], expected) << name << " row " << i;
    }
  }
}

TEST(LightGbmGoldenTest, LinearTreesAreRefusedByName) {
  for (const Float64Golden& model : Float64Goldens("lightgbm")) {
    if (!model.refused()) continue;
    const Predictor predictor(model);
    EXPECT_EQ(predictor.status().code(), absl::StatusCode::kUnimplemented) << model.Label();
    EXPECT_THAT(std::string(Message(predictor.status())), HasSubstr("linear_tree"));
  }
}

TEST(LightGbmGoldenTest, TellsWhatTheFileSays) {
  const Predictor predictor(FindFloat64Golden("lightgbm", "4.7.0", "categorical"));
  ASSERT_TRUE(predictor.status().ok()) << predictor.status();
  const Forest& forest = predictor.forest();
  EXPECT_TRUE(forest.is_float64());
  EXPECT_EQ(forest.format(), "lightgbm_text");
  EXPECT_EQ(forest.version(), "v4");
  EXPECT_EQ(forest.objective(), "binary");
  EXPECT_EQ(forest.num_features(), 8);
  EXPECT_EQ(forest.num_trees(), 4);
  EXPECT_EQ(forest.feature_names()[7], "Column_7");
  EXPECT_EQ(forest.feature_kinds()[5], FeatureKind::kNumeric);
  EXPECT_EQ(forest.feature_kinds()[6], FeatureKind::kCategorical);
  EXPECT_EQ(forest.kernel(), "float64_walker");
}

TEST(LightGbmGoldenTest, ABaseMarginIsWhereTreesAreAddedUnlessTheyAreAveraged) {
  const Predictor predictor(FindFloat64Golden("lightgbm", "4.7.0", "binary"));
  ASSERT_TRUE(predictor.status().ok()) << predictor.status();
  const std::vector<float> base(predictor.count(), 2.5f);
  PredictOptions options;
  options.kind = OutputKind::kMargin;
  options.base_margin = base;
  std::vector<double> out(predictor.count());
  ASSERT_TRUE(predictor.forest().Predict(predictor.rows(), options, std::span<double>(out)).ok());
  const std::vector<double> margins = predictor.Predict<double>(OutputKind::kMargin);
  for (size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], margins[i] + 2.5, 1e-12);

  const Predictor average(FindFloat64Golden("lightgbm", "4.7.0", "rf"));
  const absl::Status status = average.forest().Predict(average.rows(), options, std::span<double>(out));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

// Sums and averages are exact. exp() is NumPy's, whose last bits depend on the processor.
TEST(SklearnGoldenTest, ValuesLeavesAndClassesAreThoseOfScikitLearn) {
  size_t models = 0;
  for (const Float64Golden& model : Float64Goldens("sklearn")) {
    const Predictor predictor(model);
    ASSERT_TRUE(predictor.status().ok()) << predictor.status();
    const Float64Predictions expected = ReadFloat64Predictions(model);
    const std::vector<double> values = predictor.Predict<double>(OutputKind::kValue);
    EXPECT_LT(LargestError(values, expected.value), 1e-15) << model.Label();
    const std::string_view objective = predictor.forest().objective();
    if (objective == "identity" || objective == "probabilities") {
      EXPECT_EQ(Differences(values, expected.value), 0) << model.Label();
    }
    if (model.trees != 0) {
      EXPECT_EQ(Differences(predictor.Predict<int32_t>(OutputKind::kLeaf), expected.leaf), 0)
          << model.Label();
    }
    if (!expected.classes.empty()) {
      EXPECT_EQ(Differences(predictor.Predict<int32_t>(OutputKind::kClass), expected.classes), 0)
          << model.Label();
    }
    ++models;
  }
  EXPECT_GE(models, 32);
}

TEST(SklearnGoldenTest, ContributionsAddUpToTheMargin) {
  for (const Float64Golden& model : Float64Goldens("sklearn")) {
    const Predictor predictor(model);
    ASSERT_TRUE(predictor.status().ok()) << predictor.status();
    const std::vector<double> margins = predictor.Predict<double>(OutputKind::kMargin);
    const std::vector<double> contributions = predictor.Predict<double>(OutputKind::kContributions);
    constexpr size_t kColumns = kFloat64GoldenFeatures + 1;
    ASSERT_EQ(contributions.size(), margins.size() * kColumns);
    for (size_t i = 0; i < margins.size(); ++i) {
      double sum = 0;
      for (size_t k = 0; k < kColumns; ++k) sum += contributions[i * kColumns + k];
      EXPECT_NEAR(sum, margins[i], 1e-12 * std::max(1.0, std::fabs(margins[i]))) << model.Label();
    }
  }
}

TEST(SklearnGoldenTest, TellsWhatTheFileSays) {
  const Predictor predictor(FindFloat64Golden("sklearn", "1.9.1", "hist_binary"));
  ASSERT_TRUE(predictor.status().ok()) << predictor.status();
  EXPECT_EQ(predictor.forest().format(), "sklearn_json");
  EXPECT_EQ(predictor.forest().version(), "1.9.1");
  EXPECT_EQ(predictor.forest().objective(), "logistic");
  EXPECT_EQ(predictor.forest().feature_kinds()[7], FeatureKind::kCategorical);
  EXPECT_EQ(predictor.forest().OutputWidth(OutputKind::kValue), 2);
  EXPECT_EQ(predictor.forest().num_outputs(), 1);
}

}  // namespace
}  // namespace espalier
