// Random models as XGBoost 1.7 would write them in JSON, so that XGBoost itself can say what they predict.
#ifndef ESPALIER_TESTS_MODELS_FOREST_RANDOM_MODEL_H_
#define ESPALIER_TESTS_MODELS_FOREST_RANDOM_MODEL_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace espalier {

struct RandomModelShape {
  uint32_t features = 8;
  // The last so many features are categorical.
  uint32_t categorical_features = 0;
  uint32_t categories = 40;
  uint32_t classes = 1;
  uint32_t parallel_trees = 1;
  uint32_t iterations = 10;
  uint32_t max_depth = 6;
  // Every inner node has a leaf: paths of exactly max_depth.
  bool chains = false;
  bool dart = false;
};

// Thresholds and values come from one small grid, multiples of 1/4, so that they often meet.
float GridValue(std::mt19937_64& random);

std::string RandomModelJson(std::mt19937_64& random, const RandomModelShape& shape);

// Rows of grid values, codes of categories (and some that no model knows), -0, denormals and missing values.
std::vector<float> RandomModelRows(std::mt19937_64& random, const RandomModelShape& shape, size_t rows);

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_RANDOM_MODEL_H_
