#include "models/forest/tree_columns.h"

#include <string_view>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

absl::Status CheckSize(std::string_view field, size_t size, size_t nodes) {
  if (size == nodes) return absl::OkStatus();
  return InvalidArgument(field, " has ", size, " entries: must be the number of nodes, ", nodes);
}

absl::Status CheckSizes(const TreeColumns& columns) {
  const size_t nodes = columns.left_children.size();
  // Before it takes room: nothing is shorter in a file than a tree without nodes.
  if (nodes == 0) return InvalidArgument("left_children has no entries: a tree has at least one node");
  if (columns.num_nodes >= 0 && static_cast<uint64_t>(columns.num_nodes) != nodes) {
    return InvalidArgument("tree_param num_nodes ", columns.num_nodes, ": must be the ", nodes,
                           " entries of left_children");
  }
  ESPALIER_RETURN_IF_ERROR(CheckSize("right_children", columns.right_children.size(), nodes));
  ESPALIER_RETURN_IF_ERROR(CheckSize("split_indices", columns.split_indices.size(), nodes));
  ESPALIER_RETURN_IF_ERROR(CheckSize("split_conditions", columns.split_conditions.size(), nodes));
  ESPALIER_RETURN_IF_ERROR(CheckSize("default_left", columns.default_left.size(), nodes));
  // Trees with vector leaves have it since 3.2.
  if (!columns.HasVectorLeaves() || !columns.sum_hessian.empty()) {
    ESPALIER_RETURN_IF_ERROR(CheckSize("sum_hessian", columns.sum_hessian.size(), nodes));
  }
  if (!columns.split_type.empty()) {
    ESPALIER_RETURN_IF_ERROR(CheckSize("split_type", columns.split_type.size(), nodes));
  }
  return absl::OkStatus();
}

absl::Status CheckNode(const TreeColumns& columns, size_t node) {
  const int32_t default_left = columns.default_left[node];
  if (default_left != 0 && default_left != 1) {
    return InvalidArgument("node ", node, ", default_left ", default_left, ": must be 0 or 1");
  }
  if (columns.split_indices[node] < 0) {
    return InvalidArgument("node ", node, ", split_indices ", columns.split_indices[node], ": must be >= 0");
  }
  return absl::OkStatus();
}

absl::Status SetSplitTypes(const TreeColumns& columns, Tree& tree) {
  for (size_t i = 0; i < columns.split_type.size(); ++i) {
    const int32_t type = columns.split_type[i];
    if (type != 0 && type != 1) {
      return InvalidArgument("node ", i, ", split_type ", type, ": must be 0 (numeric) or 1 (categorical)");
    }
    tree.nodes[i].categorical = type == 1;
  }
  return absl::OkStatus();
}

// XGBoost writes the segments in the order of their nodes, one behind the other; anything else is refused, so
// that no category belongs to two nodes.
absl::Status SetCategories(const TreeColumns& columns, Tree& tree) {
  const size_t segments = columns.categories_nodes.size();
  if (columns.categories_segments.size() != segments || columns.categories_sizes.size() != segments) {
    return InvalidArgument("categories_nodes, categories_segments, categories_sizes have ", segments, ", ",
                           columns.categories_segments.size(), ", ", columns.categories_sizes.size(),
                           " entries: must have as many");
  }
  int64_t end = 0;
  int64_t last_node = -1;
  const auto nodes = static_cast<int64_t>(tree.nodes.size());
  const auto categories = static_cast<int64_t>(columns.categories.size());
  for (size_t i = 0; i < segments; ++i) {
    const int64_t node = columns.categories_nodes[i];
    if (node <= last_node || node >= nodes) {
      return InvalidArgument("categories_nodes[", i, "] ", node, ": must be ", last_node + 1, " to ",
                             nodes - 1);
    }
    last_node = node;
    if (columns.categories_segments[i] != end) {
      return InvalidArgument("node ", node, ", categories_segments ", columns.categories_segments[i],
                             ": must be ", end, ", where the segment before ends");
    }
    const int64_t size = columns.categories_sizes[i];
    if (size < 0 || size > categories - end) {
      return InvalidArgument("node ", node, ", categories_sizes ", size, ": must be 0 to the ",
                             categories - end, " categories that are left");
    }
    tree.nodes[node].category_begin = static_cast<uint32_t>(end);
    tree.nodes[node].category_end = static_cast<uint32_t>(end += size);
  }
  return absl::OkStatus();
}

// Before 3.2 every node has a vector; those of the leaves are kept.
absl::Status TakeLeavesOfNodes(const TreeColumns& columns, Tree& tree) {
  const auto width = static_cast<size_t>(columns.size_leaf_vector);
  if (columns.base_weights.size() != tree.nodes.size() * width) {
    return InvalidArgument("base_weights has ", columns.base_weights.size(), " entries: must be ",
                           tree.nodes.size(), " nodes of ", width);
  }
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    if (tree.nodes[i].left != -1) continue;
    tree.nodes[i].feature = static_cast<uint32_t>(tree.leaf_vectors.size() / width);
    const float* const weights = columns.base_weights.data() + i * width;
    tree.leaf_vectors.insert(tree.leaf_vectors.end(), weights, weights + width);
  }
  return absl::OkStatus();
}

absl::Status SetLeafVectors(const TreeColumns& columns, Tree& tree) {
  if (columns.leaf_weights.empty()) return TakeLeavesOfNodes(columns, tree);
  const auto width = static_cast<size_t>(columns.size_leaf_vector);
  const size_t vectors = columns.leaf_weights.size() / width;
  if (columns.leaf_weights.size() % width != 0) {
    return InvalidArgument("leaf_weights has ", columns.leaf_weights.size(),
                           " entries: must be a multiple of size_leaf_vector ", width);
  }
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    TreeNode& node = tree.nodes[i];
    if (node.left != -1) continue;
    if (node.right < 0 || static_cast<size_t>(node.right) >= vectors) {
      return InvalidArgument("node ", i, ", right_children ", node.right, ": must be one of the ", vectors,
                             " leaf vectors");
    }
    node.feature = static_cast<uint32_t>(std::exchange(node.right, -1));
  }
  tree.leaf_vectors = columns.leaf_weights;
  return absl::OkStatus();
}

}  // namespace

void TreeColumns::Clear() {
  left_children.clear();
  right_children.clear();
  split_indices.clear();
  split_conditions.clear();
  default_left.clear();
  sum_hessian.clear();
  split_type.clear();
  categories.clear();
  categories_nodes.clear();
  categories_segments.clear();
  categories_sizes.clear();
  leaf_weights.clear();
  base_weights.clear();
  num_nodes = -1;
  size_leaf_vector = 0;
}

absl::StatusOr<Tree> ToTree(const TreeColumns& columns) {
  ESPALIER_RETURN_IF_ERROR(CheckSizes(columns));
  Tree tree;
  tree.nodes.resize(columns.left_children.size());
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    ESPALIER_RETURN_IF_ERROR(CheckNode(columns, i));
    TreeNode& node = tree.nodes[i];
    node.left = columns.left_children[i];
    node.right = columns.right_children[i];
    node.feature = static_cast<uint32_t>(columns.split_indices[i]);
    node.value = columns.split_conditions[i];
    node.default_left = columns.default_left[i] == 1;
    node.cover = columns.sum_hessian.empty() ? 0 : columns.sum_hessian[i];
  }
  ESPALIER_RETURN_IF_ERROR(SetSplitTypes(columns, tree));
  ESPALIER_RETURN_IF_ERROR(SetCategories(columns, tree));
  if (columns.HasVectorLeaves()) ESPALIER_RETURN_IF_ERROR(SetLeafVectors(columns, tree));
  for (const int32_t category : columns.categories) {
    if (category < 0) return InvalidArgument("category ", category, ": must be >= 0");
    tree.categories.push_back(static_cast<uint32_t>(category));
  }
  return tree;
}

}  // namespace espalier
