#include "models/forest/predict_in_parts.h"

#include <cstring>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/strings.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

// The golden rows again and again, each time with other values in the first column.
std::vector<float> ManyRows(size_t count) {
  const std::vector<float> golden = GoldenRows();
  std::vector<float> rows(count * kGoldenFeatures);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = golden[i % golden.size()];
    if (i % kGoldenFeatures == 0) rows[i] += static_cast<float>(i) * 1e-5f;
  }
  return rows;
}

std::shared_ptr<const Forest> Load(const char* name) {
  return *Forest::Compile(*ReadEnsembleFile(FindGoldenModel("3.2.0", name).files[0]));
}

template <typename Number>
std::vector<Number> Predict(const Forest& forest, const std::vector<float>& values, PredictOptions options) {
  const size_t count = values.size() / kGoldenFeatures;
  const Rows rows{reinterpret_cast<const std::byte*>(values.data()), count, kGoldenFeatures * sizeof(float)};
  std::vector<Number> out(count * forest.OutputWidth(options.kind, options.iterations));
  const absl::Status status = forest.Predict(rows, options, std::span<Number>(out));
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

template <typename Number>
void ExpectSameBits(const char* model, size_t rows, PredictOptions options) {
  const std::shared_ptr<const Forest> forest = Load(model);
  const std::vector<float> values = ManyRows(rows);
  std::vector<float> margins(rows * forest->num_outputs());
  for (size_t i = 0; i < margins.size(); ++i) margins[i] = static_cast<float>(i % 100) * 0.01f;
  for (const bool with_margins : {false, true}) {
    if (with_margins) options.base_margin = margins;
    options.threads = 1;
    const std::vector<Number> alone = Predict<Number>(*forest, values, options);
    for (const uint32_t threads : {2u, 3u, 16u}) {
      options.threads = threads;
      const std::vector<Number> together = Predict<Number>(*forest, values, options);
      ASSERT_EQ(together.size(), alone.size());
      EXPECT_EQ(std::memcmp(together.data(), alone.data(), alone.size() * sizeof(Number)), 0) << threads;
    }
  }
}

constexpr size_t kManyRows = 100'001;

TEST(PredictInPartsTest, ManyThreadsGiveTheBitsOfOne) {
  ExpectSameBits<float>("multi_softprob", kManyRows, {.kind = OutputKind::kValue});
  ExpectSameBits<float>("binary_logistic", kManyRows, {.kind = OutputKind::kMargin});
  ExpectSameBits<int32_t>("multi_softprob", kManyRows, {.kind = OutputKind::kClass});
  ExpectSameBits<int32_t>("multi_softprob", kManyRows, {.kind = OutputKind::kLeaf, .iterations = {1, 3}});
  ExpectSameBits<float>("binary_logistic", 20'001, {.kind = OutputKind::kContributions});
  ExpectSameBits<float>("multi_softprob", 501, {.kind = OutputKind::kInteractions});
  const std::vector<float> background = ManyRows(60);
  const Rows rows{reinterpret_cast<const std::byte*>(background.data()), 60, kGoldenFeatures * sizeof(float)};
  ExpectSameBits<float>("categorical_partition", 30'001,
                        {.kind = OutputKind::kContributions, .background = rows});
}

TEST(PredictInPartsTest, WhatDoesNotFitIsRefusedAsByOneThread) {
  const std::shared_ptr<const Forest> forest = Load("binary_logistic");
  const std::vector<float> values = ManyRows(kManyRows);
  const Rows rows{reinterpret_cast<const std::byte*>(values.data()), kManyRows,
                  kGoldenFeatures * sizeof(float)};
  std::vector<float> out(kManyRows + 1);
  const auto refusal = [&](PredictOptions options, size_t size) {
    return std::string(Message(forest->Predict(rows, options, std::span(out).first(size))));
  };
  EXPECT_THAT(refusal({.threads = 4}, kManyRows + 1), HasSubstr("the output has 100002 elements"));
  EXPECT_THAT(refusal({.base_margin = out, .threads = 4}, kManyRows), HasSubstr("base_margin has 100002"));
  EXPECT_THAT(refusal({.iterations = {0, 1000}, .threads = 4}, kManyRows), HasSubstr("iterations 0:1000"));
}

}  // namespace
}  // namespace espalier
