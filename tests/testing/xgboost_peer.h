// XGBoost itself, as the truth that predictions are compared with: trains and predicts through its C API.
//
//   const LabelledRows data = ...;
//   XgboostPeer peer = XgboostPeer::Train(data, {{"objective", "binary:logistic"}}, 10);
//   peer.Predict(data.rows, {.type = XgboostPeer::kMargin});
//
// One thread, fixed seed. Anything that XGBoost refuses ends the test: here it is a bug of the test.
#ifndef ESPALIER_TESTS_TESTING_XGBOOST_PEER_H_
#define ESPALIER_TESTS_TESTING_XGBOOST_PEER_H_

#include <xgboost/c_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier {

// rows * columns float32, row-major, NaN where missing.
struct FloatMatrix {
  size_t rows = 0;
  size_t columns = 0;
  std::vector<float> values;
};

struct LabelledRows {
  FloatMatrix rows;
  // One a row, or one a row and target.
  FloatMatrix labels;
  // Empty, or "q" and "c" (categorical), one a column.
  std::vector<std::string> feature_types;
  // Sizes of the groups of a ranking objective; empty otherwise.
  std::vector<uint32_t> groups;
};

using XgboostParameters = std::vector<std::pair<std::string, std::string>>;

class XgboostPeer {
 public:
  // XGBoost's numbers of prediction types.
  enum Type { kValue = 0, kMargin = 1, kContributions = 2, kInteractions = 4, kLeaf = 6 };

  struct Request {
    Type type = kValue;
    int begin = 0;
    int end = 0;
    // Empty, or one a row and output.
    std::vector<float> base_margin = {};
  };

  static XgboostPeer Train(const LabelledRows& data, const XgboostParameters& parameters, int rounds);
  // Nothing for a file that this XGBoost cannot read: it fails on some that older ones pruned.
  static std::optional<XgboostPeer> Load(std::string_view bytes);

  // The model file, "json" or "ubj".
  std::string Save(std::string_view format = "json") const;

  // Through a DMatrix, which refuses infinities.
  std::vector<float> Predict(const FloatMatrix& rows, const Request& request) const;
  std::vector<float> Predict(const FloatMatrix& rows, Type type = kValue) const {
    return Predict(rows, Request{.type = type, .base_margin = {}});
  }
  // Through XGBoost's in-place prediction, which takes infinities; values and margins only.
  std::vector<float> PredictInPlace(const FloatMatrix& rows, Type type) const;

  BoosterHandle handle() const { return handle_.get(); }

 private:
  struct Free {
    void operator()(BoosterHandle handle) const { XGBoosterFree(handle); }
  };

  explicit XgboostPeer(BoosterHandle handle) : handle_(handle) {}

  std::unique_ptr<void, Free> handle_;
};

// A DMatrix of XGBoost with its lifetime.
class XgboostMatrix {
 public:
  explicit XgboostMatrix(const FloatMatrix& rows);
  explicit XgboostMatrix(const LabelledRows& data);
  ~XgboostMatrix() { XGDMatrixFree(handle_); }
  XgboostMatrix(const XgboostMatrix&) = delete;
  XgboostMatrix& operator=(const XgboostMatrix&) = delete;

  void SetBaseMargin(const std::vector<float>& margin);
  DMatrixHandle handle() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

// Standard normal values, a share of them missing. The same bits for the same seed everywhere.
FloatMatrix RandomRows(uint64_t seed, size_t rows, size_t columns, double missing);

// One label a row: a rough function of the first columns with noise, about normal.
FloatMatrix RandomLabels(uint64_t seed, const FloatMatrix& rows);

// Ends the program with XGBoost's message unless `code` is 0.
void CheckXgboost(int code);

// The JSON by which XGBoost's C API takes a dense float32 array.
std::string ArrayInterface(const FloatMatrix& matrix);

}  // namespace espalier

#endif  // ESPALIER_TESTS_TESTING_XGBOOST_PEER_H_
