// Reads model files (docs/model-files.md): JSON and UBJSON of XGBoost 1.0 to 3.x, and its old binary format
// of 0.8x to 2.x; the text format of LightGBM; and the JSON that deploy/export_sklearn.py writes.
//
//   ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadEnsembleFile("model.ubj"));
//
// Files are hostile: counts are checked against the bytes that remain before anything is allocated, nesting
// is bounded, trees must be trees, features and categories in range, leaves finite. Errors say what is wrong
// and where. Pure; thread-safe.
#ifndef ESPALIER_MODELS_FOREST_READ_ENSEMBLE_H_
#define ESPALIER_MODELS_FOREST_READ_ENSEMBLE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "models/forest/ensemble.h"

namespace espalier {

struct ReadLimits {
  uint32_t max_trees = 100'000;
  uint32_t max_nodes_per_tree = 1u << 20;
  uint32_t max_path_depth = 512;
  uint32_t max_features = 1u << 20;
  // Classes, targets or quantiles.
  uint32_t max_outputs = 1u << 16;
};

// Reads a model from memory; its format is told by its first bytes. The result has passed
// ValidateEnsemble(). INVALID_ARGUMENT for a malformed model, naming tree, node and field where there is one;
// UNIMPLEMENTED for boosters that are not known, LightGBM's linear_tree, and what XGBoost itself does not
// know either.
absl::StatusOr<Ensemble> ReadEnsemble(std::string_view bytes, const ReadLimits& limits = {});

// The same from a regular file; adds the path to the message, and the errors of ReadFile() to the codes.
absl::StatusOr<Ensemble> ReadEnsembleFile(const std::string& path, const ReadLimits& limits = {});

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_READ_ENSEMBLE_H_
