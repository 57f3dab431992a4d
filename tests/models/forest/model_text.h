// A small valid model as JSON text, with fields to replace: tests say only what they are about.
#ifndef ESPALIER_TESTS_MODELS_FOREST_MODEL_TEXT_H_
#define ESPALIER_TESTS_MODELS_FOREST_MODEL_TEXT_H_

#include <map>
#include <string>

#include "models/base/strings.h"

namespace espalier {

// One tree of one split over three features; every value is the JSON text of a field.
class ModelText {
 public:
  ModelText() {
    tree_ = {{"left_children", "[1,-1,-1]"},
             {"right_children", "[2,-1,-1]"},
             {"split_indices", "[1,0,0]"},
             {"split_conditions", "[5E-1,-1E0,2.5E0]"},
             {"default_left", "[1,0,0]"},
             {"sum_hessian", "[3,1,2]"},
             {"tree_param", "{\"num_nodes\":\"3\",\"size_leaf_vector\":\"1\"}"}};
    model_ = {{"gbtree_model_param", "{\"num_parallel_tree\":\"1\",\"num_trees\":\"1\"}"},
              {"iteration_indptr", "[0,1]"},
              {"tree_info", "[0]"}};
    learner_ = {{"attributes", "{}"},
                {"feature_names", "[]"},
                {"feature_types", "[]"},
                {"objective", "{\"name\":\"reg:squarederror\"}"}};
    parameters_ = {{"base_score", "\"5E-1\""},
                   {"num_class", "\"0\""},
                   {"num_feature", "\"3\""},
                   {"num_target", "\"1\""}};
  }

  // A field of the tree, of the gbtree model, of the learner or of its parameters; an empty text removes it.
  ModelText& WithTree(const std::string& field, const std::string& json) { return Set(tree_, field, json); }
  ModelText& With(const std::string& field, const std::string& json) {
    if (model_.count(field) != 0 || field == "trees" || field == "cats" || field == "weight_drop" ||
        field == "weights") {
      return Set(model_, field, json);
    }
    if (parameters_.count(field) != 0) return Set(parameters_, field, json);
    return Set(learner_, field, json);
  }
  ModelText& WithBooster(const std::string& name) {
    booster_ = name;
    return *this;
  }

  // These weights in place of trees.
  ModelText& WithLinear(const std::string& weights) {
    model_ = {{"weights", weights}};
    return *this;
  }

  std::string Tree() const { return Object(tree_); }

  std::string Json() const {
    Fields model = model_;
    if (model.count("tree_info") != 0) model.emplace("trees", StrCat("[", Tree(), "]"));
    Fields learner = learner_;
    learner.emplace("learner_model_param", Object(parameters_));
    learner.emplace("gradient_booster",
                    Object({{"model", Object(model)}, {"name", StrCat("\"", booster_, "\"")}}));
    return Object({{"learner", Object(learner)}, {"version", "[3,2,0]"}});
  }

 private:
  using Fields = std::map<std::string, std::string>;

  ModelText& Set(Fields& fields, const std::string& field, const std::string& json) {
    if (json.empty()) {
      fields.erase(field);
    } else {
      fields[field] = json;
    }
    return *this;
  }

  static std::string Object(const Fields& fields) {
    std::string text;
    for (const auto& [name, json] : fields) text += StrCat(text.empty() ? "" : ",", "\"", name, "\":", json);
    return StrCat("{", text, "}");
  }

  Fields tree_;
  Fields model_;
  Fields learner_;
  Fields parameters_;
  std::string booster_ = "gbtree";
};

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_MODEL_TEXT_H_
