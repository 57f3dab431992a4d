// The forest for C++17 applications: espalier/forest.h with lifetimes, and with values instead of codes.
//
//   auto forest = espalier::embedded::Forest::Load("model.ubj");
//   if (!forest.ok()) return Report(forest.status().message());
//   auto scores = forest->Predict({values.data(), num_rows, forest->num_features()});
//   if (scores.ok()) Use(*scores);              // scores->at(row * forest->OutputWidth() + i)
//
// Header only: what the library exports is the C interface, so the compiler, the standard library and the
// Abseil of an application need not be those of espalier. Nothing here throws but std::bad_alloc. A Forest is
// immutable, cheap to copy (copies share it) and safe to use from any number of threads.
#ifndef ESPALIER_FOREST_HPP_
#define ESPALIER_FOREST_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "espalier/forest.h"
#include "espalier/status.hpp"

namespace espalier::embedded {

// Rows that are the caller's: see espalier_rows for what the fields of the C struct mean.
class Rows {
 public:
  Rows(const float* values, size_t num_rows, size_t num_columns, size_t row_stride = 0)
      : Rows(ESPALIER_FLOAT32, values, num_rows, num_columns, row_stride) {}
  Rows(const double* values, size_t num_rows, size_t num_columns, size_t row_stride = 0)
      : Rows(ESPALIER_FLOAT64, values, num_rows, num_columns, row_stride) {}

  // Sparse rows: what is absent is missing. There are offsets[num_rows] values and columns.
  static Rows Csr(const uint64_t* offsets, const uint32_t* columns, const float* values, size_t num_rows,
                  size_t num_columns) {
    return Rows(ESPALIER_FLOAT32, values, num_rows, num_columns, 0).Sparse(offsets, columns);
  }
  static Rows Csr(const uint64_t* offsets, const uint32_t* columns, const double* values, size_t num_rows,
                  size_t num_columns) {
    return Rows(ESPALIER_FLOAT64, values, num_rows, num_columns, 0).Sparse(offsets, columns);
  }

  const espalier_rows& c() const { return rows_; }

 private:
  Rows(int32_t type, const void* values, size_t num_rows, size_t num_columns, size_t row_stride) {
    rows_.struct_size = sizeof(rows_);
    rows_.type = type;
    rows_.values = values;
    rows_.num_rows = num_rows;
    rows_.num_columns = num_columns;
    rows_.row_stride = row_stride;
  }

  Rows Sparse(const uint64_t* offsets, const uint32_t* columns) && {
    rows_.layout = ESPALIER_CSR;
    rows_.row_offsets = offsets;
    rows_.columns = columns;
    rows_.num_values = offsets == nullptr ? 0 : static_cast<size_t>(offsets[rows_.num_rows]);
    return *this;
  }

  espalier_rows rows_ = {};
};

struct Options {
  // ESPALIER_VALUE, ESPALIER_MARGIN, ESPALIER_CONTRIBUTIONS, ESPALIER_INTERACTIONS; ESPALIER_CLASS,
  // ESPALIER_LEAF.
  int32_t kind = ESPALIER_VALUE;
  // Boosting iterations, half open; end 0: to the last.
  uint32_t iteration_begin = 0;
  uint32_t iteration_end = 0;
  // Empty, or a margin for each row and output to start from.
  std::vector<float> base_margin = {};
  // How many threads may work on many rows (dense, float32), the caller's included.
  uint32_t threads = 1;
  // Of contributions: rows from which a feature that is not known has its value. The rows are the caller's.
  std::optional<Rows> background = std::nullopt;
};

class Forest {
 public:
  static Result<Forest> Load(const std::string& path) {
    espalier_forest* forest = nullptr;
    const espalier_status code = espalier_forest_load(path.c_str(), &forest);
    return Take(code, forest);
  }
  static Result<Forest> LoadMemory(const void* bytes, size_t size) {
    espalier_forest* forest = nullptr;
    const espalier_status code = espalier_forest_load_memory(bytes, size, &forest);
    return Take(code, forest);
  }

  // Takes over a handle that some other function of the library returned with `code`.
  static Result<Forest> Adopt(espalier_status code, espalier_forest* forest) { return Take(code, forest); }

  const espalier_forest_info& info() const { return info_; }
  uint32_t num_features() const { return info_.num_features; }
  uint32_t num_outputs() const { return info_.num_outputs; }

  // Empty if the model has none.
  std::vector<std::string> FeatureNames() const {
    std::vector<std::string> names;
    const char* name = nullptr;
    for (uint32_t i = 0; info_.has_feature_names != 0 && i < info_.num_features; ++i) {
      if (espalier_forest_feature_name(forest_.get(), i, &name) == ESPALIER_OK) names.emplace_back(name);
    }
    return names;
  }

  // The categories of a feature by code; empty if the model has no names for them.
  std::vector<std::string> CategoryNames(uint32_t feature) const {
    std::vector<std::string> names;
    uint32_t count = 0;
    if (espalier_forest_num_categories(forest_.get(), feature, &count) != ESPALIER_OK) return names;
    const char* name = nullptr;
    for (uint32_t code = 0; code < count; ++code) {
      if (espalier_forest_category_name(forest_.get(), feature, code, &name) == ESPALIER_OK)
        names.emplace_back(name);
    }
    return names;
  }

  // Elements a row.
  Result<size_t> OutputWidth(const Options& options = {}) const {
    size_t width = 0;
    const espalier_predict_options c = ToC(options);
    const Status status = StatusOf(espalier_forest_output_width(forest_.get(), &c, &width));
    if (!status.ok()) return status;
    return width;
  }

  // Into the caller's `out`, which has room for `size` elements; does not allocate once a thread is warm.
  Status Predict(const Rows& rows, const Options& options, float* out, size_t size) const {
    const espalier_predict_options c = ToC(options);
    return StatusOf(espalier_forest_predict(forest_.get(), &rows.c(), &c, out, size));
  }
  Status Predict(const Rows& rows, const Options& options, int32_t* out, size_t size) const {
    const espalier_predict_options c = ToC(options);
    return StatusOf(espalier_forest_predict_int32(forest_.get(), &rows.c(), &c, out, size));
  }

  // Values, margins, contributions or interactions: OutputWidth() elements a row.
  Result<std::vector<float>> Predict(const Rows& rows, const Options& options = {}) const {
    return PredictVector<float>(rows, options);
  }
  // Classes or leaves.
  Result<std::vector<int32_t>> PredictIntegers(const Rows& rows, const Options& options) const {
    return PredictVector<int32_t>(rows, options);
  }

  // For what the C interface has beyond this class; lives as long as the last copy of this forest.
  const espalier_forest* c() const { return forest_.get(); }

 private:
  static Status StatusOf(espalier_status code) { return Status::Of(code, espalier_forest_error()); }

  explicit Forest(espalier_forest* forest) : forest_(forest, espalier_forest_free) {
    info_.struct_size = sizeof(info_);
  }

  static Result<Forest> Take(espalier_status code, espalier_forest* loaded) {
    if (code != ESPALIER_OK) return StatusOf(code);
    Forest forest(loaded);
    const Status status = StatusOf(espalier_forest_describe(loaded, &forest.info_));
    if (!status.ok()) return status;
    return forest;
  }

  static espalier_predict_options ToC(const Options& options) {
    espalier_predict_options c = {};
    c.struct_size = sizeof(c);
    c.kind = options.kind;
    c.iteration_begin = options.iteration_begin;
    c.iteration_end = options.iteration_end;
    c.threads = options.threads;
    c.base_margin = options.base_margin.empty() ? nullptr : options.base_margin.data();
    c.base_margin_size = options.base_margin.size();
    c.background = options.background.has_value() ? &options.background->c() : nullptr;
    return c;
  }

  template <typename T>
  Result<std::vector<T>> PredictVector(const Rows& rows, const Options& options) const {
    const Result<size_t> width = OutputWidth(options);
    if (!width.ok()) return width.status();
    std::vector<T> out;
    // Rows that could not lie in memory are refused below, before anything is written.
    if (rows.c().num_rows <= out.max_size() / (*width + 1)) out.resize(rows.c().num_rows * *width);
    const Status status = Predict(rows, options, out.data(), out.size());
    if (!status.ok()) return status;
    return out;
  }

  std::shared_ptr<espalier_forest> forest_;
  espalier_forest_info info_ = {};
};

}  // namespace espalier::embedded

#endif  // ESPALIER_FOREST_HPP_
