// Reads XGBoost's old binary format: what save_model wrote up to 2.x to a file that is not named .json or
// .ubj.
//
// The format is a dump of the structs that XGBoost 0.x had in memory, one behind the other; later versions
// kept them and used the reserved space. It starts with the four letters "binf" since 1.1, and holds no
// feature names, no feature types and no categorical splits: XGBoost refused to write those.
//
// The base score of files from before 1.0 (Ensemble::version "0.x") is a margin, later ones hold a
// prediction.
#ifndef ESPALIER_MODELS_FOREST_READ_BINARY_MODEL_H_
#define ESPALIER_MODELS_FOREST_READ_BINARY_MODEL_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"
#include "models/forest/read_ensemble.h"

namespace espalier {

// Whether `bytes` are meant to be such a model: they start with "binf", or the names of an objective and a
// booster are where they must be. No JSON and no UBJSON that XGBoost writes is.
bool IsBinaryModel(std::string_view bytes);

// The result has passed ValidateEnsemble(). Errors as ReadEnsemble(); Ensemble::objective_parameters stays
// empty.
absl::StatusOr<Ensemble> ReadBinaryModel(std::string_view bytes, const ReadLimits& limits);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_READ_BINARY_MODEL_H_
