// Puts a trained model where a server finds it: models/<name>/<version>/ with the model and its lineage.
#ifndef ESPALIER_MODELS_TRAINING_PUBLISHED_VERSION_H_
#define ESPALIER_MODELS_TRAINING_PUBLISHED_VERSION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/training/train.h"
#include "models/training/training_data.h"
#include "models/training/training_spec.h"

namespace espalier {

// Whether PublishVersion could be asked for this: to be known before hours of training. INVALID_ARGUMENT for
// a name outside [A-Za-z0-9._-]{1,64} or with a leading dot, or a version below 1; ALREADY_EXISTS for a
// version that is there.
absl::Status CheckVersion(const std::string& models, const std::string& name, int64_t version);

// Writes `bytes` as xgboost.ubj and `lineage` as variant.json into the folder of a version that does not
// exist yet, under a temporary name that a server ignores, and renames it: nobody sees half a version, and
// none is ever replaced. Returns the folder. Errors as CheckVersion gives them, also for a version that
// appeared meanwhile.
absl::StatusOr<std::string> PublishVersion(const std::string& models, const std::string& name,
                                           int64_t version, std::string_view bytes, std::string_view lineage);

// The number after the highest version in models/<name>; 1 where there is none.
int64_t NextVersion(const std::string& models, const std::string& name);

// Who made a model, from what, and how good it is: the text of variant.json. `unix_micros` is when.
std::string LineageJson(const TrainingSpec& spec, const TrainingData& data, const TrainedModel& model,
                        int64_t unix_micros);

}  // namespace espalier

#endif  // ESPALIER_MODELS_TRAINING_PUBLISHED_VERSION_H_
