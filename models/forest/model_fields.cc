#include "models/forest/model_fields.h"

#include <algorithm>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/field_text.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

absl::Status SetOutputs(const ModelFields& fields, Ensemble& ensemble) {
  if (fields.num_class > 1 && fields.num_target > 1) {
    return Error(absl::StatusCode::kUnimplemented, "num_class ", fields.num_class, " and num_target ",
                 fields.num_target, ": several targets of several classes are not supported");
  }
  ensemble.num_features = static_cast<uint32_t>(fields.num_feature);
  ensemble.num_outputs = static_cast<uint32_t>(std::max<int64_t>({fields.num_class, fields.num_target, 1}));
  ensemble.num_class = static_cast<uint32_t>(fields.num_class);
  return absl::OkStatus();
}

absl::Status SetTreeOutputs(const ModelFields& fields, Ensemble& ensemble) {
  const size_t trees = ensemble.trees.size();
  if (fields.num_trees >= 0 && static_cast<uint64_t>(fields.num_trees) != trees) {
    return InvalidArgument("num_trees ", fields.num_trees, ": must be the ", trees, " trees of the file");
  }
  if (fields.tree_info.size() != trees) {
    return InvalidArgument("tree_info has ", fields.tree_info.size(),
                           " entries: must be the number of trees, ", trees);
  }
  for (size_t i = 0; i < trees; ++i) {
    const int32_t output = fields.tree_info[i];
    if (output < 0) return InvalidArgument("tree ", i, ", tree_info ", output, ": must be >= 0");
    ensemble.trees[i].output = static_cast<uint32_t>(output);
  }
  return absl::OkStatus();
}

// Trees after the last weight (of a dart that went on as gbtree) weigh 1.
absl::Status SetWeights(const ModelFields& fields, Ensemble& ensemble) {
  const std::vector<float>& weights = fields.weight_drop;
  if (weights.size() > ensemble.trees.size()) {
    return InvalidArgument("weight_drop has ", weights.size(),
                           " entries: must be at most the number of trees, ", ensemble.trees.size());
  }
  for (size_t i = 0; i < weights.size(); ++i) ensemble.trees[i].weight = weights[i];
  return absl::OkStatus();
}

absl::Status CheckLeafVectors(const ModelFields& fields, const Ensemble& ensemble) {
  if (fields.size_leaf_vector <= 1) return absl::OkStatus();
  if (fields.booster != "gbtree") {
    return Error(absl::StatusCode::kUnimplemented, "gradient_booster ", fields.booster,
                 ": vector leaves (multi_strategy multi_output_tree) go with gbtree only");
  }
  if (fields.size_leaf_vector == ensemble.num_outputs) return absl::OkStatus();
  return InvalidArgument("size_leaf_vector ", fields.size_leaf_vector, ": must be the ", ensemble.num_outputs,
                         " outputs of the model");
}

absl::Status SetIterations(const std::vector<int32_t>& indptr, Ensemble& ensemble) {
  const auto trees = static_cast<int64_t>(ensemble.trees.size());
  if (indptr.front() != 0 || indptr.back() != trees) {
    return InvalidArgument("iteration_indptr from ", indptr.front(), " to ", indptr.back(),
                           ": must be from 0 to the number of trees, ", trees);
  }
  for (size_t k = 0; k + 1 < indptr.size(); ++k) {
    if (indptr[k + 1] < indptr[k] || indptr[k + 1] > trees) {
      return InvalidArgument("iteration_indptr[", k + 1, "] ", indptr[k + 1],
                             ": must not be less than the one before it, nor more than ", trees);
    }
    for (int32_t i = indptr[k]; i < indptr[k + 1]; ++i) {
      ensemble.trees[i].iteration = static_cast<uint32_t>(k);
    }
  }
  ensemble.num_iterations = static_cast<uint32_t>(indptr.size() - 1);
  return absl::OkStatus();
}

// Before XGBoost 2.0 an iteration is a tree for each group and parallel tree; which is also how XGBoost
// takes the files of before 1.6, that do not say how many parallel trees there were.
absl::Status CountIterations(const ModelFields& fields, Ensemble& ensemble) {
  if (fields.tree_info.empty()) return absl::OkStatus();
  const int64_t groups = int64_t{*std::max_element(fields.tree_info.begin(), fields.tree_info.end())} + 1;
  const int64_t per_iteration = groups * std::max<int64_t>(fields.num_parallel_tree, 1);
  const auto trees = static_cast<int64_t>(ensemble.trees.size());
  if (trees % per_iteration != 0) {
    return InvalidArgument("num_trees ", trees, ": must be a multiple of ", per_iteration,
                           " (groups x num_parallel_tree)");
  }
  for (int64_t i = 0; i < trees; ++i) {
    ensemble.trees[i].iteration = static_cast<uint32_t>(i / per_iteration);
  }
  ensemble.num_iterations = static_cast<uint32_t>(trees / per_iteration);
  return absl::OkStatus();
}

absl::Status AssembleTrees(const ModelFields& fields, Ensemble& ensemble) {
  if (!fields.has_trees) return InvalidArgument("gradient_booster model trees: is missing");
  ESPALIER_RETURN_IF_ERROR(SetTreeOutputs(fields, ensemble));
  ESPALIER_RETURN_IF_ERROR(SetWeights(fields, ensemble));
  ESPALIER_RETURN_IF_ERROR(CheckLeafVectors(fields, ensemble));
  return fields.iteration_indptr.empty() ? CountIterations(fields, ensemble)
                                         : SetIterations(fields.iteration_indptr, ensemble);
}

absl::Status CheckLinear(const ModelFields& fields, Ensemble& ensemble) {
  if (!fields.has_weights) return InvalidArgument("gradient_booster model weights: is missing");
  ensemble.is_linear = true;
  // Its weights are those of the last round: there is nothing to choose from.
  ensemble.best_iteration.reset();
  return absl::OkStatus();
}

// Files without feature_types say by their splits and their categories' names which features are categories.
void MarkCategoricalFeatures(Ensemble& ensemble) {
  for (size_t i = 0; i < ensemble.category_names.size(); ++i) {
    if (ensemble.category_names[i].empty()) continue;
    ensemble.feature_kinds.resize(ensemble.num_features, FeatureKind::kNumeric);
    ensemble.feature_kinds[i] = FeatureKind::kCategorical;
  }
  for (const Tree& tree : ensemble.trees) {
    if (tree.categories.empty()) continue;
    ensemble.feature_kinds.resize(ensemble.num_features, FeatureKind::kNumeric);
    for (const TreeNode& node : tree.nodes) {
      if (!node.categorical || node.left == -1 || node.feature >= ensemble.num_features) continue;
      ensemble.feature_kinds[node.feature] = FeatureKind::kCategorical;
    }
  }
}

}  // namespace

absl::Status FinishEnsemble(const ModelFields& fields, const ReadLimits& limits, Ensemble& ensemble) {
  ESPALIER_RETURN_IF_ERROR(SetOutputs(fields, ensemble));
  if (fields.booster == "gblinear") {
    ESPALIER_RETURN_IF_ERROR(CheckLinear(fields, ensemble));
  } else if (fields.booster == "gbtree" || fields.booster == "dart") {
    ESPALIER_RETURN_IF_ERROR(AssembleTrees(fields, ensemble));
  } else {
    return Error(absl::StatusCode::kUnimplemented, "gradient_booster ", Quoted(fields.booster),
                 ": must be gbtree, dart or gblinear");
  }
  ESPALIER_RETURN_IF_ERROR(ValidateEnsemble(ensemble, limits));
  MarkCategoricalFeatures(ensemble);
  return absl::OkStatus();
}

}  // namespace espalier
