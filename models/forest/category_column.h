// The categories of one feature as XGBoost's files hold them (learner, gradient_booster, model, cats, enc).
#ifndef ESPALIER_MODELS_FOREST_CATEGORY_COLUMN_H_
#define ESPALIER_MODELS_FOREST_CATEGORY_COLUMN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace espalier {

// Texts are signed bytes, one behind the other, and offsets of n + 1 boundaries. Numbers have no offsets. A
// feature without categories has neither.
struct CategoryColumn {
  std::vector<int32_t> offsets;
  std::vector<int32_t> values;

  void Clear();
};

// The names by code, numbers as decimal digits. INVALID_ARGUMENT for offsets that do not ascend from 0 to the
// end of the values, values that are no bytes, and names that are there twice.
absl::StatusOr<std::vector<std::string>> ToCategoryNames(const CategoryColumn& column);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_CATEGORY_COLUMN_H_
