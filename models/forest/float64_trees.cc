#include "models/forest/float64_trees.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

std::array<double, 2> Shares(double left, double right) {
  const double sum = std::max(0.0, left) + std::max(0.0, right);
  const std::array<double, 2> shares = {std::max(0.0, left) / sum, std::max(0.0, right) / sum};
  return std::isfinite(sum) && sum > 0 ? shares : std::array<double, 2>{0.5, 0.5};
}

// Lays out one tree after another, breadth first.
class Builder {
 public:
  Builder(const Ensemble& ensemble, Float64Trees& trees) : ensemble_(ensemble), trees_(trees) {}

  absl::Status AddTree(const Tree& tree) {
    tree_ = &tree;
    trees_.roots.push_back(static_cast<uint32_t>(trees_.nodes.size()));
    first_leaf_ = static_cast<uint32_t>(trees_.leaf_numbers.size());
    AddLeaves();
    has_categories_ = false;
    uint32_t depth = 0;
    std::vector<uint32_t> order = {0};
    size_t level_end = 1;
    for (size_t i = 0; i < order.size(); ++i) {
      if (i == level_end) {
        ++depth;
        level_end = order.size();
      }
      ESPALIER_RETURN_IF_ERROR(AddNode(order[i], i, order));
    }
    trees_.depths.push_back(static_cast<uint16_t>(depth));
    trees_.outputs.push_back(tree.output);
    trees_.categorical.push_back(has_categories_);
    trees_.max_depth = std::max(trees_.max_depth, depth);
    return absl::OkStatus();
  }

 private:
  // The leaves of a tree are taken whole; which node is which comes later.
  void AddLeaves() {
    trees_.leaves.insert(trees_.leaves.end(), tree_->leaves.begin(), tree_->leaves.end());
    trees_.leaf_numbers.resize(trees_.leaves.size() / ensemble_.leaf_width, 0);
  }

  // `order` has the nodes of the tree as they are laid out; this one is the i-th.
  absl::Status AddNode(uint32_t number, size_t i, std::vector<uint32_t>& order) {
    const TreeNode& node = tree_->nodes[number];
    if (node.left < 0) {
      const uint32_t leaf = first_leaf_ + node.feature;
      trees_.leaf_numbers[leaf] = ensemble_.dialect == Dialect::kLightGbm ? node.feature : number;
      trees_.nodes.push_back({leaf * ensemble_.leaf_width, 0, 0});
      return absl::OkStatus();
    }
    const auto right = static_cast<uint32_t>(order.size() + 1 - i);
    const size_t left = trees_.nodes.size() + right - 1;
    trees_.shares.resize(left / 2 + 1, {0.5, 0.5});
    trees_.shares[left / 2] = Shares(tree_->covers[node.left], tree_->covers[node.right]);
    ESPALIER_ASSIGN_OR_RETURN(const uint32_t key, KeyOf(number));
    trees_.nodes.push_back({key, trees_.row.SlotOf(node), right});
    order.push_back(static_cast<uint32_t>(node.left));
    order.push_back(static_cast<uint32_t>(node.right));
    return absl::OkStatus();
  }

  absl::StatusOr<uint32_t> KeyOf(uint32_t number) {
    const TreeNode& node = tree_->nodes[number];
    if (!node.categorical) return ThresholdKey(tree_->thresholds[number]);
    has_categories_ = true;
    absl::StatusOr<uint32_t> set = trees_.categories.Add(
        {tree_->categories.data() + node.category_begin, node.category_end - node.category_begin});
    return set.ok() ? std::move(set) : Annotate(set.status(), StrCat("node ", number));
  }

  const Ensemble& ensemble_;
  Float64Trees& trees_;
  const Tree* tree_ = nullptr;
  uint32_t first_leaf_ = 0;
  bool has_categories_ = false;
};

// Shapes must fit the 32 bits of a node's parts.
absl::Status CheckSize(const Ensemble& ensemble) {
  uint64_t nodes = 2;
  uint64_t leaves = 0;
  for (const Tree& tree : ensemble.trees) {
    nodes += tree.nodes.size();
    leaves += tree.leaves.size();
  }
  if (nodes < UINT32_MAX && leaves < UINT32_MAX) return absl::OkStatus();
  return InvalidArgument("the model has ", nodes, " nodes and ", leaves, " leaf values: must be below ",
                         UINT32_MAX);
}

}  // namespace

absl::StatusOr<Float64Trees> BuildFloat64Trees(const Ensemble& ensemble) {
  // An Ensemble may come from anywhere.
  ESPALIER_RETURN_IF_ERROR(ValidateEnsemble(ensemble));
  ESPALIER_RETURN_IF_ERROR(CheckSize(ensemble));
  Float64Trees trees;
  trees.row = Float64Row(ensemble.dialect);
  trees.leaf_width = ensemble.leaf_width;
  trees.num_outputs = ensemble.num_outputs;
  size_t nodes = 1;
  for (const Tree& tree : ensemble.trees) {
    nodes += tree.nodes.size();
    for (const TreeNode& node : tree.nodes) {
      if (node.left >= 0 && node.feature < ensemble.num_features) trees.row.Use(node);
    }
  }
  trees.row.Finish();
  trees.nodes.reserve(nodes);
  trees.nodes.emplace_back();
  Builder builder(ensemble, trees);
  for (size_t i = 0; i < ensemble.trees.size(); ++i) {
    ESPALIER_RETURN_IF_ERROR(Annotate(builder.AddTree(ensemble.trees[i]), StrCat("tree ", i)));
  }
  trees.leaves.shrink_to_fit();
  trees.leaf_numbers.shrink_to_fit();
  trees.shares.shrink_to_fit();
  return trees;
}

size_t Float64Trees::MemoryBytes() const {
  return row.MemoryBytes() + categories.MemoryBytes() + nodes.capacity() * sizeof(Node) +
         leaves.capacity() * sizeof(double) + leaf_numbers.capacity() * sizeof(uint32_t) +
         shares.capacity() * sizeof(shares[0]) + roots.capacity() * sizeof(uint32_t) +
         depths.capacity() * sizeof(uint16_t) + outputs.capacity() * sizeof(uint32_t) +
         categorical.capacity() / 8;
}

}  // namespace espalier
