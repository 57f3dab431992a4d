#include "models/forest/read_ensemble.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "tests/models/forest/golden_models.h"
#include "tests/models/forest/model_text.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

Ensemble ReadGoldenModel(const std::string& version, const std::string& name) {
  return *ReadEnsembleFile(FindGoldenModel(version, name).files.back());
}

Ensemble MustRead(const ModelText& text) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(text.Json());
  EXPECT_TRUE(ensemble.ok()) << ensemble.status();
  return ensemble.ok() ? *std::move(ensemble) : Ensemble();
}

bool SameFloat(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

void ExpectSameTree(const Tree& a, const Tree& b) {
  EXPECT_EQ(a.categories, b.categories);
  EXPECT_EQ(a.output, b.output);
  EXPECT_EQ(a.iteration, b.iteration);
  EXPECT_EQ(a.weight, b.weight);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    SCOPED_TRACE(StrCat("node ", i));
    const TreeNode& x = a.nodes[i];
    const TreeNode& y = b.nodes[i];
    EXPECT_EQ(x.left, y.left);
    EXPECT_EQ(x.right, y.right);
    EXPECT_EQ(x.feature, y.feature);
    EXPECT_TRUE(SameFloat(x.value, y.value) || (std::isnan(x.value) && std::isnan(y.value)));
    EXPECT_EQ(x.default_left, y.default_left);
    EXPECT_EQ(x.categorical, y.categorical);
    EXPECT_EQ(x.category_begin, y.category_begin);
    EXPECT_EQ(x.category_end, y.category_end);
    EXPECT_TRUE(SameFloat(x.cover, y.cover));
  }
}

void ExpectSameEnsemble(const Ensemble& a, const Ensemble& b) {
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.objective, b.objective);
  EXPECT_EQ(a.objective_parameters, b.objective_parameters);
  EXPECT_EQ(a.base_score, b.base_score);
  EXPECT_EQ(a.is_linear, b.is_linear);
  EXPECT_EQ(a.linear_weights, b.linear_weights);
  EXPECT_EQ(a.num_iterations, b.num_iterations);
  EXPECT_EQ(a.feature_names, b.feature_names);
  EXPECT_EQ(a.feature_kinds, b.feature_kinds);
  ASSERT_EQ(a.trees.size(), b.trees.size());
  for (size_t i = 0; i < a.trees.size(); ++i) {
    SCOPED_TRACE(StrCat("tree ", i));
    ExpectSameTree(a.trees[i], b.trees[i]);
  }
}

// Follows one row down one tree, as the comments of TreeNode say.
int32_t Leaf(const Tree& tree, const float* row) {
  int32_t at = 0;
  while (tree.nodes[at].left != -1) {
    const TreeNode& node = tree.nodes[at];
    const float x = row[node.feature];
    bool left = x < node.value;
    if (node.categorical && !std::isnan(x)) {
      const auto begin = tree.categories.begin() + node.category_begin;
      const auto end = tree.categories.begin() + node.category_end;
      left = std::find(begin, end, static_cast<uint32_t>(x)) == end;
    }
    if (std::isnan(x)) left = node.default_left;
    at = left ? node.left : node.right;
  }
  return at;
}

// What the binary format says of the version: "0.x", "1.2".
std::string VersionInBinary(const std::string& version) {
  return version.starts_with("0.") ? "0.x" : version.substr(0, version.find('.', version.find('.') + 1));
}

// All golden models of one version of XGBoost.
class GoldenTest : public ::testing::TestWithParam<const char*> {
 protected:
  static std::vector<GoldenModel> Models() {
    std::vector<GoldenModel> models = GoldenModels();
    std::erase_if(models, [](const GoldenModel& model) { return model.version != GetParam(); });
    EXPECT_FALSE(models.empty());
    return models;
  }
};

TEST_P(GoldenTest, ReadsWhatXgboostWrote) {
  for (const GoldenModel& model : Models()) {
    for (const std::string& file : model.files) {
      SCOPED_TRACE(file);
      const absl::StatusOr<Ensemble> ensemble = ReadEnsembleFile(file);
      if (model.refused) {
        EXPECT_EQ(ensemble.status().code(), absl::StatusCode::kUnimplemented) << ensemble.status();
        continue;
      }
      ASSERT_TRUE(ensemble.ok()) << ensemble.status();
      EXPECT_EQ(ensemble->version, file.ends_with(".model") ? VersionInBinary(model.version) : model.version);
      EXPECT_EQ(ensemble->num_features, kGoldenFeatures);
      EXPECT_EQ(ensemble->num_outputs, model.outputs);
      EXPECT_EQ(ensemble->trees.size(), model.trees);
      EXPECT_EQ(ensemble->is_linear, model.linear());
      EXPECT_EQ(ensemble->best_iteration, model.linear() ? std::nullopt : model.best_iteration);
    }
  }
}

TEST_P(GoldenTest, TreesLeadToTheLeavesOfXgboost) {
  const std::vector<float> rows = GoldenRows();
  for (const GoldenModel& model : Models()) {
    if (model.refused) continue;
    SCOPED_TRACE(model.name);
    const std::vector<int32_t> leaves = ReadGoldenPredictions(model).leaf;
    const Ensemble ensemble = *ReadEnsembleFile(model.files.back());
    for (size_t i = 0; i < leaves.size(); ++i) {
      const size_t row = i / model.trees;
      const size_t tree = i % model.trees;
      ASSERT_EQ(Leaf(ensemble.trees[tree], &rows[row * kGoldenFeatures]), leaves[i])
          << "row " << row << " tree " << tree;
    }
  }
}

TEST_P(GoldenTest, JsonAndUbjsonSayTheSame) {
  for (const GoldenModel& model : Models()) {
    if (model.refused || model.files.size() < 2) continue;
    SCOPED_TRACE(model.name);
    if (!model.files[1].ends_with(".ubj")) continue;
    const Ensemble json = *ReadEnsembleFile(model.files[0]);
    const Ensemble ubjson = *ReadEnsembleFile(model.files[1]);
    EXPECT_EQ(json.format, "xgboost_json");
    EXPECT_EQ(ubjson.format, "xgboost_ubj");
    ExpectSameEnsemble(json, ubjson);
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenTest,
                         ::testing::Values("0.90", "1.0.2", "1.2.1", "1.3.3", "1.7.6", "2.0.3", "2.1.4",
                                           "3.0.5", "3.2.0"));

TEST(ReadEnsembleTest, MultiClassTreesBelongToTheirClassAndIteration) {
  const Ensemble ensemble = ReadGoldenModel("3.2.0", "random_forest");
  EXPECT_EQ(ensemble.num_class, 3u);
  EXPECT_EQ(ensemble.num_iterations, 3u);
  std::vector<uint32_t> outputs;
  std::vector<uint32_t> iterations;
  for (const Tree& tree : ensemble.trees) {
    outputs.push_back(tree.output);
    iterations.push_back(tree.iteration);
  }
  EXPECT_THAT(outputs, ElementsAre(0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2));
  EXPECT_THAT(iterations, ElementsAre(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2));
}

TEST(ReadEnsembleTest, IterationsOfOldFilesAreCountedFromParallelTrees) {
  EXPECT_EQ(ReadGoldenModel("1.7.6", "random_forest").num_iterations, 3u);
  // Before 1.6 files do not say how many parallel trees there were; XGBoost takes it for one.
  EXPECT_EQ(ReadGoldenModel("1.3.3", "random_forest").num_iterations, 6u);
}

TEST(ReadEnsembleTest, BaseScoreIsANumberATextOrAVector) {
  EXPECT_THAT(ReadGoldenModel("1.0.2", "binary_logistic_base_score").base_score, ElementsAre(0.3f));
  EXPECT_THAT(ReadGoldenModel("3.2.0", "reg_squarederror_base_score").base_score, ElementsAre(-1.25e-3f));
  EXPECT_EQ(ReadGoldenModel("3.2.0", "quantile_three").base_score.size(), 3u);
  EXPECT_THAT(MustRead(ModelText().With("base_score", "0.25")).base_score, ElementsAre(0.25f));
  EXPECT_THAT(MustRead(ModelText().With("base_score", "[0.25]")).base_score, ElementsAre(0.25f));
  EXPECT_THAT(MustRead(ModelText().With("base_score", "\"[ 2.5E-1 ]\"")).base_score, ElementsAre(0.25f));
  EXPECT_THAT(
      MustRead(ModelText().With("base_score", "\"[1E0,-2E0]\"").With("num_target", "\"2\"")).base_score,
      ElementsAre(1.0f, -2.0f));
}

TEST(ReadEnsembleTest, KeepsObjectiveParametersAsTheyAreWritten) {
  EXPECT_THAT(
      ReadGoldenModel("3.2.0", "survival_aft").objective_parameters,
      ElementsAre(Pair("aft_loss_distribution", "logistic"), Pair("aft_loss_distribution_scale", "1")));
  EXPECT_THAT(ReadGoldenModel("3.2.0", "reg_tweedie").objective_parameters,
              ElementsAre(Pair("tweedie_variance_power", "1.29999995")));
}

TEST(ReadEnsembleTest, FeatureNamesKeepEscapesAndUtf8) {
  const std::vector<std::string> names = {"age", "dep delay", "größe", "d", "e\\f", "g\"h", "i", "j"};
  for (const std::string& file : FindGoldenModel("3.2.0", "feature_names").files) {
    EXPECT_EQ(ReadEnsembleFile(file)->feature_names, names);
  }
}

TEST(ReadEnsembleTest, CategoricalFeaturesComeFromTypesOrFromSplits) {
  const Ensemble typed = ReadGoldenModel("3.2.0", "categorical_partition");
  ASSERT_EQ(typed.feature_kinds.size(), kGoldenFeatures);
  EXPECT_EQ(typed.feature_kinds[5], FeatureKind::kNumeric);
  EXPECT_EQ(typed.feature_kinds[7], FeatureKind::kCategorical);

  ModelText text;
  text.WithTree("split_type", "[1,0,0]").WithTree("categories", "[2,7]").WithTree("categories_nodes", "[0]");
  text.WithTree("categories_segments", "[0]").WithTree("categories_sizes", "[2]");
  const Ensemble untyped = MustRead(text);
  EXPECT_THAT(untyped.feature_kinds,
              ElementsAre(FeatureKind::kNumeric, FeatureKind::kCategorical, FeatureKind::kNumeric));
  EXPECT_THAT(untyped.trees[0].categories, ElementsAre(2, 7));
}

TEST(ReadEnsembleTest, DartWeighsItsTrees) {
  for (const char* version : {"1.0.2", "1.7.6", "3.2.0"}) {
    const Ensemble ensemble = ReadGoldenModel(version, "dart");
    EXPECT_NE(ensemble.trees[0].weight, 1.0f) << version;
  }
}

TEST(ReadEnsembleTest, NumbersAreRoundedOnceToFloat) {
  // Just above the middle between two floats, but equal to it as a double: a detour over double would round
  // it to even, which is the lower one.
  const std::string text = "[1.00000005960464477540,NaN,-Infinity]";
  const Ensemble ensemble = MustRead(ModelText().WithTree("sum_hessian", text));
  EXPECT_EQ(ensemble.trees[0].nodes[0].cover, std::nextafter(1.0f, 2.0f));
  EXPECT_TRUE(std::isnan(ensemble.trees[0].nodes[1].cover));
  EXPECT_EQ(ensemble.trees[0].nodes[2].cover, -std::numeric_limits<float>::infinity());
}

TEST(ReadEnsembleTest, ReadsEveryFloatThatXgboostCanWrite) {
  const Ensemble ensemble =
      MustRead(ModelText().WithTree("split_conditions", "[-1.4E-45,3.4028235E38,-0E0]"));
  EXPECT_EQ(ensemble.trees[0].nodes[0].value, -std::numeric_limits<float>::denorm_min());
  EXPECT_EQ(ensemble.trees[0].nodes[1].value, std::numeric_limits<float>::max());
  EXPECT_TRUE(SameFloat(ensemble.trees[0].nodes[2].value, -0.0f));
}

TEST(ReadEnsembleTest, InfiniteThresholdsAreLegalAndUnusedFieldsMayHoldAnything) {
  ModelText text;
  text.WithTree("split_conditions", "[Infinity,1,2]").WithTree("loss_changes", "[NaN,{\"a\":[\"]\"]},nan]");
  EXPECT_EQ(MustRead(text).trees[0].nodes[0].value, std::numeric_limits<float>::infinity());
}

TEST(ReadEnsembleTest, DeletedNodesMayHoldAnything) {
  ModelText text;
  text.WithTree("left_children", "[1,-1,-1,9]").WithTree("right_children", "[2,-1,-1,3]");
  text.WithTree("split_indices", "[1,0,0,2147483647]").WithTree("split_conditions", "[0.5,1,2,NaN]");
  text.WithTree("default_left", "[false,true,0,1]").WithTree("sum_hessian", "[1,1,1,1]");
  text.WithTree("tree_param", "{\"num_nodes\":\"4\"}");
  EXPECT_EQ(MustRead(text).trees[0].nodes.size(), 4u);
}

TEST(ReadEnsembleTest, FieldsComeInAnyOrderAndUnknownOnesAreSkipped) {
  const std::string json =
      R"( {"new":{"a":[1,{"b":"}"}]},"version":[1,7,6],"learner":{"learner_model_param":{"num_feature":"3",
      "num_class":"0","base_score":"5E-1"},"objective":{"reg_loss_param":{"scale_pos_weight":"1"},
      "name":"reg:squarederror"},"gradient_booster":{"name":"gbtree","model":{"trees":[],"tree_info":[],
      "gbtree_model_param":{"num_trees":"0"}}}}} )";
  const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(json);
  ASSERT_TRUE(ensemble.ok()) << ensemble.status();
  EXPECT_EQ(ensemble->objective, "reg:squarederror");
  EXPECT_EQ(ensemble->version, "1.7.6");
  EXPECT_EQ(ensemble->num_iterations, 0u);
}

TEST(ReadEnsembleTest, EscapesOfFeatureNamesAreDecoded) {
  const Ensemble ensemble =
      MustRead(ModelText().With("feature_names", R"(["\u0041\t","\u00fc\u20ac","\ud83c\udf33"])"));
  EXPECT_THAT(ensemble.feature_names, ElementsAre("A\t", "ü€", "🌳"));
}

TEST(ReadEnsembleTest, FileErrorsNameThePath) {
  const std::string folder = testing::TempDir();
  EXPECT_EQ(ReadEnsembleFile(folder).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(ReadEnsembleFile(folder).status()), HasSubstr("is a directory"));
  EXPECT_EQ(ReadEnsembleFile(folder + "/none.json").status().code(), absl::StatusCode::kNotFound);
  const std::string path = StrCat(folder, "/read_ensemble_test.", getpid());
  ASSERT_TRUE(WriteFileAtomically(path, "{").ok());
  EXPECT_THAT(Message(ReadEnsembleFile(path).status()), HasSubstr(path + ": model: byte 1: expected"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace espalier
