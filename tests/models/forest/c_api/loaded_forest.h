// Handles of the C interface with a lifetime, for the tests of it.
#ifndef ESPALIER_TESTS_MODELS_FOREST_C_API_LOADED_FOREST_H_
#define ESPALIER_TESTS_MODELS_FOREST_C_API_LOADED_FOREST_H_

#include <memory>
#include <string>
#include <vector>

#include "espalier/forest.h"
#include "gtest/gtest.h"

namespace espalier {

struct FreeForest {
  void operator()(espalier_forest* forest) const { espalier_forest_free(forest); }
};
using LoadedForest = std::unique_ptr<espalier_forest, FreeForest>;

inline LoadedForest LoadForest(const std::string& path) {
  espalier_forest* forest = nullptr;
  EXPECT_EQ(espalier_forest_load(path.c_str(), &forest), ESPALIER_OK) << espalier_forest_error();
  return LoadedForest(forest);
}

inline LoadedForest LoadForestBytes(const std::string& bytes) {
  espalier_forest* forest = nullptr;
  EXPECT_EQ(espalier_forest_load_memory(bytes.data(), bytes.size(), &forest), ESPALIER_OK)
      << espalier_forest_error();
  return LoadedForest(forest);
}

inline espalier_rows DenseRows(const std::vector<float>& values, size_t columns) {
  return {.struct_size = sizeof(espalier_rows),
          .values = values.data(),
          .num_rows = values.size() / columns,
          .num_columns = columns};
}

inline espalier_rows DenseRows(const std::vector<double>& values, size_t columns) {
  return {.struct_size = sizeof(espalier_rows),
          .type = ESPALIER_FLOAT64,
          .values = values.data(),
          .num_rows = values.size() / columns,
          .num_columns = columns};
}

inline espalier_predict_options OptionsOf(int32_t kind) {
  return {.struct_size = sizeof(espalier_predict_options), .kind = kind};
}

inline size_t WidthOf(const LoadedForest& forest, const espalier_predict_options& options) {
  size_t width = 0;
  EXPECT_EQ(espalier_forest_output_width(forest.get(), &options, &width), ESPALIER_OK)
      << espalier_forest_error();
  return width;
}

inline std::vector<float> PredictFloats(const LoadedForest& forest, const espalier_rows& rows,
                                        const espalier_predict_options& options = OptionsOf(ESPALIER_VALUE)) {
  std::vector<float> out(rows.num_rows * WidthOf(forest, options));
  EXPECT_EQ(espalier_forest_predict(forest.get(), &rows, &options, out.data(), out.size()), ESPALIER_OK)
      << espalier_forest_error();
  return out;
}

inline std::vector<int32_t> PredictIntegers(const LoadedForest& forest, const espalier_rows& rows,
                                            const espalier_predict_options& options) {
  std::vector<int32_t> out(rows.num_rows * WidthOf(forest, options));
  EXPECT_EQ(espalier_forest_predict_int32(forest.get(), &rows, &options, out.data(), out.size()), ESPALIER_OK)
      << espalier_forest_error();
  return out;
}

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_C_API_LOADED_FOREST_H_
