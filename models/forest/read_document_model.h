// Reads a model that is a document of named fields: XGBoost's JSON and UBJSON, 1.0 to 3.x.
#ifndef ESPALIER_MODELS_FOREST_READ_DOCUMENT_MODEL_H_
#define ESPALIER_MODELS_FOREST_READ_DOCUMENT_MODEL_H_

#include "absl/status/statusor.h"
#include "models/forest/document_source.h"
#include "models/forest/ensemble.h"
#include "models/forest/read_ensemble.h"

namespace espalier {

// Consumes `source`. The result has passed ValidateEnsemble(); Ensemble::format is for the caller to set.
// Errors as ReadEnsemble().
absl::StatusOr<Ensemble> ReadDocumentModel(DocumentSource& source, const ReadLimits& limits);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_READ_DOCUMENT_MODEL_H_
