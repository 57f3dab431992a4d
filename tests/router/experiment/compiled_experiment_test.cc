#include "router/experiment/compiled_experiment.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/router/experiment/documents.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const CompiledExperiment> Compile(const v1::Experiment& document) {
  auto experiment = CompiledExperiment::Compile(document);
  EXPECT_TRUE(experiment.ok()) << experiment.status();
  return *std::move(experiment);
}

TEST(CompiledExperimentTest, SaysWhatTheDocumentSays) {
  auto document = MakeExperiment("e", "m", {0.7, 0.3});
  document.mutable_on_variant_error()->set_serve(v1::OnVariantError::CONTROL);
  document.set_config_version(4);
  const auto experiment = Compile(document);
  EXPECT_EQ(experiment->key(), "e");
  EXPECT_EQ(experiment->model(), "m");
  EXPECT_EQ(experiment->state(), "running");
  EXPECT_TRUE(experiment->running());
  EXPECT_EQ(experiment->config_version(), 4u);
  EXPECT_EQ(experiment->unit_attribute(), "user_id");
  EXPECT_EQ(experiment->on_variant_error(), OnVariantError::kServeControl);
  EXPECT_EQ(experiment->control().key, "control");
  EXPECT_EQ(experiment->variants()[1].backend.version, 2);
  EXPECT_EQ(experiment->variants()[1].weight, 0.3);
  EXPECT_THAT(experiment->probabilities(), ElementsAre(0.7, 0.3));
  EXPECT_EQ(experiment->probabilities_json(), "[0.7,0.3]");
}

TEST(CompiledExperimentTest, DefaultsFailAndCountFromOne) {
  const auto experiment = Compile(MakeExperiment("e", "m"));
  EXPECT_EQ(experiment->on_variant_error(), OnVariantError::kFail);
  EXPECT_EQ(experiment->config_version(), 1u);
}

TEST(CompiledExperimentTest, ProbabilitiesAreTheWeights) {
  auto document = MakeExperiment("e", "m", {0.9, 0.05, 0.05});
  document.set_coverage(0.1);
  EXPECT_THAT(Compile(document)->probabilities(), ElementsAre(0.9, 0.05, 0.05));
  document.set_layout(v1::Experiment::CANARY);
  document.set_coverage(1);
  EXPECT_EQ(Compile(document)->probabilities_json(), "[0.9,0.05,0.05]");
}

// At a coverage of ten slots, whole slots cannot follow the weights, and what happens counts.
TEST(CompiledExperimentTest, ProbabilitiesOfFewSlotsAreThoseOfTheSlots) {
  auto document = MakeExperiment("e", "m", {0.9, 0.05, 0.05});
  document.set_coverage(0.001);
  const auto experiment = Compile(document);
  std::vector<double> owned(3);
  for (uint32_t slot = 0; slot < 10'000; ++slot) {
    const double n = slot / 10'000.0;
    if (n < 0.001 * 0.9) ++owned[0];
    if (n >= 0.9 && n < 0.9 + 0.001 * 0.05) ++owned[1];
    if (n >= 0.9 + 0.05 && n < 0.9 + 0.05 + 0.001 * 0.05) ++owned[2];
  }
  const double total = owned[0] + owned[1] + owned[2];
  for (size_t i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(experiment->probabilities()[i], owned[i] / total) << i;
  EXPECT_GT(owned[1] / total, 0.08);
  document.set_coverage(0);
  EXPECT_THAT(Compile(document)->probabilities(), ElementsAre(0, 0, 0));
}

TEST(CompiledExperimentTest, ExplicitRangesOverrideWeightsAndCoverage) {
  auto document = MakeExperiment("e", "m", {0.5, 0.5});
  document.set_coverage(0.01);
  auto* range = document.mutable_variants(0)->add_ranges();
  range->set_end(0.6);
  range = document.mutable_variants(1)->add_ranges();
  range->set_start(0.6);
  range->set_end(0.7);
  range = document.mutable_variants(1)->add_ranges();
  range->set_start(0.9);
  range->set_end(1);
  const auto experiment = Compile(document);
  EXPECT_THAT(experiment->probabilities(), ElementsAre(0.75, 0.25));
  EXPECT_NEAR(experiment->variants()[1].weight, 0.2, 1e-12);
}

}  // namespace
}  // namespace espalier
