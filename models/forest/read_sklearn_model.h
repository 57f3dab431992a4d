// Forests of scikit-learn, in the JSON that deploy/export_sklearn.py writes (docs/model-files.md has the
// fields). No pickle is ever read.
//
//   {"format": "espalier.sklearn", "format_version": 1, "sklearn_version": "1.9.1",
//    "objective": "softmax", "num_features": 8, "num_outputs": 3, ..., "trees": [
//      {"output": 0, "iteration": 0, "left": [1, -1, -1], "right": [2, -1, -1], "feature": [4, 0, 0],
//       "threshold": [0.5, 0, 0], "missing_left": [0, 0, 0], "cover": [10, 4, 6], "leaves": [-1, 2]}]}
#ifndef ESPALIER_MODELS_FOREST_READ_SKLEARN_MODEL_H_
#define ESPALIER_MODELS_FOREST_READ_SKLEARN_MODEL_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"
#include "models/forest/read_ensemble.h"

namespace espalier {

// Whether the bytes begin as such a document does: `format` is its first key.
bool IsSklearnModel(std::string_view bytes);

// The result has passed ValidateEnsemble(). Errors as ReadEnsemble(); UNIMPLEMENTED for a format_version that
// is not known.
absl::StatusOr<Ensemble> ReadSklearnModel(std::string_view bytes, const ReadLimits& limits);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_READ_SKLEARN_MODEL_H_
