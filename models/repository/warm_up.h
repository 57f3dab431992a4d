// First predictions of a version, before it takes traffic and off the request threads.
#ifndef ESPALIER_MODELS_REPOSITORY_WARM_UP_H_
#define ESPALIER_MODELS_REPOSITORY_WARM_UP_H_

#include "absl/status/status.h"
#include "models/forest/forest.h"
#include "models/repository/model_signature.h"

namespace espalier {

// Predicts one row, a block of rows and whatever `model_warmup` configures (zeros, or random values in [0, 1)
// from a fixed seed), so that the model's memory is touched and a model that cannot predict is found out. The
// error of the first prediction that fails.
absl::Status WarmUp(const Forest& forest, const CompletedConfig& completed);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_WARM_UP_H_
