#include "models/forest/validate_ensemble.h"

#include <cmath>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// Longer names could not be sent in a request.
constexpr size_t kMaxNameBytes = 256;

// The length of the UTF-8 sequence at the start of `text`, 0 if there is none (overlong forms and surrogates
// are none).
size_t Utf8Length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first < 0xF5) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

absl::Status CheckCategoryNames(const Ensemble& ensemble) {
  const auto& features = ensemble.category_names;
  if (!features.empty() && features.size() != ensemble.num_features) {
    return InvalidArgument("cats has ", features.size(), " entries: must be num_feature ",
                           ensemble.num_features);
  }
  return absl::OkStatus();
}

absl::Status CheckText(std::string_view field, std::string_view text) {
  if (text.size() > kMaxNameBytes) {
    return InvalidArgument(field, " has ", text.size(), " bytes: at most ", kMaxNameBytes, " are allowed");
  }
  if (!IsUtf8(text)) return InvalidArgument(field, ": must be UTF-8");
  return absl::OkStatus();
}

absl::Status CheckFeatures(const Ensemble& ensemble) {
  const uint32_t features = ensemble.num_features;
  if (!ensemble.feature_kinds.empty() && ensemble.feature_kinds.size() != features) {
    return InvalidArgument("feature_types has ", ensemble.feature_kinds.size(),
                           " entries: must be num_feature ", features);
  }
  if (ensemble.feature_names.empty()) return absl::OkStatus();
  if (ensemble.feature_names.size() != features) {
    return InvalidArgument("feature_names has ", ensemble.feature_names.size(),
                           " entries: must be num_feature ", features);
  }
  absl::flat_hash_set<std::string_view> names;
  names.reserve(features);
  for (size_t i = 0; i < features; ++i) {
    const std::string& name = ensemble.feature_names[i];
    ESPALIER_RETURN_IF_ERROR(CheckText(StrCat("feature_names[", i, "]"), name));
    if (!names.insert(name).second) {
      return InvalidArgument("feature_names[", i, "] \"", absl::Utf8SafeCHexEscape(name),
                             "\": must differ from all others");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLinear(const Ensemble& ensemble) {
  const size_t expected = ensemble.is_linear ? (size_t{ensemble.num_features} + 1) * ensemble.num_outputs : 0;
  if (ensemble.linear_weights.size() != expected) {
    return InvalidArgument("weights has ", ensemble.linear_weights.size(), " entries: must be ", expected,
                           ensemble.is_linear ? " ((num_feature + 1) x outputs)" : " unless it is gblinear");
  }
  for (size_t i = 0; i < expected; ++i) {
    if (std::isfinite(ensemble.linear_weights[i])) continue;
    return InvalidArgument("weights[", i, "] ", ensemble.linear_weights[i], ": must be finite");
  }
  if (ensemble.is_linear && !ensemble.trees.empty()) return InvalidArgument("gblinear: must not have trees");
  return absl::OkStatus();
}

absl::Status CheckFloat64(const Ensemble& ensemble) {
  if (ensemble.leaf_width != 1 && (!ensemble.is_float64() || ensemble.leaf_width != ensemble.num_outputs)) {
    return InvalidArgument("leaf_width ", ensemble.leaf_width, ": must be 1, or the ", ensemble.num_outputs,
                           " outputs of the model");
  }
  const size_t margins = ensemble.base_margins.size();
  if (margins != 0 && (!ensemble.is_float64() || margins != ensemble.num_outputs)) {
    return InvalidArgument("base_margins has ", margins, " values: must be ", ensemble.num_outputs,
                           " (one an output)");
  }
  for (const double margin : ensemble.base_margins) {
    if (!std::isfinite(margin)) return InvalidArgument("base_margin ", margin, ": must be finite");
  }
  return absl::OkStatus();
}

absl::Status CheckScalars(const Ensemble& ensemble, const ReadLimits& limits) {
  if (ensemble.num_features < 1 || ensemble.num_features > limits.max_features) {
    return InvalidArgument("num_feature ", ensemble.num_features, ": must be 1 to ", limits.max_features);
  }
  if (ensemble.num_outputs < 1 || ensemble.num_outputs > limits.max_outputs) {
    return InvalidArgument("outputs (num_class, num_target) ", ensemble.num_outputs, ": must be 1 to ",
                           limits.max_outputs);
  }
  if (ensemble.base_score.size() != 1 && ensemble.base_score.size() != ensemble.num_outputs) {
    return InvalidArgument("base_score has ", ensemble.base_score.size(), " values: must be 1 or ",
                           ensemble.num_outputs, " (one an output)");
  }
  for (const float score : ensemble.base_score) {
    if (!std::isfinite(score)) return InvalidArgument("base_score ", score, ": must be finite");
  }
  ESPALIER_RETURN_IF_ERROR(CheckFloat64(ensemble));
  if (ensemble.objective.empty()) return InvalidArgument("objective: must be named");
  ESPALIER_RETURN_IF_ERROR(CheckText("objective", ensemble.objective));
  ESPALIER_RETURN_IF_ERROR(CheckText("version", ensemble.version));
  ESPALIER_RETURN_IF_ERROR(CheckLinear(ensemble));
  if (ensemble.best_iteration.has_value() && *ensemble.best_iteration >= ensemble.num_iterations) {
    return InvalidArgument("best_iteration ", *ensemble.best_iteration, ": must be < the ",
                           ensemble.num_iterations, " iterations of the model");
  }
  return absl::OkStatus();
}

// Walks one tree after another; keeps its scratch space between them.
class TreeValidator {
 public:
  TreeValidator(const Ensemble& ensemble, const ReadLimits& limits) : ensemble_(ensemble), limits_(limits) {}

  absl::Status Check(size_t index) {
    index_ = index;
    const Tree& tree = ensemble_.trees[index];
    ESPALIER_RETURN_IF_ERROR(CheckPlace(tree));
    if (tree.nodes.empty() || tree.nodes.size() > limits_.max_nodes_per_tree) {
      return Refuse("num_nodes ", tree.nodes.size(), ": must be 1 to ", limits_.max_nodes_per_tree);
    }
    if (!ensemble_.is_float64() && IsPlain(tree)) return absl::OkStatus();
    reached_.assign(tree.nodes.size(), false);
    pending_.assign(1, {0, 0});
    reached_[0] = true;
    categories_left_ = tree.categories.size();
    while (!pending_.empty()) {
      const Visit visit = pending_.back();
      pending_.pop_back();
      const TreeNode& node = tree.nodes[visit.node];
      if (node.left == -1 && node.right == -1) {
        ESPALIER_RETURN_IF_ERROR(CheckLeaf(tree, visit.node));
        continue;
      }
      ESPALIER_RETURN_IF_ERROR(CheckSplit(tree, visit.node));
      if (visit.depth >= limits_.max_path_depth) {
        return RefuseNode(visit.node, "is deeper than ", limits_.max_path_depth, " splits");
      }
      ESPALIER_RETURN_IF_ERROR(Descend(tree, visit, "left_children", node.left));
      ESPALIER_RETURN_IF_ERROR(Descend(tree, visit, "right_children", node.right));
    }
    return absl::OkStatus();
  }

 private:
  // Whether all is well with a tree of numeric splits whose nodes come after their parents, as in what
  // XGBoost itself writes. The other trees, and what is wrong with them, are for the walk to find.
  bool IsPlain(const Tree& tree) {
    const size_t count = tree.nodes.size();
    depth_.assign(count, 0);
    depth_[0] = 1;
    bool fine = tree.leaf_vectors.empty();
    for (size_t i = 0; i < count && fine; ++i) {
      const TreeNode& node = tree.nodes[i];
      if (depth_[i] == 0) continue;
      if (node.left == -1 && node.right == -1) {
        fine = std::isfinite(node.value);
        continue;
      }
      const auto left = static_cast<uint32_t>(node.left);
      const auto right = static_cast<uint32_t>(node.right);
      fine = left > i && right > i && left < count && right < count && left != right && depth_[left] == 0 &&
             depth_[right] == 0 && node.feature < ensemble_.num_features && !node.categorical &&
             !std::isnan(node.value) && depth_[i] <= limits_.max_path_depth;
      if (fine) depth_[left] = depth_[right] = depth_[i] + 1;
    }
    return fine;
  }

  struct Visit {
    uint32_t node;
    uint32_t depth;
  };

  template <typename... Args>
  absl::Status Refuse(const Args&... args) const {
    return InvalidArgument("tree ", index_, ", ", args...);
  }
  template <typename... Args>
  absl::Status RefuseNode(uint32_t node, const Args&... args) const {
    return Refuse("node ", node, ", ", args...);
  }

  absl::Status CheckPlace(const Tree& tree) const {
    if (tree.output >= ensemble_.num_outputs) {
      return Refuse("tree_info ", tree.output, ": must be < the ", ensemble_.num_outputs,
                    " outputs of the model");
    }
    if (tree.iteration >= ensemble_.num_iterations) {
      return Refuse("iteration ", tree.iteration, ": must be < ", ensemble_.num_iterations);
    }
    if (index_ > 0 && tree.iteration < ensemble_.trees[index_ - 1].iteration) {
      return Refuse("iteration ", tree.iteration, ": must not be before that of the tree before it");
    }
    if (tree.leaf_vectors.size() % ensemble_.num_outputs != 0 ||
        tree.leaf_vectors.empty() != ensemble_.trees[0].leaf_vectors.empty()) {
      return Refuse("leaf vectors have ", tree.leaf_vectors.size(), " values: must be a multiple of the ",
                    ensemble_.num_outputs, " outputs, in all trees or none");
    }
    if (!std::isfinite(tree.weight)) return Refuse("weight_drop ", tree.weight, ": must be finite");
    return ensemble_.is_float64() ? CheckFloat64Columns(tree) : absl::OkStatus();
  }

  absl::Status CheckFloat64Columns(const Tree& tree) const {
    if (tree.thresholds.size() != tree.nodes.size() || tree.covers.size() != tree.nodes.size()) {
      return Refuse(tree.thresholds.size(), " thresholds and ", tree.covers.size(),
                    " covers: must be one of the ", tree.nodes.size(), " nodes each");
    }
    if (tree.leaves.size() % ensemble_.leaf_width != 0) {
      return Refuse("leaves have ", tree.leaves.size(), " values: must be a multiple of ",
                    ensemble_.leaf_width);
    }
    return absl::OkStatus();
  }

  absl::Status CheckFloat64Leaf(const Tree& tree, uint32_t index) const {
    const size_t width = ensemble_.leaf_width;
    const size_t leaf = tree.nodes[index].feature;
    if (leaf >= tree.leaves.size() / width) {
      return RefuseNode(index, "leaf ", leaf, ": must be < ", tree.leaves.size() / width);
    }
    for (size_t i = leaf * width; i < (leaf + 1) * width; ++i) {
      if (std::isfinite(tree.leaves[i])) continue;
      return RefuseNode(index, "leaf ", leaf, ", value ", tree.leaves[i], ": must be finite");
    }
    return absl::OkStatus();
  }

  absl::Status CheckLeaf(const Tree& tree, uint32_t index) const {
    if (ensemble_.is_float64()) return CheckFloat64Leaf(tree, index);
    const TreeNode& node = tree.nodes[index];
    if (tree.leaf_vectors.empty()) {
      if (!std::isfinite(node.value)) return RefuseNode(index, "leaf ", node.value, ": must be finite");
      return absl::OkStatus();
    }
    const size_t width = ensemble_.num_outputs;
    const size_t vectors = tree.leaf_vectors.size() / width;
    if (node.feature >= vectors) {
      return RefuseNode(index, "leaf vector ", node.feature, ": must be < ", vectors);
    }
    for (size_t i = node.feature * width; i < (node.feature + 1) * width; ++i) {
      if (std::isfinite(tree.leaf_vectors[i])) continue;
      return RefuseNode(index, "leaf ", tree.leaf_vectors[i], ": must be finite");
    }
    return absl::OkStatus();
  }

  absl::Status CheckSplit(const Tree& tree, uint32_t index) {
    const TreeNode& node = tree.nodes[index];
    if (node.feature >= ensemble_.num_features) {
      return RefuseNode(index, "split_indices ", node.feature, ": must be < num_feature ",
                        ensemble_.num_features);
    }
    if (node.categorical) return CheckCategories(tree, index);
    if (ensemble_.is_float64() ? std::isnan(tree.thresholds[index]) : std::isnan(node.value)) {
      return RefuseNode(index, ensemble_.is_float64() ? "threshold" : "split_conditions",
                        " NaN: must be a number");
    }
    return absl::OkStatus();
  }

  absl::Status CheckCategories(const Tree& tree, uint32_t index) {
    const TreeNode& node = tree.nodes[index];
    if (node.category_begin >= node.category_end || node.category_end > tree.categories.size()) {
      return RefuseNode(index, "categories [", node.category_begin, ", ", node.category_end,
                        "): must be a non-empty segment of the ", tree.categories.size(),
                        " categories of the tree");
    }
    // Segments that overlap would let a small file ask for the work of its square.
    const size_t count = node.category_end - node.category_begin;
    if (count > categories_left_) return RefuseNode(index, "categories: segments of nodes must not overlap");
    categories_left_ -= count;
    for (uint32_t i = node.category_begin; i < node.category_end; ++i) {
      if (tree.categories[i] >= kMaxCategory) {
        return RefuseNode(index, "category ", tree.categories[i], ": must be < ", kMaxCategory);
      }
      if (i > node.category_begin && tree.categories[i] <= tree.categories[i - 1]) {
        return RefuseNode(index, "category ", tree.categories[i], ": must be greater than the one before it");
      }
    }
    return absl::OkStatus();
  }

  absl::Status Descend(const Tree& tree, Visit parent, std::string_view field, int32_t child) {
    if (child < 0 || static_cast<size_t>(child) >= tree.nodes.size()) {
      return RefuseNode(parent.node, field, " ", child, ": must be 0 to ", tree.nodes.size() - 1,
                        ", or -1 for both children of a leaf");
    }
    if (reached_[child]) {
      return RefuseNode(parent.node, field, " ", child, ": leads to a node that was reached before");
    }
    reached_[child] = true;
    pending_.push_back({static_cast<uint32_t>(child), parent.depth + 1});
    return absl::OkStatus();
  }

  const Ensemble& ensemble_;
  const ReadLimits& limits_;
  size_t index_ = 0;
  size_t categories_left_ = 0;
  std::vector<bool> reached_;
  // By node, 1 more than its splits above; 0 where it has not been reached.
  std::vector<uint32_t> depth_;
  std::vector<Visit> pending_;
};

}  // namespace

absl::Status ValidateEnsemble(const Ensemble& ensemble, const ReadLimits& limits) {
  ESPALIER_RETURN_IF_ERROR(CheckScalars(ensemble, limits));
  ESPALIER_RETURN_IF_ERROR(CheckFeatures(ensemble));
  ESPALIER_RETURN_IF_ERROR(CheckCategoryNames(ensemble));
  if (ensemble.trees.size() > limits.max_trees) {
    return InvalidArgument("num_trees ", ensemble.trees.size(), ": must be <= ", limits.max_trees);
  }
  TreeValidator validator(ensemble, limits);
  for (size_t i = 0; i < ensemble.trees.size(); ++i) {
    ESPALIER_RETURN_IF_ERROR(validator.Check(i));
  }
  return absl::OkStatus();
}

}  // namespace espalier
