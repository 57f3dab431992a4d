// What XGBoost's files say about a model as a whole, whatever their format, and how an ensemble follows from
// it.
//
// A reader collects the fields in any order, puts trees, names and base score straight into an Ensemble, and
// then calls FinishEnsemble().
#ifndef ESPALIER_MODELS_FOREST_MODEL_FIELDS_H_
#define ESPALIER_MODELS_FOREST_MODEL_FIELDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "models/forest/ensemble.h"
#include "models/forest/read_ensemble.h"

namespace espalier {

// By the names of the files. Values are as read: FinishEnsemble() checks them.
struct ModelFields {
  std::string booster;
  bool has_trees = false;
  // Of each tree, the output that it adds to.
  std::vector<int32_t> tree_info;
  // Iteration k holds the trees [indptr[k], indptr[k + 1]). Empty in files from before 2.0.
  std::vector<int32_t> iteration_indptr;
  std::vector<float> weight_drop;
  bool has_weights = false;
  // Of the trees; 0 and 1 are leaves of one value.
  int64_t size_leaf_vector = 0;
  int64_t num_class = 0;
  int64_t num_target = 1;
  int64_t num_feature = 0;
  // -1 when the file does not say.
  int64_t num_trees = -1;
  int64_t num_parallel_tree = 1;
};

// Gives the ensemble its outputs, iterations and weights, and validates it. INVALID_ARGUMENT where fields
// contradict each other or ValidateEnsemble() says no, UNIMPLEMENTED for boosters that are not known.
absl::Status FinishEnsemble(const ModelFields& fields, const ReadLimits& limits, Ensemble& ensemble);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_MODEL_FIELDS_H_
