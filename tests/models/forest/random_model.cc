#include "tests/models/forest/random_model.h"

#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

#include "models/base/strings.h"

namespace espalier {
namespace {

// Below `limit`. The standard distributions differ between libraries.
uint64_t Draw(std::mt19937_64& random, uint64_t limit) { return random() % limit; }

// The columns of one tree, by their names in the file.
struct Columns {
  std::vector<int32_t> left, right, parent, feature, default_left, split_type;
  std::vector<float> value, hessian;
  std::vector<int32_t> categories, category_nodes, category_segments, category_sizes;

  int32_t Add(int32_t parent_node) {
    left.push_back(-1);
    right.push_back(-1);
    parent.push_back(parent_node);
    feature.push_back(0);
    default_left.push_back(0);
    split_type.push_back(0);
    value.push_back(0);
    hessian.push_back(1);
    return static_cast<int32_t>(left.size()) - 1;
  }
};

template <typename T>
std::string Array(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) {
    char digits[32];
    const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    // To XGBoost a number without an exponent is an integer.
    if constexpr (std::is_floating_point_v<T>) {
      end = std::to_chars(digits, digits + sizeof(digits), value, std::chars_format::scientific).ptr;
    }
    if (text.size() > 1) text += ',';
    text.append(digits, end - digits);
  }
  return text + "]";
}

class TreeMaker {
 public:
  TreeMaker(std::mt19937_64& random, const RandomModelShape& shape) : random_(random), shape_(shape) {}

  std::string Make(uint32_t id) {
    columns_ = {};
    sets_.clear();
    Grow(columns_.Add(2147483647), 0);
    ListCategories();
    const size_t nodes = columns_.left.size();
    return StrCat(
        "{\"base_weights\":", Array(columns_.value), ",\"categories\":", Array(columns_.categories),
        ",\"categories_nodes\":", Array(columns_.category_nodes),
        ",\"categories_segments\":", Array(columns_.category_segments),
        ",\"categories_sizes\":", Array(columns_.category_sizes),
        ",\"default_left\":", Array(columns_.default_left), ",\"id\":", id,
        ",\"left_children\":", Array(columns_.left), ",\"loss_changes\":", Array(columns_.hessian),
        ",\"parents\":", Array(columns_.parent), ",\"right_children\":", Array(columns_.right),
        ",\"split_conditions\":", Array(columns_.value), ",\"split_indices\":", Array(columns_.feature),
        ",\"split_type\":", Array(columns_.split_type), ",\"sum_hessian\":", Array(columns_.hessian),
        ",\"tree_param\":{\"num_deleted\":\"0\",", "\"num_feature\":\"", shape_.features,
        "\",\"num_nodes\":\"", nodes, "\",\"size_leaf_vector\":\"0\"}}");
  }

 private:
  void Grow(int32_t node, uint32_t depth) {
    const bool leaf = depth == shape_.max_depth || (!shape_.chains && Draw(random_, 5) == 0);
    if (leaf) {
      columns_.value[node] = static_cast<float>(static_cast<int64_t>(Draw(random_, 20001)) - 10000) * 1.3e-4f;
      return;
    }
    Split(node);
    const int32_t left = columns_.Add(node);
    const int32_t right = columns_.Add(node);
    columns_.left[node] = left;
    columns_.right[node] = right;
    const bool keep_left = Draw(random_, 2) == 0;
    Grow(left, shape_.chains && keep_left ? shape_.max_depth : depth + 1);
    Grow(right, shape_.chains && !keep_left ? shape_.max_depth : depth + 1);
  }

  // Segments are in the order of their nodes.
  void ListCategories() {
    for (const auto& [node, set] : sets_) {
      columns_.category_nodes.push_back(node);
      columns_.category_segments.push_back(static_cast<int32_t>(columns_.categories.size()));
      columns_.category_sizes.push_back(static_cast<int32_t>(set.size()));
      columns_.categories.insert(columns_.categories.end(), set.begin(), set.end());
    }
  }

  void Split(int32_t node) {
    const auto feature = static_cast<uint32_t>(Draw(random_, shape_.features));
    columns_.feature[node] = static_cast<int32_t>(feature);
    columns_.default_left[node] = static_cast<int32_t>(Draw(random_, 2));
    columns_.value[node] = GridValue(random_);
    if (feature + shape_.categorical_features < shape_.features) return;
    std::set<int32_t> set;
    const uint64_t size = 1 + Draw(random_, shape_.categories / 2 + 1);
    for (uint64_t i = 0; i < size; ++i) set.insert(static_cast<int32_t>(Draw(random_, shape_.categories)));
    columns_.split_type[node] = 1;
    columns_.value[node] = 0;
    sets_[node] = std::move(set);
  }

  std::mt19937_64& random_;
  const RandomModelShape& shape_;
  Columns columns_;
  // Of each categorical split.
  std::map<int32_t, std::set<int32_t>> sets_;
};

std::string Objective(const RandomModelShape& shape) {
  if (shape.classes == 1) return R"({"name":"binary:logistic","reg_loss_param":{"scale_pos_weight":"1"}})";
  return StrCat(R"({"name":"multi:softprob","softmax_multiclass_param":{"num_class":")", shape.classes,
                R"("}})");
}

}  // namespace

float GridValue(std::mt19937_64& random) {
  return static_cast<float>(static_cast<int64_t>(Draw(random, 33)) - 16) / 4;
}

std::string RandomModelJson(std::mt19937_64& random, const RandomModelShape& shape) {
  TreeMaker maker(random, shape);
  std::string trees;
  std::vector<int32_t> info;
  std::vector<float> weights;
  for (uint32_t i = 0; i < shape.iterations * shape.classes * shape.parallel_trees; ++i) {
    if (!trees.empty()) trees += ',';
    trees += maker.Make(i);
    info.push_back(static_cast<int32_t>(i / shape.parallel_trees % shape.classes));
    weights.push_back(static_cast<float>(Draw(random, 1000)) / 999);
  }
  const std::string model = StrCat(
      "{\"gbtree_model_param\":{\"num_parallel_tree\":\"", shape.parallel_trees, "\",\"num_trees\":\"",
      info.size(), "\",\"size_leaf_vector\":\"0\"},\"tree_info\":", Array(info), ",\"trees\":[", trees, "]}");
  const std::string booster =
      shape.dart ? StrCat("{\"gbtree\":{\"model\":", model, ",\"name\":\"gbtree\"},\"name\":\"dart\",",
                          "\"weight_drop\":", Array(weights), "}")
                 : StrCat("{\"model\":", model, ",\"name\":\"gbtree\"}");
  return StrCat("{\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],",
                "\"gradient_booster\":", booster, ",\"learner_model_param\":{\"base_score\":\"3E-1\",",
                "\"boost_from_average\":\"0\",\"num_class\":\"", shape.classes > 1 ? shape.classes : 0,
                "\",\"num_feature\":\"", shape.features,
                "\",\"num_target\":\"1\"},\"objective\":", Objective(shape), "},\"version\":[1,7,4]}");
}

std::vector<float> RandomModelRows(std::mt19937_64& random, const RandomModelShape& shape, size_t rows) {
  constexpr float kOdd[] = {-0.0f, 1e-45f, -1e-45f, 3e38f, -3e38f, std::numeric_limits<float>::quiet_NaN()};
  std::vector<float> values;
  values.reserve(rows * shape.features);
  for (size_t i = 0; i < rows * shape.features; ++i) {
    const bool category = i % shape.features + shape.categorical_features >= shape.features;
    if (Draw(random, 8) == 0) {
      values.push_back(kOdd[Draw(random, std::size(kOdd))]);
    } else if (category) {
      values.push_back(static_cast<float>(Draw(random, shape.categories + 10)));
    } else {
      values.push_back(GridValue(random));
    }
  }
  return values;
}

}  // namespace espalier
