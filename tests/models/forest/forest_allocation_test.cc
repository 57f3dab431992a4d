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

}  // namespace
}  // namespace espalier
