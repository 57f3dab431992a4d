// Forests against the golden models: what XGBoost 0.90 to 3.2 wrote and predicted.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

// The number of elements that differ in a bit.
template <typename T>
size_t Differences(const std::vector<T>& ours, const std::vector<T>& theirs) {
  if (ours.size() != theirs.size()) return ours.size() + theirs.size();
  size_t count = 0;
  for (size_t i = 0; i < ours.size(); ++i) count += std::memcmp(&ours[i], &theirs[i], sizeof(T)) != 0;
  return count;
}

// Before 1.3 XGBoost added the base score last, so that its sums are rounded otherwise. Forests add it first,
// like every later version does with such a file.
bool AddedBaseScoreLast(const GoldenModel& model) {
  const bool old = model.version == "0.90" || model.version == "1.0.2" || model.version == "1.2.1";
  return old && !model.linear();
}

// Before 1.6 the logistic function of a large margin was 0; Forests give the denormal of every later version.
bool SquashedToZero(const GoldenModel& model) {
  return model.linear() && (model.version[0] == '0' || model.version < "1.6");
}

void ExpectClose(const std::vector<float>& ours, const std::vector<float>& theirs) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i], theirs[i], 1e-6 * std::max(1.0f, std::abs(theirs[i]))) << i;
  }
}

TEST(ForestGoldenTest, VectorLeavesHaveNoContributions) {
  const GoldenModel model = FindGoldenModel("3.2.0", "vector_leaf");
  const std::shared_ptr<const Forest> forest = *Forest::Compile(*ReadEnsembleFile(model.files[0]));
  const std::vector<float> row(kGoldenFeatures);
  std::vector<float> out(forest->OutputWidth(OutputKind::kContributions));
  const Rows rows{reinterpret_cast<const std::byte*>(row.data()), 1, row.size() * sizeof(float)};
  const absl::Status status =
      forest->Predict(rows, {.kind = OutputKind::kContributions}, std::span<float>(out));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
}

TEST(ForestGoldenTest, EveryVersionAndFormatPredictsTheSame) {
  const std::vector<float> row_values = GoldenRows();
  size_t compared = 0;
  for (const GoldenModel& model : GoldenModels()) {
    if (model.refused) continue;
    const GoldenPredictions expected = ReadGoldenPredictions(model);
    for (const std::string& file : model.files) {
      SCOPED_TRACE(file);
      absl::StatusOr<Ensemble> ensemble = ReadEnsembleFile(file);
      ASSERT_TRUE(ensemble.ok()) << ensemble.status().message();
      const absl::StatusOr<std::shared_ptr<const Forest>> compiled = Forest::Compile(*std::move(ensemble));
      ASSERT_TRUE(compiled.ok()) << compiled.status().message();
      const Forest& forest = **compiled;
      const Rows rows{reinterpret_cast<const std::byte*>(row_values.data()),
                      row_values.size() / kGoldenFeatures, kGoldenFeatures * sizeof(float)};

      std::vector<float> values(rows.count * forest.OutputWidth(OutputKind::kValue));
      std::vector<float> margins(rows.count * forest.num_outputs());
      std::vector<int32_t> leaves(rows.count * forest.num_trees());
      ASSERT_TRUE(forest.Predict(rows, {.kind = OutputKind::kValue}, std::span<float>(values)).ok());
      ASSERT_TRUE(forest.Predict(rows, {.kind = OutputKind::kMargin}, std::span<float>(margins)).ok());
      EXPECT_EQ(forest.is_linear(), model.linear());
      EXPECT_EQ(forest.Predict(rows, {.kind = OutputKind::kLeaf}, std::span<int32_t>(leaves)).ok(),
                !model.linear());
      if (AddedBaseScoreLast(model)) {
        ExpectClose(margins, expected.margin);
        ExpectClose(values, expected.value);
      } else {
        EXPECT_EQ(Differences(margins, expected.margin), 0u);
        if (SquashedToZero(model)) {
          ExpectClose(values, expected.value);
        } else {
          EXPECT_EQ(Differences(values, expected.value), 0u);
        }
      }
      EXPECT_EQ(Differences(leaves, expected.leaf), 0u);
      EXPECT_EQ(forest.best_iteration(), model.linear() ? std::nullopt : model.best_iteration);
      ++compared;
    }
  }
  EXPECT_GT(compared, 230u);
}

}  // namespace
}  // namespace espalier
