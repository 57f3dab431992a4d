#include "gtest/gtest.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/allocation_counter.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

TEST(ForestAllocationTest, AWarmThreadDoesNotAllocate) {
  const std::vector<float> values = GoldenRows();
  for (const char* name : {"binary_logistic", "multi_softmax", "categorical_partition"}) {
    const absl::StatusOr<Ensemble> ensemble = ReadEnsembleFile(FindGoldenModel("3.2.0", name).files[0]);
    ASSERT_TRUE(ensemble.ok());
    const std::shared_ptr<const Forest> forest = *Forest::Compile(*ensemble);
    const Rows rows{reinterpret_cast<const std::byte*>(values.data()), values.size() / kGoldenFeatures,
                    kGoldenFeatures * sizeof(float)};
    std::vector<float> out(rows.count * forest->OutputWidth(OutputKind::kValue));
    std::vector<float> margins(rows.count * forest->num_outputs());
    const auto predict = [&] {
      return forest->Predict(rows, {}, std::span<float>(out)).ok() &&
             forest->Predict(rows, {.kind = OutputKind::kMargin}, std::span<float>(margins)).ok();
    };
    ASSERT_TRUE(predict());
    const size_t before = AllocatedBytes();
    const bool ok = predict() && predict();
    const size_t after = AllocatedBytes();
    EXPECT_TRUE(ok);
    EXPECT_EQ(after, before) << name;
  }
}

// Starting a thread allocates.
TEST(ForestAllocationTest, ThreadsAreStartedForManyRowsOnly) {
  const absl::StatusOr<Ensemble> ensemble =
      ReadEnsembleFile(FindGoldenModel("3.2.0", "binary_logistic").files[0]);
  ASSERT_TRUE(ensemble.ok());
  const std::shared_ptr<const Forest> forest = *Forest::Compile(*ensemble);
  const std::vector<float> values(200'000 * kGoldenFeatures, 0.5f);
  std::vector<float> out(values.size() / kGoldenFeatures);
  const auto allocated = [&](size_t count, uint32_t threads) {
    const Rows rows{reinterpret_cast<const std::byte*>(values.data()), count,
                    kGoldenFeatures * sizeof(float)};
    const size_t before = AllocatedBytes();
    EXPECT_TRUE(forest->Predict(rows, {.threads = threads}, std::span(out).first(count)).ok());
    return AllocatedBytes() - before;
  };
  allocated(out.size(), 1);
  EXPECT_EQ(allocated(out.size(), 1), 0u);
  EXPECT_EQ(allocated(100, 4), 0u);
  EXPECT_GT(allocated(out.size(), 4), 0u);
}

}  // namespace
}  // namespace espalier
