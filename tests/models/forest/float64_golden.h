// The models in golden_lightgbm/ and golden_sklearn/, and what LightGBM and scikit-learn predicted (the
// make_golden.py beside them).
#ifndef ESPALIER_TESTS_MODELS_FOREST_FLOAT64_GOLDEN_H_
#define ESPALIER_TESTS_MODELS_FOREST_FLOAT64_GOLDEN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

struct Float64Golden {
  std::string library;  // "lightgbm" or "sklearn"
  std::string version;  // "4.7.0"
  std::string name;     // "binary"
  std::string file;
  uint32_t value_width = 0;  // 0: the reader must refuse it
  uint32_t outputs = 0;
  uint32_t trees = 0;
  bool refused() const { return value_width == 0; }
  std::string Label() const { return library + " " + version + " " + name; }
};

// Everything [rows][..]; what a library has not is empty.
struct Float64Predictions {
  std::vector<double> value;
  std::vector<double> margin;
  std::vector<int32_t> leaf;
  std::vector<double> contributions;
  // Of iterations [1, 3).
  std::vector<double> part;
  std::vector<int32_t> classes;
};

inline constexpr size_t kFloat64GoldenFeatures = 8;

// All models of a library, by version.
std::vector<Float64Golden> Float64Goldens(const std::string& library);

// One of them; aborts when there is none.
Float64Golden FindFloat64Golden(const std::string& library, const std::string& version,
                                const std::string& name);

// [rows][kFloat64GoldenFeatures].
std::vector<float> Float64GoldenRows(const std::string& library);

Float64Predictions ReadFloat64Predictions(const Float64Golden& model);

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_FLOAT64_GOLDEN_H_
