#include "models/forest/read_sklearn_model.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/field_text.h"
#include "models/forest/json_source.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

constexpr std::string_view kFormat = "espalier.sklearn";
constexpr int64_t kVersion = 1;

// One tree as the file holds it. A value that is cleared and filled again for each tree keeps its memory.
struct SklearnTree {
  int64_t output = 0;
  int64_t iteration = 0;
  // One a node; -1 where it has no children.
  std::vector<int32_t> left;
  std::vector<int32_t> right;
  std::vector<int32_t> feature;
  std::vector<double> threshold;
  std::vector<int32_t> missing_left;
  std::vector<double> cover;
  // [leaves][leaf_width], in the order of the nodes.
  std::vector<double> leaves;
  // Split categorical[i] sends the next category_sizes[i] of `categories` right.
  std::vector<int32_t> categorical;
  std::vector<int32_t> category_sizes;
  std::vector<int32_t> categories;

  void Clear() {
    for (auto* column :
         {&left, &right, &feature, &missing_left, &categorical, &category_sizes, &categories}) {
      column->clear();
    }
    for (auto* column : {&threshold, &cover, &leaves}) column->clear();
    output = iteration = 0;
  }
};

absl::Status CheckSizes(const SklearnTree& tree) {
  const size_t nodes = tree.left.size();
  for (const auto& [field, size] :
       {std::pair("right", tree.right.size()), std::pair("feature", tree.feature.size()),
        std::pair("threshold", tree.threshold.size()), std::pair("missing_left", tree.missing_left.size()),
        std::pair("cover", tree.cover.size())}) {
    if (size != nodes) {
      return InvalidArgument(field, " has ", size, " entries: must be the ", nodes, " entries of left");
    }
  }
  return absl::OkStatus();
}

absl::Status SetCategories(const SklearnTree& tree, Tree& to) {
  if (tree.category_sizes.size() != tree.categorical.size()) {
    return InvalidArgument("category_sizes has ", tree.category_sizes.size(), " entries: must be the ",
                           tree.categorical.size(), " entries of categorical");
  }
  to.categories.assign(tree.categories.begin(), tree.categories.end());
  uint32_t end = 0;
  for (size_t i = 0; i < tree.categorical.size(); ++i) {
    const int32_t node = tree.categorical[i];
    const int32_t size = tree.category_sizes[i];
    if (node < 0 || static_cast<size_t>(node) >= to.nodes.size() || to.nodes[node].left < 0) {
      return InvalidArgument("categorical[", i, "] ", node, ": must be a node with children");
    }
    if (size < 0 || static_cast<size_t>(size) > tree.categories.size() - end) {
      return InvalidArgument("category_sizes[", i, "] ", size, ": must be 0 to the ",
                             tree.categories.size() - end, " categories that are left");
    }
    TreeNode& split = to.nodes[node];
    split.categorical = true;
    split.default_left = true;
    split.category_begin = end;
    split.category_end = end += static_cast<uint32_t>(size);
  }
  return absl::OkStatus();
}

absl::StatusOr<Tree> ToTree(const SklearnTree& tree) {
  ESPALIER_RETURN_IF_ERROR(CheckSizes(tree));
  Tree to;
  to.output = static_cast<uint32_t>(tree.output);
  to.iteration = static_cast<uint32_t>(tree.iteration);
  to.nodes.resize(tree.left.size());
  uint32_t leaves = 0;
  for (size_t i = 0; i < to.nodes.size(); ++i) {
    TreeNode& node = to.nodes[i];
    node.left = tree.left[i];
    node.right = tree.right[i];
    if (node.left == -1) {
      node.feature = leaves++;
      continue;
    }
    if (tree.feature[i] < 0) {
      return InvalidArgument("node ", i, ", feature ", tree.feature[i], ": must be >= 0");
    }
    if (tree.missing_left[i] != 0 && tree.missing_left[i] != 1) {
      return InvalidArgument("node ", i, ", missing_left ", tree.missing_left[i], ": must be 0 or 1");
    }
    node.feature = static_cast<uint32_t>(tree.feature[i]);
    node.default_left = tree.missing_left[i] == 1;
  }
  to.thresholds = tree.threshold;
  to.covers = tree.cover;
  to.leaves = tree.leaves;
  ESPALIER_RETURN_IF_ERROR(SetCategories(tree, to));
  return to;
}

// Reads one document. The order of fields is free, but for `format`.
class SklearnReader {
 public:
  SklearnReader(std::string_view bytes, const ReadLimits& limits)
      : source_(bytes), limits_(limits), tree_fields_(TreeFields()) {}

  SklearnReader(const SklearnReader&) = delete;
  SklearnReader& operator=(const SklearnReader&) = delete;

  absl::StatusOr<Ensemble> Read() {
    ensemble_.format = "sklearn_json";
    ensemble_.dialect = Dialect::kScikitLearn;
    ensemble_.base_score = {0};
    ESPALIER_RETURN_IF_ERROR(ReadObject("model", ModelFields()));
    ESPALIER_RETURN_IF_ERROR(source_.Finish());
    Finish();
    ESPALIER_RETURN_IF_ERROR(ValidateEnsemble(ensemble_, limits_));
    MarkCategoricalFeatures();
    return std::move(ensemble_);
  }

 private:
  struct Field {
    std::string_view name;
    std::function<absl::Status()> read;
    bool required = true;
  };

  // Reads an object by the table and skips other fields. Refuses one of the table that is missing, or there
  // twice: readers disagree about which one counts.
  absl::Status ReadObject(std::string_view path, std::span<const Field> fields) {
    if (absl::Status status = source_.EnterObject(); !status.ok()) return Annotate(status, path);
    uint64_t seen = 0;
    std::string key;
    while (true) {
      ESPALIER_ASSIGN_OR_RETURN(const bool more, source_.NextKey(key));
      if (!more) break;
      const auto i = static_cast<size_t>(
          std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == key; }) -
          fields.begin());
      if (i == fields.size()) {
        ESPALIER_RETURN_IF_ERROR(source_.SkipValue());
        continue;
      }
      if ((seen >> i & 1) != 0) return InvalidArgument(key, ": is there twice");
      seen |= uint64_t{1} << i;
      ESPALIER_RETURN_IF_ERROR(Annotate(fields[i].read(), fields[i].name));
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].required && (seen >> i & 1) == 0) {
        return InvalidArgument(fields[i].name, ": is missing");
      }
    }
    return absl::OkStatus();
  }

  Field Integer(std::string_view name, int64_t max, int64_t& value) {
    return {name, [this, max, &value]() -> absl::Status {
              std::string text;
              ESPALIER_RETURN_IF_ERROR(source_.ReadText(text));
              ESPALIER_ASSIGN_OR_RETURN(value, ParseInteger("number", text, 0, max));
              return absl::OkStatus();
            }};
  }

  Field Text(std::string_view name, std::string& text, bool required = true) {
    return {name, [this, &text] { return source_.ReadText(text); }, required};
  }

  // Kept as text, for the objective.
  Field Parameter(std::string_view name) {
    return {name,
            [this, name]() -> absl::Status {
              std::string text;
              ESPALIER_RETURN_IF_ERROR(source_.ReadText(text));
              ensemble_.objective_parameters.emplace_back(name, std::move(text));
              return absl::OkStatus();
            },
            false};
  }

  std::vector<Field> ModelFields() {
    const int64_t outputs = limits_.max_outputs;
    return {
        {"format", [this] { return ReadFormat(); }},
        {"format_version", [this] { return ReadFormatVersion(); }},
        Text("sklearn_version", ensemble_.version),
        Text("objective", ensemble_.objective),
        Parameter("scale"),
        Parameter("class_of_zero"),
        Integer("num_features", limits_.max_features, num_features_),
        Integer("num_outputs", outputs, num_outputs_),
        Integer("leaf_width", outputs, leaf_width_),
        {"average", [this] { return ReadAverage(); }},
        {"base_margins", [this] { return source_.ReadDoubles(ensemble_.base_margins, limits_.max_outputs); }},
        {"feature_names", [this] { return ReadFeatureNames(); }, false},
        {"trees", [this] { return ReadTrees(); }}};
  }

  absl::Status ReadFormat() {
    std::string text;
    ESPALIER_RETURN_IF_ERROR(source_.ReadText(text));
    return text == kFormat ? absl::OkStatus() : InvalidArgument(Quoted(text), ": must be ", kFormat);
  }

  absl::Status ReadFormatVersion() {
    std::string text;
    ESPALIER_RETURN_IF_ERROR(source_.ReadText(text));
    ESPALIER_ASSIGN_OR_RETURN(const int64_t version, ParseInteger("number", text, 0, INT32_MAX));
    if (version == kVersion) return absl::OkStatus();
    return Error(absl::StatusCode::kUnimplemented, version, ": must be ", kVersion);
  }

  absl::Status ReadAverage() {
    std::string text;
    ESPALIER_RETURN_IF_ERROR(source_.ReadText(text));
    if (text != "true" && text != "false") return InvalidArgument(Quoted(text), ": must be true or false");
    ensemble_.average_output = text == "true";
    return absl::OkStatus();
  }

  absl::Status ReadFeatureNames() {
    ESPALIER_RETURN_IF_ERROR(source_.EnterArray());
    while (true) {
      ESPALIER_ASSIGN_OR_RETURN(const bool more, source_.NextElement());
      if (!more) return absl::OkStatus();
      if (ensemble_.feature_names.size() == limits_.max_features) {
        return InvalidArgument("must be at most ", limits_.max_features);
      }
      ESPALIER_RETURN_IF_ERROR(source_.ReadText(ensemble_.feature_names.emplace_back()));
    }
  }

  absl::Status ReadTrees() {
    ESPALIER_RETURN_IF_ERROR(source_.EnterArray());
    while (true) {
      ESPALIER_ASSIGN_OR_RETURN(const bool more, source_.NextElement());
      if (!more) return absl::OkStatus();
      const size_t index = ensemble_.trees.size();
      if (index == limits_.max_trees) return InvalidArgument("must be at most ", limits_.max_trees);
      if (absl::Status status = ReadTree(); !status.ok()) {
        return Error(status.code(), "tree ", index, ", ", Message(status));
      }
    }
  }

  absl::Status ReadTree() {
    tree_.Clear();
    ESPALIER_RETURN_IF_ERROR(ReadObject("fields", tree_fields_));
    ESPALIER_ASSIGN_OR_RETURN(Tree tree, ToTree(tree_));
    ensemble_.trees.push_back(std::move(tree));
    return absl::OkStatus();
  }

  std::vector<Field> TreeFields() {
    const auto integers = [this](std::string_view name, size_t max, std::vector<int32_t>& column) {
      return Field{name, [this, max, &column] { return source_.ReadIntegers(column, max); }};
    };
    const auto doubles = [this](std::string_view name, size_t max, std::vector<double>& column) {
      return Field{name, [this, max, &column] { return source_.ReadDoubles(column, max); }};
    };
    const size_t nodes = limits_.max_nodes_per_tree;
    std::vector<Field> fields = {Integer("output", limits_.max_outputs, tree_.output),
                                 Integer("iteration", limits_.max_trees, tree_.iteration),
                                 integers("left", nodes, tree_.left),
                                 integers("right", nodes, tree_.right),
                                 integers("feature", nodes, tree_.feature),
                                 doubles("threshold", nodes, tree_.threshold),
                                 integers("missing_left", nodes, tree_.missing_left),
                                 doubles("cover", nodes, tree_.cover),
                                 doubles("leaves", nodes * limits_.max_outputs, tree_.leaves),
                                 integers("categorical", nodes, tree_.categorical),
                                 integers("category_sizes", nodes, tree_.category_sizes),
                                 integers("categories", kMaxCategory, tree_.categories)};
    for (size_t i = fields.size() - 3; i < fields.size(); ++i) fields[i].required = false;
    return fields;
  }

  void Finish() {
    ensemble_.num_features = static_cast<uint32_t>(num_features_);
    ensemble_.num_outputs = static_cast<uint32_t>(num_outputs_);
    ensemble_.leaf_width = static_cast<uint32_t>(leaf_width_);
    ensemble_.num_class = num_outputs_ > 1 && ensemble_.objective != "identity" ? ensemble_.num_outputs : 0;
    for (const Tree& tree : ensemble_.trees) {
      ensemble_.num_iterations = std::max(ensemble_.num_iterations, tree.iteration + 1);
    }
  }

  void MarkCategoricalFeatures() {
    for (const Tree& tree : ensemble_.trees) {
      for (const TreeNode& node : tree.nodes) {
        if (!node.categorical || node.feature >= ensemble_.num_features) continue;
        ensemble_.feature_kinds.resize(ensemble_.num_features, FeatureKind::kNumeric);
        ensemble_.feature_kinds[node.feature] = FeatureKind::kCategorical;
      }
    }
  }

  JsonSource source_;
  const ReadLimits& limits_;
  Ensemble ensemble_;
  SklearnTree tree_;
  const std::vector<Field> tree_fields_;
  int64_t num_features_ = 0;
  int64_t num_outputs_ = 0;
  int64_t leaf_width_ = 0;
};

}  // namespace

bool IsSklearnModel(std::string_view bytes) {
  const std::string_view text = Trimmed(bytes.substr(0, std::min<size_t>(bytes.size(), 64)));
  return text.starts_with('{') && Trimmed(text.substr(1)).starts_with("\"format\"");
}

absl::StatusOr<Ensemble> ReadSklearnModel(std::string_view bytes, const ReadLimits& limits) {
  return SklearnReader(bytes, limits).Read();
}

}  // namespace espalier
