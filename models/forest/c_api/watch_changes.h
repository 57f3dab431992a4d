// What is different between two catalogs, for those who follow a directory.
#ifndef ESPALIER_MODELS_FOREST_C_API_WATCH_CHANGES_H_
#define ESPALIER_MODELS_FOREST_C_API_WATCH_CHANGES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "models/repository/model_catalog.h"

namespace espalier {

struct WatchChange {
  // ESPALIER_WATCH_LOADED, UNLOADED or LABEL.
  int32_t kind = 0;
  std::string model;
  int64_t version = 0;
  std::string text;

  friend bool operator==(const WatchChange&, const WatchChange&) = default;
};

// By models and versions, ascending; of a model what was loaded, then what was unloaded, then labels. Pure.
std::vector<WatchChange> ChangesBetween(const ModelCatalog& before, const ModelCatalog& after);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_C_API_WATCH_CHANGES_H_
