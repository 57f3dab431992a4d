// XGBoost's C API as types of ours: handles are freed with their owner, and return codes are Status values
// whose message is XGBoost's reason without its stack trace. Private to models/training.
#ifndef ESPALIER_MODELS_TRAINING_XGBOOST_BOOSTER_H_
#define ESPALIER_MODELS_TRAINING_XGBOOST_BOOSTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/training/train.h"
#include "models/training/training_data.h"

namespace espalier {

// Rows in XGBoost's own layout. Not thread-safe.
class XgboostMatrix {
 public:
  // `names` and `categorical` describe the columns of `rows`.
  static absl::StatusOr<XgboostMatrix> Create(const LabelledRows& rows, const std::vector<std::string>& names,
                                              const std::vector<bool>& categorical, int threads);

  void* handle() const { return handle_.get(); }

 private:
  struct Free {
    void operator()(void* handle) const;
  };
  explicit XgboostMatrix(void* handle) : handle_(handle) {}

  std::unique_ptr<void, Free> handle_;
};

// A model in training. Not thread-safe.
class XgboostBooster {
 public:
  // `matrices` outlive the booster.
  static absl::StatusOr<XgboostBooster> Create(const std::vector<const XgboostMatrix*>& matrices);

  absl::Status SetParam(const std::string& name, const std::string& value);
  absl::Status SetAttribute(const std::string& name, const std::string& value);

  // What the saved model calls its features; a matrix does not tell.
  absl::Status NameFeatures(const std::vector<std::string>& names, const std::vector<bool>& categorical);

  // Adds the trees of one round.
  absl::Status Update(int round, const XgboostMatrix& matrix);

  // The metrics of `matrices`, named "<name>-<metric>".
  absl::StatusOr<RoundMetrics> Evaluate(int round, const std::vector<const XgboostMatrix*>& matrices,
                                        const std::vector<std::string>& names);

  // The first `rounds` rounds.
  absl::StatusOr<XgboostBooster> Slice(int rounds) const;

  // Predictions for each row of `matrix`, as XGBoost's predict gives them.
  absl::StatusOr<std::vector<float>> Predict(const XgboostMatrix& matrix) const;

  // The model as UBJSON.
  absl::StatusOr<std::string> Save() const;

 private:
  struct Free {
    void operator()(void* handle) const;
  };
  explicit XgboostBooster(void* handle) : handle_(handle) {}

  std::unique_ptr<void, Free> handle_;
};

// "1.7.4".
std::string XgboostVersion();

// Collects what XGBoost would print on this thread while it lives. XGBoost reports unknown parameters as a
// warning only; TakeUnknownParams makes them an error. At most one lives on a thread.
class XgboostLog {
 public:
  XgboostLog();
  ~XgboostLog();
  XgboostLog(const XgboostLog&) = delete;
  XgboostLog& operator=(const XgboostLog&) = delete;

  // INVALID_ARGUMENT if XGBoost complained about a parameter since the last call.
  absl::Status TakeUnknownParams();
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_TRAINING_XGBOOST_BOOSTER_H_
