// The models in golden/ that XGBoost itself wrote, and what it predicted (golden/make_golden.py).
#ifndef ESPALIER_TESTS_MODELS_FOREST_GOLDEN_MODELS_H_
#define ESPALIER_TESTS_MODELS_FOREST_GOLDEN_MODELS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace espalier {

struct GoldenModel {
  std::string version;  // "3.2.0"
  std::string name;     // "binary_logistic"
  // Paths of the same model: .json, .ubj (from XGBoost 1.6 on, not for all) and .model (the old binary
  // format, of some versions).
  std::vector<std::string> files;
  // The reader must refuse it; then there are no predictions.
  bool refused = false;
  bool linear() const { return name.starts_with("gblinear"); }
  uint32_t value_width = 0;
  uint32_t outputs = 0;
  uint32_t trees = 0;
  std::optional<uint32_t> best_iteration;
};

// [rows][width], of all trees of the model.
struct GoldenPredictions {
  std::vector<float> value;
  std::vector<float> margin;
  std::vector<int32_t> leaf;
};

inline constexpr size_t kGoldenFeatures = 8;

// All of them, by version and in the order of the script.
std::vector<GoldenModel> GoldenModels();

// One of them; aborts when there is none.
GoldenModel FindGoldenModel(const std::string& version, const std::string& name);

// [rows][kGoldenFeatures]; NaN is missing.
std::vector<float> GoldenRows();

GoldenPredictions ReadGoldenPredictions(const GoldenModel& model);

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_GOLDEN_MODELS_H_
