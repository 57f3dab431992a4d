// Forests against XGBoost itself: trained here with fixed seeds, compared bit by bit.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/golden_models.h"
#include "tests/testing/xgboost_peer.h"

namespace espalier {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Rows AsRows(const FloatMatrix& matrix) {
  return {reinterpret_cast<const std::byte*>(matrix.values.data()), matrix.rows,
          matrix.columns * sizeof(float)};
}

std::shared_ptr<const Forest> Compile(const XgboostPeer& peer) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(peer.Save());
  EXPECT_TRUE(ensemble.ok()) << ensemble.status().message();
  absl::StatusOr<std::shared_ptr<const Forest>> forest = Forest::Compile(*std::move(ensemble));
  EXPECT_TRUE(forest.ok()) << forest.status().message();
  return *forest;
}

std::vector<float> Predict(const Forest& forest, const FloatMatrix& rows, const PredictOptions& options) {
  std::vector<float> out(rows.rows * forest.OutputWidth(options.kind));
  const absl::Status status = forest.Predict(AsRows(rows), options, std::span<float>(out));
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

std::vector<int32_t> PredictIntegers(const Forest& forest, const FloatMatrix& rows,
                                     const PredictOptions& options) {
  std::vector<int32_t> out(rows.rows * forest.OutputWidth(options.kind, options.iterations));
  const absl::Status status = forest.Predict(AsRows(rows), options, std::span<int32_t>(out));
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

// memcmp, with the first difference as the message.
testing::AssertionResult SameBits(const std::vector<float>& ours, const std::vector<float>& theirs) {
  if (ours.size() != theirs.size()) {
    return testing::AssertionFailure() << ours.size() << " elements, XGBoost has " << theirs.size();
  }
  if (std::memcmp(ours.data(), theirs.data(), ours.size() * sizeof(float)) == 0) {
    return testing::AssertionSuccess();
  }
  size_t i = 0;
  while (std::memcmp(&ours[i], &theirs[i], sizeof(float)) == 0) ++i;
  return testing::AssertionFailure() << "element " << i << " is " << std::hexfloat << ours[i]
                                     << ", XGBoost has " << theirs[i];
}

// Values, margins and leaves for `rows`; with infinities only what XGBoost predicts in place.
void ExpectSame(const Forest& forest, const XgboostPeer& peer, const FloatMatrix& rows,
                bool infinities = false) {
  const auto theirs = [&](XgboostPeer::Type type) {
    return infinities ? peer.PredictInPlace(rows, type) : peer.Predict(rows, type);
  };
  EXPECT_TRUE(SameBits(Predict(forest, rows, {.kind = OutputKind::kValue}), theirs(XgboostPeer::kValue)));
  EXPECT_TRUE(SameBits(Predict(forest, rows, {.kind = OutputKind::kMargin}), theirs(XgboostPeer::kMargin)));
  if (infinities) return;
  if (forest.is_linear()) return;
  const std::vector<int32_t> leaves = PredictIntegers(forest, rows, {.kind = OutputKind::kLeaf});
  EXPECT_TRUE(SameBits(std::vector<float>(leaves.begin(), leaves.end()), theirs(XgboostPeer::kLeaf)));
}

LabelledRows MakeData(uint64_t seed, size_t rows, size_t columns, double missing = 0.06) {
  LabelledRows data;
  data.rows = RandomRows(seed, rows, columns, missing);
  data.labels = RandomLabels(seed + 1, data.rows);
  return data;
}

template <typename Function>
LabelledRows WithLabels(LabelledRows data, Function function) {
  for (float& label : data.labels.values) label = function(label);
  return data;
}

float Above(float label) { return label > 0 ? 1 : 0; }
float Positive(float label) { return std::exp(0.3f * label); }
float Class(float label) { return std::clamp(std::floor(label + 2), 0.0f, 4.0f); }

// Rows made of the thresholds of the model and their neighbours, signed zeros, denormals and missing values.
FloatMatrix HostileRows(const XgboostPeer& peer, size_t columns, bool infinities) {
  const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(peer.Save());
  std::vector<std::vector<float>> values(
      columns, std::vector<float>{0.0f, -0.0f, 1e-45f, -1e-45f, 1e-38f, 3.4e38f, -3.4e38f, kNaN});
  for (std::vector<float>& column : values) {
    if (infinities) column.insert(column.end(), {kInfinity, -kInfinity});
  }
  for (const Tree& tree : ensemble->trees) {
    for (const TreeNode& node : tree.nodes) {
      if (node.left < 0 || node.categorical) continue;
      for (const float value :
           {node.value, std::nextafter(node.value, kInfinity), std::nextafter(node.value, -kInfinity)}) {
        values[node.feature].push_back(value);
      }
    }
  }
  constexpr size_t kRows = 1000;
  FloatMatrix rows{kRows, columns, {}};
  uint64_t state = 11;
  for (size_t i = 0; i < kRows * columns; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const std::vector<float>& column = values[i % columns];
    rows.values.push_back(column[(state >> 33) % column.size()]);
  }
  return rows;
}

struct ObjectiveCase {
  std::string name;
  float (*label)(float);
  XgboostParameters parameters;
};

void PrintTo(const ObjectiveCase& objective, std::ostream* out) { *out << objective.name; }

class ForestObjectiveTest : public testing::TestWithParam<ObjectiveCase> {};

// The same forest from each format that this XGBoost writes.
void ExpectFormatsAgree(const XgboostPeer& peer, const FloatMatrix& rows) {
  for (const auto& [theirs, ours] :
       {std::pair("json", "xgboost_json"), {"ubj", "xgboost_ubj"}, {"deprecated", "xgboost_binary"}}) {
    SCOPED_TRACE(ours);
    absl::StatusOr<Ensemble> ensemble = ReadEnsemble(peer.Save(theirs));
    ASSERT_TRUE(ensemble.ok()) << ensemble.status().message();
    EXPECT_EQ(ensemble->format, ours);
    ExpectSame(**Forest::Compile(*std::move(ensemble)), peer, rows);
  }
}

TEST_P(ForestObjectiveTest, PredictsWhatXgboostPredicts) {
  const ObjectiveCase& objective = GetParam();
  LabelledRows data = WithLabels(MakeData(3, 600, 12), objective.label);
  if (objective.name.starts_with("rank:")) data.groups.assign(30, 20);
  XgboostParameters parameters = objective.parameters;
  parameters.insert(parameters.end(), {{"objective", objective.name}, {"max_depth", "4"}});
  const XgboostPeer peer = XgboostPeer::Train(data, parameters, 12);
  const std::shared_ptr<const Forest> forest = Compile(peer);
  EXPECT_EQ(forest->objective(), objective.name == "reg:linear" ? "reg:squarederror" : objective.name);
  ExpectFormatsAgree(peer, RandomRows(99, 500, 12, 0.1));
  ExpectSame(*forest, peer, HostileRows(peer, 12, false));
  ExpectSame(*forest, peer, HostileRows(peer, 12, true), true);
}

INSTANTIATE_TEST_SUITE_P(
    All, ForestObjectiveTest,
    testing::Values(
        ObjectiveCase{"reg:squarederror", [](float x) { return x; }, {}},
        ObjectiveCase{"reg:linear", [](float x) { return x; }, {{"base_score", "-1.7"}}},
        ObjectiveCase{"reg:squaredlogerror", Positive, {}},
        ObjectiveCase{"reg:pseudohubererror", [](float x) { return x; }, {}},
        ObjectiveCase{"reg:absoluteerror", [](float x) { return x; }, {}},
        ObjectiveCase{"reg:logistic", [](float x) { return 1 / (1 + std::exp(-x)); }, {}},
        ObjectiveCase{"binary:logistic", Above, {{"base_score", "0.3"}}},
        ObjectiveCase{"binary:logitraw", Above, {{"base_score", "0.2"}}},
        ObjectiveCase{"binary:hinge", Above, {}},
        ObjectiveCase{"multi:softprob", Class, {{"num_class", "5"}}},
        ObjectiveCase{"multi:softmax", Class, {{"num_class", "5"}}},
        ObjectiveCase{
            "count:poisson", [](float x) { return std::floor(Positive(x) * 3); }, {{"base_score", "2"}}},
        ObjectiveCase{"reg:gamma", Positive, {}},
        ObjectiveCase{"reg:tweedie", Positive, {{"tweedie_variance_power", "1.3"}}},
        ObjectiveCase{"rank:pairwise", Class, {}}, ObjectiveCase{"rank:ndcg", Class, {}},
        ObjectiveCase{"rank:map", Above, {}},
        ObjectiveCase{"survival:cox", [](float x) { return x > 1 ? -Positive(x) : Positive(x); }, {}},
        ObjectiveCase{"survival:aft", Positive, {{"aft_loss_distribution", "logistic"}}}),
    [](const testing::TestParamInfo<ObjectiveCase>& info) {
      std::string name = info.param.name;
      std::replace(name.begin(), name.end(), ':', '_');
      return name;
    });

TEST(ForestPeerTest, AnyDepthPredictsTheSame) {
  const LabelledRows data = WithLabels(MakeData(5, 3000, 20), Above);
  for (int depth = 1; depth <= 12; ++depth) {
    SCOPED_TRACE(depth);
    const XgboostPeer peer = XgboostPeer::Train(
        data,
        {{"objective", "binary:logistic"}, {"max_depth", std::to_string(depth)}, {"min_child_weight", "0"}},
        depth < 6 ? 20 : 5);
    const std::shared_ptr<const Forest> forest = Compile(peer);
    EXPECT_EQ(forest->max_depth(), depth);
    ExpectSame(*forest, peer, RandomRows(98, 300, 20, 0.2));
    ExpectSame(*forest, peer, HostileRows(peer, 20, false));
  }
}

TEST(ForestPeerTest, LossguideChainsPredictTheSame) {
  const LabelledRows data = MakeData(6, 3000, 3);
  const XgboostPeer peer = XgboostPeer::Train(data,
                                              {{"objective", "reg:squarederror"},
                                               {"tree_method", "hist"},
                                               {"grow_policy", "lossguide"},
                                               {"max_leaves", "200"},
                                               {"max_depth", "0"},
                                               {"min_child_weight", "0"}},
                                              9);
  const std::shared_ptr<const Forest> forest = Compile(peer);
  EXPECT_GT(forest->max_depth(), 10u);
  ExpectSame(*forest, peer, RandomRows(97, 500, 3, 0.1));
  ExpectSame(*forest, peer, HostileRows(peer, 3, true), true);
}

TEST(ForestPeerTest, PrunedTreesKeepTheNumbersOfTheirLeaves) {
  const LabelledRows data = WithLabels(MakeData(7, 2000, 10), Above);
  const XgboostPeer peer = XgboostPeer::Train(
      data, {{"objective", "binary:logistic"}, {"tree_method", "exact"}, {"gamma", "3"}, {"max_depth", "7"}},
      15);
  ExpectSame(*Compile(peer), peer, RandomRows(96, 500, 10, 0.1));
}

TEST(ForestPeerTest, RandomForestsAndIterationRanges) {
  const LabelledRows data = WithLabels(MakeData(8, 1000, 8), Class);
  const XgboostPeer peer = XgboostPeer::Train(data,
                                              {{"objective", "multi:softprob"},
                                               {"num_class", "5"},
                                               {"num_parallel_tree", "3"},
                                               {"subsample", "0.7"},
                                               {"colsample_bynode", "0.7"}},
                                              6);
  const std::shared_ptr<const Forest> forest = Compile(peer);
  EXPECT_EQ(forest->num_iterations(), 6u);
  EXPECT_EQ(forest->num_trees(), 6u * 5 * 3);
  const FloatMatrix rows = RandomRows(95, 200, 8, 0.1);
  for (const std::pair<int, int>& iterations : {std::pair(0, 0), {0, 1}, {2, 5}, {5, 6}, {0, 6}, {3, 0}}) {
    const int begin = iterations.first;
    const int end = iterations.second;
    SCOPED_TRACE(testing::Message() << begin << ":" << end);
    const IterationRange range{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    const auto theirs = [&](XgboostPeer::Type type) {
      return peer.Predict(rows, {.type = type, .begin = begin, .end = end, .base_margin = {}});
    };
    EXPECT_TRUE(SameBits(Predict(*forest, rows, {.kind = OutputKind::kMargin, .iterations = range}),
                         theirs(XgboostPeer::kMargin)));
    EXPECT_TRUE(SameBits(Predict(*forest, rows, {.kind = OutputKind::kValue, .iterations = range}),
                         theirs(XgboostPeer::kValue)));
    if (begin > 0) continue;  // XGBoost 1.7 takes no begin for leaves
    const std::vector<int32_t> leaves =
        PredictIntegers(*forest, rows, {.kind = OutputKind::kLeaf, .iterations = range});
    EXPECT_TRUE(SameBits(std::vector<float>(leaves.begin(), leaves.end()), theirs(XgboostPeer::kLeaf)));
  }
}

TEST(ForestPeerTest, BaseMarginReplacesTheBaseScore) {
  const LabelledRows data = WithLabels(MakeData(9, 800, 8), Class);
  const XgboostPeer peer = XgboostPeer::Train(data, {{"objective", "multi:softprob"}, {"num_class", "5"}}, 4);
  const FloatMatrix rows = RandomRows(94, 300, 8, 0.1);
  const std::vector<float> base_margin = RandomRows(93, 300, 5, 0).values;
  for (const auto& [kind, type] : {std::pair(OutputKind::kMargin, XgboostPeer::kMargin),
                                   std::pair(OutputKind::kValue, XgboostPeer::kValue)}) {
    EXPECT_TRUE(SameBits(Predict(*Compile(peer), rows, {.kind = kind, .base_margin = base_margin}),
                         peer.Predict(rows, {.type = type, .base_margin = base_margin})));
  }
}

TEST(ForestPeerTest, SeveralTargetsOneTreeEach) {
  LabelledRows data = MakeData(10, 800, 8);
  const FloatMatrix second = RandomLabels(44, data.rows);
  const FloatMatrix third = RandomLabels(45, data.rows);
  FloatMatrix labels{800, 3, {}};
  for (size_t i = 0; i < 800; ++i) {
    labels.values.insert(labels.values.end(),
                         {data.labels.values[i], -second.values[i], 2 * third.values[i]});
  }
  data.labels = labels;
  const XgboostPeer peer =
      XgboostPeer::Train(data, {{"objective", "reg:squarederror"}, {"tree_method", "hist"}}, 7);
  const std::shared_ptr<const Forest> forest = Compile(peer);
  EXPECT_EQ(forest->num_outputs(), 3u);
  ExpectSame(*forest, peer, RandomRows(92, 300, 8, 0.1));
}

TEST(ForestPeerTest, DartWeighsItsTrees) {
  const LabelledRows data = WithLabels(MakeData(12, 1000, 8), Above);
  const XgboostPeer peer = XgboostPeer::Train(
      data, {{"objective", "binary:logistic"}, {"booster", "dart"}, {"rate_drop", "0.3"}}, 20);
  ExpectFormatsAgree(peer, RandomRows(91, 300, 8, 0.1));
}

// Numeric columns 0-3, category columns 4 (3 categories), 5 (40 categories), 6 (300 categories).
LabelledRows CategoricalData() {
  LabelledRows data = MakeData(13, 4000, 7);
  data.feature_types = {"q", "q", "q", "q", "c", "c", "c"};
  constexpr int kCategories[] = {3, 40, 300};
  for (size_t i = 0; i < data.rows.rows; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      float& value = data.rows.values[i * 7 + 4 + j];
      if (std::isnan(value)) continue;
      value = std::floor(std::fmod(std::abs(value) * 997.0f, static_cast<float>(kCategories[j])));
      data.labels.values[i] += static_cast<int>(value) * 7919 % 5 * 0.4f;
    }
  }
  return data;
}

class ForestCategoryTest : public testing::TestWithParam<XgboostParameters> {};

TEST_P(ForestCategoryTest, SplitsOnCategoriesPredictTheSame) {
  const LabelledRows data = CategoricalData();
  XgboostParameters parameters = GetParam();
  parameters.insert(parameters.end(), {{"objective", "reg:squarederror"}, {"max_depth", "6"}});
  const XgboostPeer peer = XgboostPeer::Train(data, parameters, 12);
  const std::shared_ptr<const Forest> forest = Compile(peer);
  EXPECT_THAT(forest->feature_kinds(), testing::Contains(FeatureKind::kCategorical));
  ExpectSame(*forest, peer, data.rows);
  // Categories never seen, fractions (cut off), negative numbers, and too large ones: all of them go left
  // unless the set has them.
  FloatMatrix odd = data.rows;
  const float kOdd[] = {-1,     -0.0f, -0.5f, 0.99f,    2.5f,     3,    39.9f, 41,  64,
                        299.5f, 300,   320,   16777215, 16777216, 1e9f, 3e38f, kNaN};
  for (size_t i = 0; i < odd.values.size(); ++i) {
    if (i % 7 >= 4 && i % 3 != 0) odd.values[i] = kOdd[(i / 3) % std::size(kOdd)];
  }
  ExpectSame(*forest, peer, odd);
  for (size_t i = 0; i < odd.values.size(); i += 5) odd.values[i] = i % 2 ? kInfinity : -kInfinity;
  ExpectSame(*forest, peer, odd, true);
}

INSTANTIATE_TEST_SUITE_P(
    OneHotAndPartition, ForestCategoryTest,
    testing::Values(XgboostParameters{{"tree_method", "hist"}, {"max_cat_to_onehot", "1000"}},
                    XgboostParameters{{"tree_method", "hist"}, {"max_cat_to_onehot", "1"}},
                    XgboostParameters{{"tree_method", "approx"}, {"max_cat_to_onehot", "4"}}));

TEST(ForestPeerTest, ManySparseFeaturesPredictTheSame) {
  const LabelledRows data = WithLabels(MakeData(14, 300, 2600, 0.3), Above);
  const XgboostPeer peer = XgboostPeer::Train(
      data, {{"objective", "binary:logistic"}, {"max_depth", "3"}, {"colsample_bytree", "0.05"}}, 100);
  ExpectSame(*Compile(peer), peer, RandomRows(90, 100, 2600, 0.3));
}

// What a base score meant when the file was written, and XGBoost has forgotten: of logitraw it was a
// probability until 1.3.0, and of hinge it was a margin before 1.0, which is now made a class first.
bool Forgotten(const GoldenModel& model) {
  const bool before_1_0 = model.version == "0.90";
  const bool before_1_3_1 = model.version == "1.0.2" || model.version == "1.2.1";
  return (before_1_3_1 && model.name == "binary_logitraw") || (before_1_0 && model.name == "binary_hinge");
}

TEST(ForestPeerTest, OldFilesPredictWhatTodaysXgboostPredictsFromThem) {
  const FloatMatrix rows{GoldenRows().size() / kGoldenFeatures, kGoldenFeatures, GoldenRows()};
  size_t compared = 0;
  for (const GoldenModel& model : GoldenModels()) {
    if (model.refused || Forgotten(model)) continue;
    for (const std::string& file : model.files) {
      if (model.version[0] > '1' && !file.ends_with(".model")) continue;
      SCOPED_TRACE(file);
      const absl::StatusOr<std::string> bytes = ReadFile(file);
      ASSERT_TRUE(bytes.ok());
      const std::shared_ptr<const Forest> forest = *Forest::Compile(*ReadEnsemble(*bytes));
      const std::optional<XgboostPeer> peer = XgboostPeer::Load(*bytes);
      if (!peer.has_value()) continue;
      ExpectSame(*forest, *peer, rows);
      ++compared;
    }
  }
  EXPECT_GT(compared, 100u);
}

TEST(ForestPeerTest, LinearModelsPredictTheSame) {
  for (const char* objective : {"reg:squarederror", "binary:logistic", "multi:softprob"}) {
    SCOPED_TRACE(objective);
    const bool classes = std::string(objective) == "multi:softprob";
    const LabelledRows data = WithLabels(MakeData(17, 700, 15, 0.2), classes ? Class : Above);
    const XgboostPeer peer = XgboostPeer::Train(data,
                                                {{"objective", objective},
                                                 {"booster", "gblinear"},
                                                 {"base_score", "0.3"},
                                                 {"num_class", classes ? "5" : "0"},
                                                 {"updater", "coord_descent"}},
                                                6);
    const FloatMatrix rows = RandomRows(87, 400, 15, 0.2);
    ExpectFormatsAgree(peer, rows);
    const std::shared_ptr<const Forest> forest = Compile(peer);
    const std::vector<float> base_margin = RandomRows(86, 400, classes ? 5 : 1, 0).values;
    for (const std::vector<float>& start : {std::vector<float>(), base_margin}) {
      for (const auto& [kind, type] : {std::pair(OutputKind::kMargin, XgboostPeer::kMargin),
                                       std::pair(OutputKind::kContributions, XgboostPeer::kContributions)}) {
        EXPECT_TRUE(SameBits(Predict(*forest, rows, {.kind = kind, .base_margin = start}),
                             peer.Predict(rows, {.type = type, .base_margin = start})));
      }
    }
  }
}

// Models whose contributions and interactions XGBoost knows too.
struct ExplainedModel {
  const char* name;
  LabelledRows data;
  XgboostParameters parameters;
  int rounds = 10;
};

std::vector<ExplainedModel> ExplainedModels() {
  return {{"binary", WithLabels(MakeData(15, 1000, 9), Above), {{"objective", "binary:logistic"}}, 15},
          {"classes",
           WithLabels(MakeData(16, 1000, 9), Class),
           {{"objective", "multi:softprob"}, {"num_class", "5"}, {"max_depth", "5"}}},
          {"deep", MakeData(17, 400, 10), {{"max_depth", "9"}, {"min_child_weight", "0"}}, 4},
          {"dart", MakeData(18, 500, 7), {{"booster", "dart"}, {"rate_drop", "0.3"}}},
          {"categories", CategoricalData(), {{"tree_method", "hist"}, {"max_cat_to_onehot", "4"}}}};
}

// To XGBoost's own rounding, which is that of the largest numbers that it adds.
void ExpectClose(const std::vector<float>& ours, const std::vector<float>& theirs, double tolerance) {
  ASSERT_EQ(ours.size(), theirs.size());
  double largest = 1;
  for (const float value : theirs) largest = std::max<double>(largest, std::abs(value));
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], tolerance * largest) << i;
}

// Each `group` of values, summed up in float64.
std::vector<float> GroupSums(const std::vector<float>& values, size_t group) {
  std::vector<float> sums;
  for (size_t i = 0; i < values.size(); i += group) {
    double sum = 0;
    for (size_t j = 0; j < group; ++j) sum += values[i + j];
    sums.push_back(static_cast<float>(sum));
  }
  return sums;
}

TEST(ForestPeerTest, ContributionsAndInteractionsAgreeAndAddUp) {
  for (const ExplainedModel& model : ExplainedModels()) {
    SCOPED_TRACE(model.name);
    const XgboostPeer peer = XgboostPeer::Train(model.data, model.parameters, model.rounds);
    const std::shared_ptr<const Forest> forest = Compile(peer);
    const size_t columns = model.data.rows.columns;
    // XGBoost's interactions take long.
    constexpr size_t kRows = 12;
    const auto end = model.data.rows.values.begin() + static_cast<ptrdiff_t>(kRows * columns);
    const FloatMatrix rows{kRows, columns, {model.data.rows.values.begin(), end}};
    const std::vector<float> base_margin = RandomRows(89, kRows, forest->num_outputs(), 0).values;
    for (const std::vector<float>& start : {std::vector<float>(), base_margin}) {
      for (const IterationRange range : {IterationRange{}, IterationRange{0, 3}, IterationRange{1, 4}}) {
        const auto ours = [&](OutputKind kind) {
          return Predict(*forest, rows, {.kind = kind, .iterations = range, .base_margin = start});
        };
        const auto theirs = [&](XgboostPeer::Type type) {
          return peer.Predict(rows, {.type = type,
                                     .begin = static_cast<int>(range.begin),
                                     .end = static_cast<int>(range.end),
                                     .base_margin = start});
        };
        const std::vector<float> contributions = ours(OutputKind::kContributions);
        const std::vector<float> interactions = ours(OutputKind::kInteractions);
        // XGBoost refuses to explain a range that does not begin at 0.
        if (range.begin == 0) {
          ExpectClose(contributions, theirs(XgboostPeer::kContributions), 1e-5);
        }
        if (range.begin == 0 && (range.end != 0) == start.empty()) {
          ExpectClose(interactions, theirs(XgboostPeer::kInteractions), 1e-5);
        }
        ExpectClose(GroupSums(contributions, columns + 1), ours(OutputKind::kMargin), 2e-6);
        ExpectClose(GroupSums(interactions, columns + 1), contributions, 2e-6);
      }
    }
  }
}

// A row's contributions against itself are nothing; against others they add up to its margin.
TEST(ForestPeerTest, ContributionsAgainstABackgroundAddUp) {
  for (const ExplainedModel& model : ExplainedModels()) {
    SCOPED_TRACE(model.name);
    const std::shared_ptr<const Forest> forest =
        Compile(XgboostPeer::Train(model.data, model.parameters, model.rounds));
    const size_t columns = model.data.rows.columns;
    const auto end = model.data.rows.values.begin() + static_cast<ptrdiff_t>(100 * columns);
    const FloatMatrix rows{100, columns, {model.data.rows.values.begin(), end}};
    PredictOptions options = {.kind = OutputKind::kContributions, .iterations = {1, 4}};
    options.background = AsRows(rows);
    const std::vector<float> margins =
        Predict(*forest, rows, {.kind = OutputKind::kMargin, .iterations = {1, 4}});
    const std::vector<float> contributions = Predict(*forest, rows, options);
    ExpectClose(GroupSums(contributions, columns + 1), margins, 2e-6);
    const uint32_t outputs = forest->num_outputs();
    for (uint32_t output = 0; output < outputs; ++output) {
      double mean = 0;
      for (size_t i = output; i < margins.size(); i += outputs) mean += margins[i] / 100.0;
      EXPECT_NEAR(contributions[output * (columns + 1) + columns], mean, 1e-5);
    }
    options.background = Rows{AsRows(rows).data, 1, columns * sizeof(float)};
    const std::vector<float> alone = Predict(*forest, {1, columns, rows.values}, options);
    for (uint32_t output = 0; output < outputs; ++output) {
      for (size_t i = 0; i < columns; ++i) EXPECT_EQ(alone[output * (columns + 1) + i], 0);
      EXPECT_NEAR(alone[output * (columns + 1) + columns], margins[output], 2e-6);
    }
  }
}

}  // namespace
}  // namespace espalier
