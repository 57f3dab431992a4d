// First predictions of a version, before it takes traffic and off the request threads.
#ifndef ESPALIER_MODELS_REPOSITORY_WARM_UP_H_
#define ESPALIER_MODELS_REPOSITORY_WARM_UP_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "models/forest/forest.h"

namespace espalier {

// `times` predictions of `rows` rows: of zeros, or of random values in [0, 1) from a fixed seed.
struct WarmUpSample {
  size_t rows = 1;
  uint32_t times = 1;
  bool random = false;
};

// Predicts one row, a block of rows and `samples`, so that the model's memory is touched and a model that
// cannot predict is found out. The error of the first prediction that fails.
absl::Status WarmUp(const Forest& forest, OutputKind kind, std::span<const WarmUpSample> samples);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_WARM_UP_H_
