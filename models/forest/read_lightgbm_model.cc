#include "models/forest/read_lightgbm_model.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/field_text.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

constexpr std::string_view kTreeKey = "Tree";
constexpr std::string_view kEndOfTrees = "end of trees";
constexpr size_t kMaxObjectiveWords = 16;

// Bits of decision_type.
constexpr int32_t kCategoricalBit = 1;
constexpr int32_t kDefaultLeftBit = 2;
constexpr int32_t kMissingShift = 2;
constexpr int32_t kMaxMissing = 2;

// One line after another, without their ends.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  // False at the end of the text.
  bool Next(std::string_view& line) {
    if (rest_.empty()) return false;
    const size_t end = rest_.find('\n');
    line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return true;
  }

 private:
  std::string_view rest_;
};

// The words of a line, which spaces separate.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  bool Next(std::string_view& word) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    if (rest_.empty()) return false;
    word = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(word.size());
    return true;
  }

 private:
  std::string_view rest_;
};

// A line `key=value`, or a word alone.
struct Entry {
  std::string_view key;
  std::string_view value;
};

Entry ToEntry(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return {line, {}};
  return {line.substr(0, equals), line.substr(equals + 1)};
}

// The numbers of a line, into `values`, which must not have some already: readers disagree about which of two
// lines counts. No more are taken than `max_count`, and a line has half as many numbers as bytes at most, so
// that memory follows from the file.
template <typename Number>
absl::Status ReadNumbers(std::string_view field, std::string_view text, size_t max_count,
                         std::vector<Number>& values) {
  if (!values.empty()) return InvalidArgument(field, ": is there twice");
  Words words(text);
  for (std::string_view word; words.Next(word);) {
    if (values.size() == max_count) {
      return InvalidArgument(field, " has more than ", max_count, " entries");
    }
    Number number = 0;
    const auto result = std::from_chars(word.data(), word.data() + word.size(), number);
    if (result.ec != std::errc() || result.ptr != word.data() + word.size()) {
      return InvalidArgument(field, "[", values.size(), "] ", Quoted(word), ": must be ",
                             std::is_integral_v<Number> ? "an integer of 32 bits" : "a number of 64 bits");
    }
    values.push_back(number);
  }
  return absl::OkStatus();
}

// One tree as the file holds it. A value that is cleared and filled again for each tree keeps its memory.
struct LightGbmTree {
  std::optional<int64_t> num_leaves;
  std::optional<int64_t> num_cat;
  std::optional<int64_t> is_linear;
  // One a split.
  std::vector<int32_t> split_feature;
  std::vector<double> threshold;
  std::vector<int32_t> decision_type;
  std::vector<int32_t> left_child;
  std::vector<int32_t> right_child;
  std::vector<int32_t> internal_count;
  // One a leaf.
  std::vector<double> leaf_value;
  std::vector<int32_t> leaf_count;
  // Set i of a categorical split is the bits of the words [cat_boundaries[i], cat_boundaries[i + 1]).
  std::vector<int32_t> cat_boundaries;
  std::vector<uint32_t> cat_threshold;

  void Clear();
  size_t splits() const { return static_cast<size_t>(*num_leaves) - 1; }
  int64_t sets() const { return num_cat.value_or(0); }
};

void LightGbmTree::Clear() {
  num_leaves.reset();
  num_cat.reset();
  is_linear.reset();
  for (auto* column : {&split_feature, &decision_type, &left_child, &right_child, &internal_count,
                       &leaf_count, &cat_boundaries}) {
    column->clear();
  }
  threshold.clear();
  leaf_value.clear();
  cat_threshold.clear();
}

absl::Status CheckCount(std::string_view field, size_t count, size_t expected) {
  if (count == expected) return absl::OkStatus();
  return InvalidArgument(field, " has ", count, " entries: must be ", expected, ", as num_leaves says");
}

absl::Status CheckCounts(const LightGbmTree& tree) {
  const auto leaves = static_cast<size_t>(*tree.num_leaves);
  const size_t splits = tree.splits();
  ESPALIER_RETURN_IF_ERROR(CheckCount("leaf_value", tree.leaf_value.size(), leaves));
  // A tree that is a leaf says nothing more.
  if (splits == 0) return absl::OkStatus();
  ESPALIER_RETURN_IF_ERROR(CheckCount("split_feature", tree.split_feature.size(), splits));
  ESPALIER_RETURN_IF_ERROR(CheckCount("threshold", tree.threshold.size(), splits));
  ESPALIER_RETURN_IF_ERROR(CheckCount("left_child", tree.left_child.size(), splits));
  ESPALIER_RETURN_IF_ERROR(CheckCount("right_child", tree.right_child.size(), splits));
  // These may be left out.
  if (!tree.decision_type.empty()) {
    ESPALIER_RETURN_IF_ERROR(CheckCount("decision_type", tree.decision_type.size(), splits));
  }
  if (!tree.internal_count.empty()) {
    ESPALIER_RETURN_IF_ERROR(CheckCount("internal_count", tree.internal_count.size(), splits));
  }
  if (!tree.leaf_count.empty()) {
    ESPALIER_RETURN_IF_ERROR(CheckCount("leaf_count", tree.leaf_count.size(), leaves));
  }
  return absl::OkStatus();
}

// The place of a child among the nodes of a Tree: first the splits, then the leaves.
absl::StatusOr<int32_t> ToNode(const LightGbmTree& tree, size_t split, std::string_view field,
                               int32_t child) {
  const auto splits = static_cast<int64_t>(tree.splits());
  if (child < splits && child >= -*tree.num_leaves) {
    return static_cast<int32_t>(child >= 0 ? child : splits - 1 - child);
  }
  return InvalidArgument("split ", split, ", ", field, " ", child, ": must be ", -*tree.num_leaves, " to ",
                         splits - 1);
}

absl::Status CheckCategoryWords(const LightGbmTree& tree) {
  const std::vector<int32_t>& bounds = tree.cat_boundaries;
  if (bounds.size() != static_cast<size_t>(tree.sets()) + 1) {
    return InvalidArgument("cat_boundaries has ", bounds.size(), " entries: must be num_cat + 1, ",
                           tree.sets() + 1);
  }
  if (bounds.front() != 0 || !std::is_sorted(bounds.begin(), bounds.end()) ||
      static_cast<size_t>(bounds.back()) != tree.cat_threshold.size()) {
    return InvalidArgument("cat_boundaries from ", bounds.front(), " to ", bounds.back(),
                           ": must ascend from 0 to the ", tree.cat_threshold.size(),
                           " words of cat_threshold");
  }
  return absl::OkStatus();
}

// Lists the categories of every set, one set behind the other. Gives where each of them begins, and the end.
absl::StatusOr<std::vector<uint32_t>> AddCategories(const LightGbmTree& tree, Tree& to) {
  ESPALIER_RETURN_IF_ERROR(CheckCategoryWords(tree));
  size_t count = 0;
  for (const uint32_t word : tree.cat_threshold) count += static_cast<size_t>(std::popcount(word));
  to.categories.reserve(count);
  std::vector<uint32_t> begins = {0};
  begins.reserve(tree.cat_boundaries.size());
  for (size_t set = 0; set + 1 < tree.cat_boundaries.size(); ++set) {
    const auto begin = static_cast<size_t>(tree.cat_boundaries[set]);
    for (size_t i = begin; i < static_cast<size_t>(tree.cat_boundaries[set + 1]); ++i) {
      for (uint32_t word = tree.cat_threshold[i]; word != 0; word &= word - 1) {
        to.categories.push_back(static_cast<uint32_t>((i - begin) * 32) +
                                static_cast<uint32_t>(std::countr_zero(word)));
      }
    }
    begins.push_back(static_cast<uint32_t>(to.categories.size()));
  }
  return begins;
}

absl::Status SetCategories(const LightGbmTree& tree, size_t split, std::span<const uint32_t> begins,
                           TreeNode& node) {
  const double set = tree.threshold[split];
  if (!(set >= 0 && set < static_cast<double>(tree.sets())) || set != std::floor(set)) {
    return InvalidArgument("split ", split, ", threshold ", set, ": must be one of the ", tree.sets(),
                           " sets of categories");
  }
  const auto index = static_cast<size_t>(set);
  node.categorical = true;
  node.category_begin = begins[index];
  node.category_end = begins[index + 1];
  // The set goes right, all others and a missing value left.
  std::swap(node.left, node.right);
  node.default_left = true;
  return absl::OkStatus();
}

absl::Status SetSplit(const LightGbmTree& tree, size_t split, std::span<const uint32_t> begins,
                      TreeNode& node) {
  ESPALIER_ASSIGN_OR_RETURN(node.left, ToNode(tree, split, "left_child", tree.left_child[split]));
  ESPALIER_ASSIGN_OR_RETURN(node.right, ToNode(tree, split, "right_child", tree.right_child[split]));
  const int32_t feature = tree.split_feature[split];
  if (feature < 0) return InvalidArgument("split ", split, ", split_feature ", feature, ": must be >= 0");
  node.feature = static_cast<uint32_t>(feature);
  const int32_t type = tree.decision_type.empty() ? 0 : tree.decision_type[split];
  const int32_t missing = type >> kMissingShift;
  if (type < 0 || missing > kMaxMissing) {
    return InvalidArgument("split ", split, ", decision_type ", type, ": must be 0 to 11");
  }
  if ((type & kCategoricalBit) != 0) return SetCategories(tree, split, begins, node);
  constexpr MissingKind kKinds[] = {MissingKind::kNone, MissingKind::kZero, MissingKind::kNaN};
  node.missing = kKinds[missing];
  node.default_left = (type & kDefaultLeftBit) != 0;
  return absl::OkStatus();
}

absl::StatusOr<Tree> ToTree(const LightGbmTree& tree) {
  ESPALIER_RETURN_IF_ERROR(CheckCounts(tree));
  const size_t splits = tree.splits();
  Tree to;
  std::vector<uint32_t> begins;
  if (tree.sets() > 0 && splits > 0) {
    ESPALIER_ASSIGN_OR_RETURN(begins, AddCategories(tree, to));
  }
  to.nodes.resize(splits + tree.leaf_value.size());
  to.thresholds.assign(to.nodes.size(), 0.0);
  to.covers.assign(to.nodes.size(), 0.0);
  std::copy_n(tree.threshold.begin(), splits, to.thresholds.begin());
  if (splits > 0) std::copy(tree.internal_count.begin(), tree.internal_count.end(), to.covers.begin());
  std::copy(tree.leaf_count.begin(), tree.leaf_count.begin() + (splits > 0 ? tree.leaf_count.size() : 0),
            to.covers.begin() + splits);
  for (size_t i = 0; i < splits; ++i) {
    ESPALIER_RETURN_IF_ERROR(SetSplit(tree, i, begins, to.nodes[i]));
  }
  for (size_t i = splits; i < to.nodes.size(); ++i) to.nodes[i].feature = static_cast<uint32_t>(i - splits);
  to.leaves = tree.leaf_value;
  return to;
}

// Reads one text. Fields of the header come in any order, and are put together once the trees are there.
class LightGbmReader {
 public:
  LightGbmReader(std::string_view text, const ReadLimits& limits) : lines_(text), limits_(limits) {}

  absl::StatusOr<Ensemble> Read() {
    ensemble_.format = "lightgbm_text";
    ensemble_.dialect = Dialect::kLightGbm;
    ensemble_.base_score = {0};
    std::string_view line;
    lines_.Next(line);  // "tree"
    ESPALIER_RETURN_IF_ERROR(ReadHeader(line));
    ESPALIER_RETURN_IF_ERROR(ReadTrees(line));
    ESPALIER_RETURN_IF_ERROR(Finish());
    ESPALIER_RETURN_IF_ERROR(ValidateEnsemble(ensemble_, limits_));
    ESPALIER_RETURN_IF_ERROR(MarkCategoricalFeatures());
    return std::move(ensemble_);
  }

 private:
  // Up to the first tree, or the end of them; `line` is then the one that ended it.
  absl::Status ReadHeader(std::string_view& line) {
    while (lines_.Next(line)) {
      const Entry entry = ToEntry(line);
      if (entry.key == kTreeKey || line == kEndOfTrees) return absl::OkStatus();
      ESPALIER_RETURN_IF_ERROR(ReadHeaderEntry(entry));
    }
    return MissingEnd();
  }

  static absl::Status MissingEnd() {
    return InvalidArgument("\"", kEndOfTrees, "\": is missing: the file was cut");
  }

  absl::Status ReadHeaderEntry(const Entry& entry) {
    if (entry.key == "version") return Set(entry, version_);
    if (entry.key == "num_class") return Set(entry, num_class_);
    if (entry.key == "num_tree_per_iteration") return Set(entry, trees_per_iteration_);
    if (entry.key == "max_feature_idx") return Set(entry, max_feature_);
    if (entry.key == "objective") return Set(entry, objective_);
    if (entry.key == "feature_names") return Set(entry, feature_names_);
    if (entry.key == "feature_infos") return Set(entry, feature_infos_);
    if (entry.key == "tree_sizes") return Set(entry, tree_sizes_);
    if (entry.key == "average_output") ensemble_.average_output = true;
    return absl::OkStatus();
  }

  // Readers disagree about which of two counts.
  static absl::Status Set(const Entry& entry, std::optional<std::string_view>& field) {
    if (field.has_value()) return InvalidArgument(entry.key, ": is there twice");
    field = entry.value;
    return absl::OkStatus();
  }

  absl::Status ReadTrees(std::string_view line) {
    do {
      if (line.empty()) continue;
      if (line == kEndOfTrees) return absl::OkStatus();
      const size_t index = ensemble_.trees.size();
      if (ToEntry(line).key != kTreeKey) {
        return InvalidArgument("line ", Quoted(line), " after tree ", static_cast<int64_t>(index) - 1,
                               ": must be Tree=", index, " or ", kEndOfTrees);
      }
      if (index == limits_.max_trees) return InvalidArgument("trees: must be at most ", limits_.max_trees);
      if (absl::Status status = ReadTree(); !status.ok()) {
        return Error(status.code(), "tree ", index, ", ", Message(status));
      }
    } while (lines_.Next(line));
    return MissingEnd();
  }

  // The lines up to an empty one.
  absl::Status ReadTree() {
    tree_.Clear();
    for (std::string_view line; lines_.Next(line) && !line.empty();) {
      ESPALIER_RETURN_IF_ERROR(ReadTreeEntry(ToEntry(line)));
    }
    if (tree_.is_linear == 1) {
      return Error(absl::StatusCode::kUnimplemented,
                   "is_linear 1: leaves that are linear models (linear_tree) are not supported");
    }
    if (!tree_.num_leaves.has_value()) return InvalidArgument("num_leaves: is missing");
    ESPALIER_ASSIGN_OR_RETURN(Tree tree, ToTree(tree_));
    ensemble_.trees.push_back(std::move(tree));
    return absl::OkStatus();
  }

  absl::Status ReadTreeEntry(const Entry& entry) {
    const auto [key, value] = entry;
    const size_t max = limits_.max_nodes_per_tree;
    if (key == "num_leaves") return ReadCount(entry, 1, (max + 1) / 2, tree_.num_leaves);
    if (key == "num_cat") return ReadCount(entry, 0, max, tree_.num_cat);
    if (key == "is_linear") return ReadCount(entry, 0, 1, tree_.is_linear);
    if (key == "split_feature") return ReadNumbers(key, value, max, tree_.split_feature);
    if (key == "threshold") return ReadNumbers(key, value, max, tree_.threshold);
    if (key == "decision_type") return ReadNumbers(key, value, max, tree_.decision_type);
    if (key == "left_child") return ReadNumbers(key, value, max, tree_.left_child);
    if (key == "right_child") return ReadNumbers(key, value, max, tree_.right_child);
    if (key == "internal_count") return ReadNumbers(key, value, max, tree_.internal_count);
    if (key == "leaf_value") return ReadNumbers(key, value, max, tree_.leaf_value);
    if (key == "leaf_count") return ReadNumbers(key, value, max, tree_.leaf_count);
    if (key == "cat_boundaries") return ReadNumbers(key, value, max, tree_.cat_boundaries);
    if (key == "cat_threshold") return ReadNumbers(key, value, size_t{kMaxCategory}, tree_.cat_threshold);
    return absl::OkStatus();
  }

  static absl::Status ReadCount(const Entry& entry, size_t min, size_t max, std::optional<int64_t>& count) {
    if (count.has_value()) return InvalidArgument(entry.key, ": is there twice");
    ESPALIER_ASSIGN_OR_RETURN(
        count, ParseInteger(entry.key, entry.value, static_cast<int64_t>(min), static_cast<int64_t>(max)));
    return absl::OkStatus();
  }

  static absl::StatusOr<int64_t> Require(std::string_view name, const std::optional<std::string_view>& field,
                                         int64_t min, int64_t max) {
    if (!field.has_value()) return InvalidArgument(name, ": is missing");
    return ParseInteger(name, *field, min, max);
  }

  absl::Status Finish() {
    ensemble_.version = version_.value_or("");
    ESPALIER_ASSIGN_OR_RETURN(const int64_t max_feature,
                              Require("max_feature_idx", max_feature_, 0, int64_t{limits_.max_features} - 1));
    ensemble_.num_features = static_cast<uint32_t>(max_feature + 1);
    ESPALIER_ASSIGN_OR_RETURN(const int64_t num_class,
                              Require("num_class", num_class_, 1, limits_.max_outputs));
    int64_t outputs = num_class;
    if (trees_per_iteration_.has_value()) {
      ESPALIER_ASSIGN_OR_RETURN(
          outputs, Require("num_tree_per_iteration", trees_per_iteration_, 1, limits_.max_outputs));
    }
    ensemble_.num_outputs = static_cast<uint32_t>(outputs);
    ensemble_.num_class = num_class > 1 ? static_cast<uint32_t>(num_class) : 0;
    ESPALIER_RETURN_IF_ERROR(SetObjective());
    ESPALIER_RETURN_IF_ERROR(SetFeatureNames());
    return SetIterations();
  }

  // A model that was trained with an objective of the user's own names none.
  absl::Status SetObjective() {
    Words words(objective_.value_or("custom"));
    std::string_view word;
    if (words.Next(word)) ensemble_.objective = word;
    while (words.Next(word)) {
      if (ensemble_.objective_parameters.size() == kMaxObjectiveWords) {
        return InvalidArgument("objective: must have at most ", kMaxObjectiveWords, " parameters");
      }
      const size_t colon = std::min(word.find(':'), word.size());
      ensemble_.objective_parameters.emplace_back(word.substr(0, colon),
                                                  word.substr(std::min(colon + 1, word.size())));
    }
    return absl::OkStatus();
  }

  // LightGBM needs them too. And no number of features is larger than the file.
  absl::Status SetFeatureNames() {
    if (!feature_names_.has_value()) return InvalidArgument("feature_names: is missing");
    Words words(*feature_names_);
    size_t count = 0;
    for (std::string_view name; words.Next(name); ++count) {
      if (count < ensemble_.num_features) ensemble_.feature_names.emplace_back(name);
    }
    if (count == ensemble_.num_features) return absl::OkStatus();
    return InvalidArgument("feature_names has ", count, " entries: must be ", ensemble_.num_features,
                           ", as max_feature_idx says");
  }

  absl::Status SetIterations() {
    const size_t trees = ensemble_.trees.size();
    const uint32_t outputs = ensemble_.num_outputs;
    if (tree_sizes_.has_value()) {
      std::vector<uint32_t> sizes;
      ESPALIER_RETURN_IF_ERROR(ReadNumbers("tree_sizes", *tree_sizes_, limits_.max_trees, sizes));
      if (sizes.size() != trees) {
        return InvalidArgument("tree_sizes has ", sizes.size(), " entries: must be the ", trees,
                               " trees of the file");
      }
    }
    if (trees % outputs != 0) {
      return InvalidArgument("trees: ", trees, " are no multiple of num_tree_per_iteration ", outputs);
    }
    for (size_t i = 0; i < trees; ++i) {
      ensemble_.trees[i].output = static_cast<uint32_t>(i % outputs);
      ensemble_.trees[i].iteration = static_cast<uint32_t>(i / outputs);
    }
    ensemble_.num_iterations = static_cast<uint32_t>(trees / outputs);
    return absl::OkStatus();
  }

  // feature_infos has the range of a number, `[-1.5:3]`, the categories, `0:1:2`, or `none`. A split that
  // asks for categories says so too.
  absl::Status MarkCategoricalFeatures() {
    std::vector<FeatureKind> kinds;
    Words words(feature_infos_.value_or(""));
    for (std::string_view info; words.Next(info);) {
      if (kinds.size() == ensemble_.num_features) {
        return InvalidArgument("feature_infos: must be ", ensemble_.num_features,
                               ", as max_feature_idx says");
      }
      const bool categorical = info.front() != '[' && info.find(':') != std::string_view::npos;
      kinds.push_back(categorical ? FeatureKind::kCategorical : FeatureKind::kNumeric);
    }
    kinds.resize(ensemble_.num_features, FeatureKind::kNumeric);
    for (const Tree& tree : ensemble_.trees) {
      for (const TreeNode& node : tree.nodes) {
        if (node.categorical && node.feature < kinds.size()) kinds[node.feature] = FeatureKind::kCategorical;
      }
    }
    ensemble_.feature_kinds = std::move(kinds);
    return absl::OkStatus();
  }

  Lines lines_;
  const ReadLimits& limits_;
  Ensemble ensemble_;
  LightGbmTree tree_;
  std::optional<std::string_view> version_;
  std::optional<std::string_view> num_class_;
  std::optional<std::string_view> trees_per_iteration_;
  std::optional<std::string_view> max_feature_;
  std::optional<std::string_view> objective_;
  std::optional<std::string_view> feature_names_;
  std::optional<std::string_view> feature_infos_;
  std::optional<std::string_view> tree_sizes_;
};

}  // namespace

bool IsLightGbmModel(std::string_view bytes) {
  return bytes.starts_with("tree\n") || bytes.starts_with("tree\r\n");
}

absl::StatusOr<Ensemble> ReadLightGbmModel(std::string_view bytes, const ReadLimits& limits) {
  return LightGbmReader(bytes, limits).Read();
}

}  // namespace espalier
