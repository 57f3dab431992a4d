// One tree as XGBoost's files hold it: an array a field, each with an entry a node.
#ifndef ESPALIER_MODELS_FOREST_TREE_COLUMNS_H_
#define ESPALIER_MODELS_FOREST_TREE_COLUMNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"

namespace espalier {

// The fields that predictions need, by their names in the file. A value that is cleared and filled again for
// each tree keeps its memory.
struct TreeColumns {
  std::vector<int32_t> left_children;
  std::vector<int32_t> right_children;
  std::vector<int32_t> split_indices;
  // Thresholds of inner nodes and weights of leaves.
  std::vector<float> split_conditions;
  std::vector<int32_t> default_left;
  std::vector<float> sum_hessian;
  // 1 for a categorical split. Absent (empty) before XGBoost 1.3.
  std::vector<int32_t> split_type;
  // Categorical splits: entry k says that node categories_nodes[k] owns the categories_sizes[k] categories
  // from categories_segments[k] on.
  std::vector<int32_t> categories;
  std::vector<int32_t> categories_nodes;
  std::vector<int32_t> categories_segments;
  std::vector<int32_t> categories_sizes;
  // Vector leaves, [leaves][size_leaf_vector]: since 3.2 leaf_weights, and a leaf's right child is its number
  // among them. Before that base_weights, which is [nodes][size_leaf_vector] and only read where it is
  // needed.
  std::vector<float> leaf_weights;
  std::vector<float> base_weights;
  // tree_param; num_nodes is -1 when the file does not say.
  int64_t num_nodes = -1;
  int64_t size_leaf_vector = 0;

  void Clear();
  bool HasVectorLeaves() const { return size_leaf_vector > 1; }
};

// The nodes, categories and leaf vectors of the tree. INVALID_ARGUMENT when the columns contradict each
// other: "node 17, default_left 2: must be 0 or 1". Whether the nodes form a tree is for ValidateEnsemble to
// say.
absl::StatusOr<Tree> ToTree(const TreeColumns& columns);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_TREE_COLUMNS_H_
