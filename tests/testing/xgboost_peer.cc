#include "tests/testing/xgboost_peer.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::string PredictConfig(const XgboostPeer::Request& request) {
  return R"({"type":)" + std::to_string(request.type) + R"(,"training":false,"iteration_begin":)" +
         std::to_string(request.begin) + R"(,"iteration_end":)" + std::to_string(request.end) +
         R"(,"strict_shape":false,"cache_id":0,"missing":NaN})";
}

std::vector<float> Copy(const float* values, const bst_ulong* shape, bst_ulong dimensions) {
  size_t size = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) size *= shape[i];
  return std::vector<float>(values, values + size);
}

// The standard library's distributions differ between implementations; this does not (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  double Uniform() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

  // The sum of twelve uniforms.
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

 private:
  uint64_t state_;
};

}  // namespace

FloatMatrix RandomRows(uint64_t seed, size_t rows, size_t columns, double missing) {
  Random random(seed);
  FloatMatrix matrix{rows, columns, std::vector<float>(rows * columns)};
  for (float& value : matrix.values) {
    const float normal = static_cast<float>(random.Normal());
    value = random.Uniform() < missing ? kNaN : normal;
  }
  return matrix;
}

FloatMatrix RandomLabels(uint64_t seed, const FloatMatrix& rows) {
  Random random(seed);
  FloatMatrix labels{rows.rows, 1, {}};
  for (size_t i = 0; i < rows.rows; ++i) {
    double label = 0.5 * random.Normal();
    for (size_t j = 0; j < rows.columns; ++j) {
      const double x = rows.values[i * rows.columns + j];
      const double next = rows.values[i * rows.columns + (j + 1) % rows.columns];
      if (!std::isnan(x)) label += x / (j + 1) + (next > 0.3 ? 0.4 * x : 0.1) / (j + 2);
    }
    labels.values.push_back(static_cast<float>(label));
  }
  return labels;
}

void CheckXgboost(int code) {
  if (code == 0) return;
  std::fprintf(stderr, "XGBoost: %s\n", XGBGetLastError());
  std::abort();
}

std::string ArrayInterface(const FloatMatrix& matrix) {
  return R"({"data":[)" + std::to_string(reinterpret_cast<uintptr_t>(matrix.values.data())) +
         R"(,true],"shape":[)" + std::to_string(matrix.rows) + "," + std::to_string(matrix.columns) +
         R"(],"typestr":"<f4","version":3})";
}

XgboostMatrix::XgboostMatrix(const FloatMatrix& rows) {
  CheckXgboost(XGDMatrixCreateFromMat(rows.values.data(), rows.rows, rows.columns, kNaN, &handle_));
}

XgboostMatrix::XgboostMatrix(const LabelledRows& data) : XgboostMatrix(data.rows) {
  CheckXgboost(XGDMatrixSetInfoFromInterface(handle_, "label", ArrayInterface(data.labels).c_str()));
  if (!data.feature_types.empty()) {
    std::vector<const char*> types;
    for (const std::string& type : data.feature_types) types.push_back(type.c_str());
    CheckXgboost(XGDMatrixSetStrFeatureInfo(handle_, "feature_type", types.data(), types.size()));
  }
  if (!data.groups.empty()) {
    CheckXgboost(XGDMatrixSetUIntInfo(handle_, "group", data.groups.data(), data.groups.size()));
  }
}

void XgboostMatrix::SetBaseMargin(const std::vector<float>& margin) {
  CheckXgboost(XGDMatrixSetFloatInfo(handle_, "base_margin", margin.data(), margin.size()));
}

XgboostPeer XgboostPeer::Train(const LabelledRows& data, const XgboostParameters& parameters, int rounds) {
  XgboostMatrix matrix(data);
  const auto value = [&](const std::string& name) {
    for (const auto& [key, text] : parameters) {
      if (key == name) return text;
    }
    return std::string();
  };
  if (value("objective") == "survival:aft") {
    for (const char* bound : {"label_lower_bound", "label_upper_bound"}) {
      CheckXgboost(XGDMatrixSetFloatInfo(matrix.handle(), bound, data.labels.values.data(),
                                         data.labels.values.size()));
    }
  }
  BoosterHandle booster = nullptr;
  DMatrixHandle handle = matrix.handle();
  CheckXgboost(XGBoosterCreate(&handle, 1, &booster));
  XgboostPeer peer(booster);
  for (const auto& [key, text] : XgboostParameters{{"nthread", "1"}, {"seed", "7"}, {"verbosity", "0"}}) {
    CheckXgboost(XGBoosterSetParam(booster, key.c_str(), text.c_str()));
  }
  for (const auto& [key, text] : parameters) {
    CheckXgboost(XGBoosterSetParam(booster, key.c_str(), text.c_str()));
  }
  for (int i = 0; i < rounds; ++i) CheckXgboost(XGBoosterUpdateOneIter(booster, i, handle));
  return peer;
}

std::optional<XgboostPeer> XgboostPeer::Load(std::string_view bytes) {
  BoosterHandle booster = nullptr;
  CheckXgboost(XGBoosterCreate(nullptr, 0, &booster));
  XgboostPeer peer(booster);
  CheckXgboost(XGBoosterSetParam(booster, "nthread", "1"));
  CheckXgboost(XGBoosterSetParam(booster, "verbosity", "0"));
  if (XGBoosterLoadModelFromBuffer(booster, bytes.data(), bytes.size()) != 0) return std::nullopt;
  return peer;
}

std::string XgboostPeer::Save(std::string_view format) const {
  const std::string config = R"({"format":")" + std::string(format) + R"("})";
  bst_ulong size = 0;
  const char* bytes = nullptr;
  CheckXgboost(XGBoosterSaveModelToBuffer(handle(), config.c_str(), &size, &bytes));
  return std::string(bytes, size);
}

std::vector<float> XgboostPeer::Predict(const FloatMatrix& rows, const Request& request) const {
  XgboostMatrix matrix(rows);
  if (!request.base_margin.empty()) matrix.SetBaseMargin(request.base_margin);
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  CheckXgboost(XGBoosterPredictFromDMatrix(handle(), matrix.handle(), PredictConfig(request).c_str(), &shape,
                                           &dimensions, &values));
  return Copy(values, shape, dimensions);
}

std::vector<float> XgboostPeer::PredictInPlace(const FloatMatrix& rows, Type type) const {
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  const std::string config = PredictConfig(Request{.type = type, .base_margin = {}});
  CheckXgboost(XGBoosterPredictFromDense(handle(), ArrayInterface(rows).c_str(), config.c_str(), nullptr,
                                         &shape, &dimensions, &values));
  return Copy(values, shape, dimensions);
}

}  // namespace espalier
