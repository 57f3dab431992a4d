// Random and adversarial forests against XGBoost, by every kernel that takes them, in every format and over
// random ranges of iterations. ESPALIER_SEED=N repeats the seed that a failure names.
#include <cstdlib>
#include <cstring>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/kernel_plan.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/random_model.h"
#include "tests/testing/xgboost_peer.h"

namespace espalier {
namespace {

Rows AsRows(const FloatMatrix& matrix) {
  return {reinterpret_cast<const std::byte*>(matrix.values.data()), matrix.rows,
          matrix.columns * sizeof(float)};
}

bool SameBits(const std::vector<float>& ours, const std::vector<float>& theirs) {
  return ours.size() == theirs.size() &&
         std::memcmp(ours.data(), theirs.data(), ours.size() * sizeof(float)) == 0;
}

std::vector<float> Predict(const Forest& forest, const FloatMatrix& rows, const PredictOptions& options) {
  std::vector<float> out(rows.rows * forest.OutputWidth(options.kind));
  const absl::Status status = forest.Predict(AsRows(rows), options, std::span<float>(out));
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

std::vector<float> Leaves(const Forest& forest, const FloatMatrix& rows) {
  std::vector<int32_t> leaves(rows.rows * forest.num_trees());
  EXPECT_TRUE(forest.Predict(AsRows(rows), {.kind = OutputKind::kLeaf}, std::span<int32_t>(leaves)).ok());
  return std::vector<float>(leaves.begin(), leaves.end());
}

// The forest by each kernel that can take it, the chosen ones first.
std::vector<std::shared_ptr<const Forest>> CompileAll(const Ensemble& ensemble) {
  std::vector<std::shared_ptr<const Forest>> forests;
  std::vector<std::string_view> kernels = KernelPlan::KernelNames();
  kernels.insert(kernels.begin(), "");
  for (const std::string_view kernel : kernels) {
    auto forest = Forest::Compile(ensemble, {.kernel = std::string(kernel)});
    EXPECT_TRUE(forest.ok() || absl::IsFailedPrecondition(forest.status())) << forest.status();
    if (forest.ok()) forests.push_back(*std::move(forest));
  }
  return forests;
}

void ExpectSame(const Ensemble& ensemble, const XgboostPeer& peer, const FloatMatrix& rows,
                IterationRange iterations) {
  const auto theirs = [&](XgboostPeer::Type type) {
    return peer.Predict(
        rows,
        {.type = type, .begin = static_cast<int>(iterations.begin), .end = static_cast<int>(iterations.end)});
  };
  const std::vector<float> margins = theirs(XgboostPeer::kMargin);
  const std::vector<float> values = theirs(XgboostPeer::kValue);
  for (const auto& forest : CompileAll(ensemble)) {
    SCOPED_TRACE(StrCat(ensemble.format, " by ", forest->kernel()));
    EXPECT_TRUE(
        SameBits(Predict(*forest, rows, {.kind = OutputKind::kMargin, .iterations = iterations}), margins));
    EXPECT_TRUE(
        SameBits(Predict(*forest, rows, {.kind = OutputKind::kValue, .iterations = iterations}), values));
    if (iterations.end == 0 && forest->num_trees() > 0) {
      EXPECT_TRUE(SameBits(Leaves(*forest, rows), theirs(XgboostPeer::kLeaf)));
    }
  }
}

// Whatever XGBoost and we make of a shape is the same, in all formats that can hold it.
void CheckShape(uint64_t seed, const RandomModelShape& shape, size_t num_rows = 130) {
  SCOPED_TRACE(StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  const std::string json = RandomModelJson(random, shape);
  const FloatMatrix rows{num_rows, shape.features, RandomModelRows(random, shape, num_rows)};
  const std::optional<XgboostPeer> peer = XgboostPeer::Load(json);
  ASSERT_TRUE(peer.has_value()) << XGBGetLastError();
  std::vector<std::string> files = {json, peer->Save("ubj")};
  if (shape.categorical_features == 0) files.push_back(peer->Save("deprecated"));
  for (const std::string& file : files) {
    const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(file);
    ASSERT_TRUE(ensemble.ok()) << ensemble.status();
    EXPECT_EQ(ensemble->num_iterations, shape.iterations);
    ExpectSame(*ensemble, *peer, rows, {});
    if (shape.iterations < 2) continue;
    const auto begin = static_cast<uint32_t>(random() % shape.iterations);
    const auto end = static_cast<uint32_t>(begin + 1 + random() % (shape.iterations - begin));
    SCOPED_TRACE(StrCat("iterations ", begin, ":", end));
    ExpectSame(*ensemble, *peer, rows, {begin, end});
  }
}

TEST(ForestPropertyTest, RandomForestsPredictWhatXgboostPredicts) {
  const char* const given = std::getenv("ESPALIER_SEED");
  const uint64_t first = given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
  for (uint64_t seed = first; seed < first + (given == nullptr ? 60 : 1); ++seed) {
    std::mt19937_64 random(seed * 7919);
    RandomModelShape shape;
    shape.features = 1 + random() % 40;
    shape.categorical_features = random() % 3 == 0 ? random() % (shape.features + 1) : 0;
    shape.categories = 1 + random() % 80;
    shape.classes = random() % 3 == 0 ? 2 + random() % 4 : 1;
    shape.parallel_trees = random() % 3 == 0 ? 1 + random() % 4 : 1;
    shape.iterations = 1 + random() % 30;
    shape.max_depth = random() % 11;
    shape.dart = random() % 3 == 0;
    CheckShape(seed, shape, 1 + random() % 200);
    if (HasFailure()) break;
  }
}

TEST(ForestPropertyTest, OneLeafATree) { CheckShape(1, {.iterations = 5, .max_depth = 0}); }

TEST(ForestPropertyTest, NoTreesAtAll) {
  std::mt19937_64 random(1);
  const Ensemble ensemble = *ReadEnsemble(RandomModelJson(random, {.iterations = 0}));
  const FloatMatrix rows{3, 8, std::vector<float>(24)};
  for (const auto& forest : CompileAll(ensemble)) {
    EXPECT_THAT(Predict(*forest, rows, {}), testing::Each(testing::FloatEq(0.3f)));
    EXPECT_TRUE(Leaves(*forest, rows).empty());
  }
}

TEST(ForestPropertyTest, ChainsOfDepthSixty) {
  CheckShape(2, {.iterations = 20, .max_depth = 60, .chains = true});
  CheckShape(3, {.categorical_features = 4, .classes = 3, .iterations = 5, .max_depth = 60, .chains = true});
}

TEST(ForestPropertyTest, AHundredThousandTrees) {
  CheckShape(4, {.features = 4, .iterations = 100'000, .max_depth = 1}, 5);
}

TEST(ForestPropertyTest, SixtyFiveThousandFeatures) {
  CheckShape(5, {.features = 65'535, .iterations = 40, .max_depth = 5}, 20);
  CheckShape(6, {.features = 65'535, .iterations = 3, .max_depth = 14}, 10);
}

TEST(ForestPropertyTest, AThousandCategories) {
  CheckShape(7, {.features = 3, .categorical_features = 2, .categories = 1000, .iterations = 20});
}

TEST(ForestPropertyTest, DartOfClassesAndParallelTrees) {
  CheckShape(8, {.classes = 3, .parallel_trees = 4, .iterations = 7, .dart = true});
  CheckShape(9, {.categorical_features = 3, .parallel_trees = 2, .iterations = 7, .dart = true});
}

}  // namespace
}  // namespace espalier
