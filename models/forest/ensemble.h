// Parsed trees, independent of the file's format and version: a plain value.
//
// A reader fills an Ensemble; validate_ensemble.h says what then holds, and Forest::Compile turns it into
// what predicts. Everything here is in the terms of the file: margins, thresholds and leaves are the values
// that the library of the file would use: float32 in XGBoost, float64 in LightGBM and scikit-learn.
#ifndef ESPALIER_MODELS_FOREST_ENSEMBLE_H_
#define ESPALIER_MODELS_FOREST_ENSEMBLE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace espalier {

// Whose rules the trees follow.
enum class Dialect : uint8_t {
  // float32 throughout; a split sends `x < threshold` left.
  kXgboost,
  // float64 throughout; `x <= threshold` goes left, and a value of at most 1e-35 is 0. Leaves have numbers
  // of their own.
  kLightGbm,
  // float64 throughout; `x <= threshold` goes left.
  kScikitLearn,
};

// What a numeric split takes for missing, besides NaN being sent the default way.
enum class MissingKind : uint8_t {
  kNaN,   // nothing else
  kNone,  // nothing at all: NaN counts as 0
  kZero,  // 0 too
};

// One node of a tree. A leaf has left == -1 and its value in `value`, or its vector's number in `feature`.
struct TreeNode {
  int32_t left = -1;
  int32_t right = -1;
  // Inner node: index of the feature that it asks. Leaf of a tree with vectors: which of them is its.
  uint32_t feature = 0;
  // Inner node: the threshold, `x < value` goes left (numeric splits). Leaf: the leaf's weight.
  float value = 0;
  // Whether a missing value goes left.
  bool default_left = false;
  // A categorical split: the categories in [category_begin, category_end) of Tree::categories (ascending,
  // distinct) go right, all others left; `value` means nothing.
  bool categorical = false;
  // Of a numeric split; XGBoost knows kNaN only.
  MissingKind missing = MissingKind::kNaN;
  uint32_t category_begin = 0;
  uint32_t category_end = 0;
  // Sum of hessians ("cover") of the training rows that reached the node; contributions weigh by it.
  float cover = 0;
};

struct Tree {
  // nodes[0] is the root. Nodes that the file marked as deleted are unreachable.
  std::vector<TreeNode> nodes;
  std::vector<uint32_t> categories;
  // Empty, or [vectors][num_outputs]: each leaf adds one of these to all outputs (XGBoost's
  // multi_output_tree). Then every tree of the ensemble has some.
  std::vector<float> leaf_vectors;
  // Of the float64 dialects, in place of `value`, `cover` and leaf_vectors, which mean nothing there. One a
  // node: the threshold of an inner one, and the training rows that reached it; and
  // [leaves][Ensemble::leaf_width], where TreeNode::feature of a leaf says which of them is its.
  std::vector<double> thresholds;
  std::vector<double> covers;
  std::vector<double> leaves;
  // Which output the tree adds to, unless it has vectors (class, target or quantile), and in which boosting
  // iteration it was grown.
  uint32_t output = 0;
  uint32_t iteration = 0;
  // What every leaf is multiplied by when it is added (dart); 1 for gbtree.
  float weight = 1;
};

enum class FeatureKind : uint8_t { kNumeric, kCategorical };

struct Ensemble {
  // "xgboost_json", "xgboost_ubj", "xgboost_binary", "lightgbm_text" or "sklearn_json".
  std::string format;
  Dialect dialect = Dialect::kXgboost;
  // "3.2.0"; "1.7" in a binary file, "0.x" in one from before 1.0; "v4" is LightGBM's version of its format;
  // empty when the file does not say.
  std::string version;
  // The name as in the file: "binary:logistic".
  std::string objective;
  uint32_t num_features = 0;
  // Margins per row: classes, targets or quantiles; at least 1.
  uint32_t num_outputs = 1;
  // Number of classes of a multi-class objective, else 0.
  uint32_t num_class = 0;
  uint32_t num_iterations = 0;
  // The booster's `best_iteration` attribute.
  std::optional<uint32_t> best_iteration;
  // In the space of the objective's prediction (a probability for logistic), as files hold it: one value, or
  // one an output. Forest::Compile converts to the margin. Files of version "0.x" hold a margin.
  std::vector<float> base_score;
  // Objective parameters that a transformation needs (`aft_loss_param`, `tweedie`, ...), by name, as in the
  // file.
  std::vector<std::pair<std::string, std::string>> objective_parameters;
  // Empty, or one a feature. Distinct UTF-8.
  std::vector<std::string> feature_names;
  // Empty when every feature is numeric, or one a feature.
  std::vector<FeatureKind> feature_kinds;
  // Empty, or one list a feature: the names of its categories by code, distinct bytes; a category that is a
  // number by its decimal digits. Empty lists where the file has none.
  std::vector<std::vector<std::string>> category_names;
  // In the order in which XGBoost adds them. None in a linear model.
  std::vector<Tree> trees;
  // XGBoost's booster gblinear: a row's margin is the bias and the sum of weight times value.
  bool is_linear = false;
  // Of a linear model: [num_features + 1][num_outputs], the biases last.
  std::vector<float> linear_weights;
  // Of the float64 dialects: where each output starts; empty is 0.
  std::vector<double> base_margins;
  // The values of a leaf: 1, or num_outputs, when a leaf adds to all of them.
  uint32_t leaf_width = 1;
  // A value is made of the sum of the leaves divided by the number of iterations (a random forest).
  bool average_output = false;

  bool is_float64() const { return dialect != Dialect::kXgboost; }
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_ENSEMBLE_H_
