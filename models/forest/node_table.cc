#include "models/forest/node_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr uint32_t kUnused = 0xffffffffu;

// For each feature its place among those of a kind of split, or kUnused; becomes the sorted list of them.
class FeatureIndex {
 public:
  explicit FeatureIndex(uint32_t num_features) : places_(num_features, kUnused) {}

  void Use(uint32_t feature) {
    if (feature < places_.size()) places_[feature] = 0;
  }

  // Numbers the features in use, ascending.
  std::vector<uint32_t> Number() {
    std::vector<uint32_t> used;
    for (uint32_t feature = 0; feature < places_.size(); ++feature) {
      if (places_[feature] == kUnused) continue;
      places_[feature] = static_cast<uint32_t>(used.size());
      used.push_back(feature);
    }
    return used;
  }

  uint32_t operator[](uint32_t feature) const { return places_[feature]; }

 private:
  std::vector<uint32_t> places_;
};

struct FeatureIndices {
  explicit FeatureIndices(uint32_t num_features) : numeric(num_features), categorical(num_features) {}
  FeatureIndex numeric;
  FeatureIndex categorical;
};

// Lays out one tree after another at the end of a table.
template <typename Node>
class TableBuilder {
 public:
  TableBuilder(const Ensemble& ensemble, const FeatureIndices& features, NodeTable<Node>& table)
      : ensemble_(ensemble), features_(features), table_(table) {}

  absl::Status AddTree(uint32_t index) {
    tree_ = &ensemble_.trees[index];
    root_ = static_cast<uint32_t>(table_.nodes.size());
    has_categories_ = false;
    if (tree_->nodes.empty()) return InvalidArgument("tree ", index, " has no nodes");
    if (tree_->output >= ensemble_.num_outputs) {
      return InvalidArgument("tree ", index, " adds to output ", tree_->output, ", the model has ",
                             ensemble_.num_outputs);
    }
    if (tree_->leaf_vectors.empty() != ensemble_.trees[0].leaf_vectors.empty() ||
        tree_->leaf_vectors.size() % ensemble_.num_outputs != 0) {
      return InvalidArgument("tree ", index, ": all trees must have whole leaf vectors, or none");
    }
    AddLeafVectors();
    const absl::StatusOr<uint32_t> depth = IsInPlace() ? AddInPlace() : AddReordered();
    if (!depth.ok()) return Annotate(depth.status(), StrCat("tree ", index));
    table_.roots.push_back(root_);
    table_.depths.push_back(static_cast<uint16_t>(*depth));
    table_.outputs.push_back(tree_->output);
    table_.categorical.push_back(has_categories_);
    table_.max_depth = std::max(table_.max_depth, *depth);
    return absl::OkStatus();
  }

 private:
  // Whether all children are neighbours and come after their parent, so that the file's numbers can stay.
  bool IsInPlace() const {
    for (size_t i = 0; i < tree_->nodes.size(); ++i) {
      const TreeNode& node = tree_->nodes[i];
      if (node.left < 0) continue;
      if (node.left <= static_cast<int64_t>(i) || node.right != int64_t{node.left} + 1) return false;
    }
    return true;
  }

  absl::StatusOr<uint32_t> AddInPlace() {
    const size_t count = tree_->nodes.size();
    depth_.assign(count, kUnused);
    depth_[0] = 0;
    uint32_t deepest = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const TreeNode& node = tree_->nodes[i];
      if (depth_[i] == kUnused) {  // deleted
        table_.nodes.emplace_back(0, 0, 0);
      } else if (node.left < 0) {
        ESPALIER_RETURN_IF_ERROR(AddLeaf(i));
        deepest = std::max(deepest, depth_[i]);
      } else {
        if (!EnterChildren(i)) return Contradiction(i);
        ESPALIER_RETURN_IF_ERROR(AddInner(i, static_cast<uint32_t>(node.right) - i));
      }
      if (!table_.numbers.empty()) table_.numbers.push_back(i);
    }
    return deepest;
  }

  // Breadth first, for trees whose children are not where the walk needs them.
  absl::StatusOr<uint32_t> AddReordered() {
    if (table_.numbers.empty()) NumberEarlierTrees();
    depth_.assign(tree_->nodes.size(), kUnused);
    depth_[0] = 0;
    uint32_t deepest = 0;
    std::vector<uint32_t> order = {0};
    for (size_t i = 0; i < order.size(); ++i) {
      const uint32_t number = order[i];
      const TreeNode& node = tree_->nodes[number];
      table_.numbers.push_back(number);
      if (node.left < 0) {
        ESPALIER_RETURN_IF_ERROR(AddLeaf(number));
        deepest = std::max(deepest, depth_[number]);
        continue;
      }
      if (!EnterChildren(number)) return Contradiction(number);
      ESPALIER_RETURN_IF_ERROR(AddInner(number, static_cast<uint32_t>(order.size() + 1 - i)));
      order.push_back(static_cast<uint32_t>(node.left));
      order.push_back(static_cast<uint32_t>(node.right));
    }
    return deepest;
  }

  void NumberEarlierTrees() {
    table_.numbers.resize(root_);
    for (size_t tree = 0; tree < table_.roots.size(); ++tree) {
      const uint32_t end = tree + 1 < table_.roots.size() ? table_.roots[tree + 1] : root_;
      for (uint32_t i = table_.roots[tree]; i < end; ++i) table_.numbers[i] = i - table_.roots[tree];
    }
  }

  // Gives the children of an inner node their depth. False when it contradicts the model or the tree so far.
  bool EnterChildren(uint32_t i) {
    const TreeNode& node = tree_->nodes[i];
    const size_t count = depth_.size();
    const auto left = static_cast<uint32_t>(node.left);
    const auto right = static_cast<uint32_t>(node.right);
    if (left >= count || right >= count || left == right || node.feature >= ensemble_.num_features)
      return false;
    if (depth_[left] != kUnused || depth_[right] != kUnused || depth_[i] >= kMaxTreeDepth) return false;
    depth_[left] = depth_[i] + 1;
    depth_[right] = depth_[i] + 1;
    return true;
  }

  // Why EnterChildren said no.
  absl::Status Contradiction(uint32_t i) const {
    const TreeNode& node = tree_->nodes[i];
    const auto count = static_cast<int64_t>(tree_->nodes.size());
    if (node.left >= count || node.right < 0 || node.right >= count) {
      return InvalidArgument("node ", i, " has children ", node.left, " and ", node.right, " of ", count,
                             " nodes");
    }
    if (node.feature >= ensemble_.num_features) {
      return InvalidArgument("node ", i, " asks feature ", node.feature, ", the model has ",
                             ensemble_.num_features);
    }
    if (depth_[i] >= kMaxTreeDepth)
      return InvalidArgument("node ", i, " has children deeper than ", kMaxTreeDepth);
    const bool left_again = node.left == node.right || depth_[node.left] != kUnused;
    return InvalidArgument("node ", left_again ? node.left : node.right, " is reached twice");
  }

  // The vectors of a tree are taken whole, as often as they are in the file, whatever its leaves name.
  void AddLeafVectors() {
    first_vector_ = static_cast<uint32_t>(table_.leaf_vectors.size() / ensemble_.num_outputs);
    for (const float value : tree_->leaf_vectors) table_.leaf_vectors.push_back(value * tree_->weight);
  }

  absl::Status AddVectorLeaf(uint32_t i) {
    const size_t width = ensemble_.num_outputs;
    const uint32_t vector = tree_->nodes[i].feature;
    if (vector >= tree_->leaf_vectors.size() / width) {
      return InvalidArgument("leaf ", i, " has vector ", vector, " of ", tree_->leaf_vectors.size() / width);
    }
    const auto values = table_.leaf_vectors.begin() + (size_t{first_vector_} + vector) * width;
    if (!std::all_of(values, values + width, [](float value) { return std::isfinite(value); })) {
      return InvalidArgument("leaf ", i, " is not finite");
    }
    table_.nodes.emplace_back(first_vector_ + vector, 0, 0);
    return absl::OkStatus();
  }

  absl::Status AddLeaf(uint32_t i) {
    if (!tree_->leaf_vectors.empty()) return AddVectorLeaf(i);
    const TreeNode& node = tree_->nodes[i];
    const float weight = tree_->weight == 1 ? node.value : node.value * tree_->weight;
    if (!std::isfinite(weight)) return InvalidArgument("leaf ", i, " is not finite");
    table_.nodes.emplace_back(std::bit_cast<uint32_t>(weight), 0, 0);
    return absl::OkStatus();
  }

  absl::Status AddInner(uint32_t i, uint32_t right) {
    const TreeNode& node = tree_->nodes[i];
    const size_t left_child = table_.nodes.size() + right - 1;
    table_.left_shares[left_child / 2] = LeftShare(tree_->nodes[node.left], tree_->nodes[node.right]);
    if (node.categorical) {
      ESPALIER_ASSIGN_OR_RETURN(const uint32_t set, AddCategories(i));
      table_.nodes.emplace_back(
          set, table_.layout.CategorySlot(features_.categorical[node.feature], node.default_left), right);
      has_categories_ = true;
    } else {
      // Nothing is smaller than a NaN, but a missing value still goes its way: no number has key 1 or less.
      const uint32_t key = std::isnan(node.value) ? 1 : FloatKey(node.value);
      table_.nodes.emplace_back(
          key, table_.layout.NumericSlot(features_.numeric[node.feature], node.default_left), right);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint32_t> AddCategories(uint32_t i) {
    const TreeNode& node = tree_->nodes[i];
    if (node.category_begin > node.category_end || node.category_end > tree_->categories.size()) {
      return InvalidArgument("node ", i, " has categories [", node.category_begin, ", ", node.category_end,
                             ") of ", tree_->categories.size());
    }
    absl::StatusOr<uint32_t> set = table_.categories.Add(
        {tree_->categories.data() + node.category_begin, node.category_end - node.category_begin});
    return set.ok() ? std::move(set) : Annotate(set.status(), StrCat("node ", i));
  }

  const Ensemble& ensemble_;
  const FeatureIndices& features_;
  NodeTable<Node>& table_;
  const Tree* tree_ = nullptr;
  uint32_t root_ = 0;
  uint32_t first_vector_ = 0;
  bool has_categories_ = false;
  std::vector<uint32_t> depth_;
};

template <typename Node>
absl::StatusOr<AnyNodeTable> Build(const Ensemble& ensemble, const FeatureIndices& features,
                                   const RowLayout& layout, size_t num_nodes) {
  NodeTable<Node> table;
  table.layout = layout;
  table.nodes.reserve(num_nodes + 1);
  table.left_shares.assign(num_nodes / 2 + 1, 0.5f);
  table.roots.reserve(ensemble.trees.size());
  table.depths.reserve(ensemble.trees.size());
  table.outputs.reserve(ensemble.trees.size());
  table.nodes.emplace_back(0, 0, 0);
  TableBuilder<Node> builder(ensemble, features, table);
  for (uint32_t i = 0; i < ensemble.trees.size(); ++i) ESPALIER_RETURN_IF_ERROR(builder.AddTree(i));
  return AnyNodeTable(std::move(table));
}

}  // namespace

float LeftShare(const TreeNode& left, const TreeNode& right) {
  const float share = std::max(0.0f, left.cover) / (std::max(0.0f, left.cover) + std::max(0.0f, right.cover));
  return share >= 0 && share <= 1 ? share : 0.5f;
}

absl::StatusOr<AnyNodeTable> BuildNodeTable(const Ensemble& ensemble, NodeFormat format) {
  FeatureIndices features(ensemble.num_features);
  size_t num_nodes = 0;
  size_t largest_tree = 0;
  for (const Tree& tree : ensemble.trees) {
    num_nodes += tree.nodes.size();
    largest_tree = std::max(largest_tree, tree.nodes.size());
    for (const TreeNode& node : tree.nodes) {
      if (node.left >= 0) (node.categorical ? features.categorical : features.numeric).Use(node.feature);
    }
  }
  if (num_nodes >= UINT32_MAX) return InvalidArgument("the model has ", num_nodes, " nodes, too many");
  std::vector<uint32_t> numeric = features.numeric.Number();
  const RowLayout layout(ensemble.num_features, std::move(numeric), features.categorical.Number());
  const bool packed = format == NodeFormat::kSmallest && layout.num_slots() <= PackedNode::kMaxSlots &&
                      largest_tree <= PackedNode::kMaxRight;
  return packed ? Build<PackedNode>(ensemble, features, layout, num_nodes)
                : Build<WideNode>(ensemble, features, layout, num_nodes);
}

size_t TreeDirectory::MemoryBytes() const {
  return layout.MemoryBytes() + categories.MemoryBytes() + roots.capacity() * sizeof(uint32_t) +
         leaf_vectors.capacity() * sizeof(float) + depths.capacity() * sizeof(uint16_t) +
         outputs.capacity() * sizeof(uint32_t) + categorical.capacity() / 8;
}

template <typename Node>
size_t NodeTable<Node>::MemoryBytes() const {
  return TreeDirectory::MemoryBytes() + nodes.capacity() * sizeof(Node) +
         left_shares.capacity() * sizeof(float) + numbers.capacity() * sizeof(uint32_t);
}

template struct NodeTable<PackedNode>;
template struct NodeTable<WideNode>;

}  // namespace espalier
