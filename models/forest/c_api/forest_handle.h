// What a handle of the C interface points at.
#ifndef ESPALIER_MODELS_FOREST_C_API_FOREST_HANDLE_H_
#define ESPALIER_MODELS_FOREST_C_API_FOREST_HANDLE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "espalier/forest.h"
#include "models/forest/forest.h"

namespace espalier {

// A forest, and what it says as a string_view, ended by a zero. Immutable once it is shared.
struct DescribedForest {
  DescribedForest() = default;
  explicit DescribedForest(std::shared_ptr<const Forest> compiled)
      : forest(std::move(compiled)),
        objective(forest->objective()),
        format(forest->format()),
        version(forest->version()),
        kernel(forest->kernel()) {}

  std::shared_ptr<const Forest> forest;
  std::string objective;
  std::string format;
  std::string version;
  std::string kernel;
  // Of a version that comes from a watched directory.
  int64_t model_version = 0;
  std::string sha256;
};

}  // namespace espalier

// Handles share what they point at.
struct espalier_forest {
  std::shared_ptr<const espalier::DescribedForest> described;

  const espalier::Forest& forest() const { return *described->forest; }
};

#endif  // ESPALIER_MODELS_FOREST_C_API_FOREST_HANDLE_H_
