// The categories of a model that was trained on a data frame: which code stands for "red".
//
// Since 3.1 XGBoost keeps them in the model and recodes every data frame by them; splits are on codes.
// Numbers that a caller sends are codes, texts are names.
#ifndef ESPALIER_MODELS_FOREST_CATEGORY_NAMES_H_
#define ESPALIER_MODELS_FOREST_CATEGORY_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// Immutable and thread-safe.
class CategoryNames {
 public:
  // No feature has names.
  CategoryNames() = default;
  // names[feature][code]: distinct within a feature. Features without names have an empty list; trailing ones
  // may be left out.
  explicit CategoryNames(std::vector<std::vector<std::string>> names);

  bool Has(uint32_t feature) const { return feature < features_.size() && !features_[feature].names.empty(); }

  // By code; empty when the feature has none.
  const std::vector<std::string>& Names(uint32_t feature) const;

  // The code of a name; nothing for one that the model was not trained on.
  std::optional<uint32_t> Code(uint32_t feature, std::string_view name) const;

  // The code as the model's input: NaN (missing) for an empty text that is no category, nothing as above.
  std::optional<float> Value(uint32_t feature, std::string_view name) const;

  size_t MemoryBytes() const;

 private:
  struct Feature {
    std::vector<std::string> names;
    // Codes in the order of their names.
    std::vector<uint32_t> sorted;
  };

  std::vector<Feature> features_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_CATEGORY_NAMES_H_
