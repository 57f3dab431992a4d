// The text format of LightGBM: what Booster.save_model writes, of versions v3 and v4 of the format.
//
// A header of `key=value` lines, one block a tree (columns with an entry a split or a leaf), the line
// `end of trees`, and then importances and training parameters, which predictions do not need and which are
// not looked at:
//
//   tree
//   version=v4
//   num_tree_per_iteration=1
//   max_feature_idx=7
//   objective=binary sigmoid:1
//   feature_names=age delay ...
//
//   Tree=0
//   num_leaves=3
//   split_feature=1 0
//   threshold=0.5 2.25
//   decision_type=2 2
//   left_child=1 -1
//   right_child=-2 -3
//   leaf_value=0.1 -0.2 0.3
//
//   end of trees
//
// A tree's splits are numbered from 0 and its leaves from -1 downwards. A categorical split sends a set to
// the left; an Ensemble's sends it to the right, so that its children change sides here.
#ifndef ESPALIER_MODELS_FOREST_READ_LIGHTGBM_MODEL_H_
#define ESPALIER_MODELS_FOREST_READ_LIGHTGBM_MODEL_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"
#include "models/forest/read_ensemble.h"

namespace espalier {

// Whether the bytes begin as a LightGBM text model does.
bool IsLightGbmModel(std::string_view bytes);

// The result has passed ValidateEnsemble(). Errors as ReadEnsemble(); UNIMPLEMENTED for linear_tree, whose
// leaves are linear models.
absl::StatusOr<Ensemble> ReadLightGbmModel(std::string_view bytes, const ReadLimits& limits);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_READ_LIGHTGBM_MODEL_H_
