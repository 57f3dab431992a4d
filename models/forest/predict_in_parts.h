// One large prediction on several threads: the rows in parts, which the threads take as they get to them.
//
// A row's prediction depends on no other row, so that the bits are the same for any number of threads and any
// parts.
#ifndef ESPALIER_MODELS_FOREST_PREDICT_IN_PARTS_H_
#define ESPALIER_MODELS_FOREST_PREDICT_IN_PARTS_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "models/forest/forest.h"

namespace espalier {

// As forest.Predict(rows, options, out), on up to options.threads threads, the caller's included. What is too
// small to be worth another thread stays on the caller's, as does all of it where no thread can be had.
// RESOURCE_EXHAUSTED when a part finds no memory.
absl::Status PredictInParts(const Forest& forest, const Rows& rows, const PredictOptions& options,
                            std::span<float> out);
absl::Status PredictInParts(const Forest& forest, const Rows& rows, const PredictOptions& options,
                            std::span<double> out);
absl::Status PredictInParts(const Forest& forest, const Rows& rows, const PredictOptions& options,
                            std::span<int32_t> out);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_PREDICT_IN_PARTS_H_
