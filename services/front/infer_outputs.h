// The outputs of one request: which were asked for, and their elements.
//
// Not thread-safe; one a request thread, whose buffers are reused.
#ifndef ESPALIER_SERVICES_FRONT_INFER_OUTPUTS_H_
#define ESPALIER_SERVICES_FRONT_INFER_OUTPUTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "models/repository/model_catalog.h"
#include "services/front/infer_request.h"
#include "services/front/row_matrix.h"

namespace espalier {

// One tensor of the reply: float32 or int32, row-major.
struct OutputTensor {
  std::string_view name;
  OutputKind kind = OutputKind::kValue;
  bool is_int = false;
  std::array<int64_t, 3> dims = {};
  uint32_t dims_count = 0;
  std::vector<float> floats;
  std::vector<int32_t> ints;

  std::string_view datatype() const { return is_int ? "INT32" : "FP32"; }
  std::span<const int64_t> shape() const { return std::span(dims).first(dims_count); }
  std::span<const std::byte> bytes() const {
    return is_int ? std::as_bytes(std::span(ints)) : std::as_bytes(std::span(floats));
  }
};

class InferOutputs {
 public:
  // `threads` may work on one request of many rows.
  explicit InferOutputs(uint32_t threads = 1) : threads_(threads) {}

  // Predicts what `request` asks of `version` over `matrix`. INVALID_ARGUMENT for an unknown output or
  // parameter `iterations`; RESOURCE_EXHAUSTED when the reply would exceed `max_bytes`.
  absl::Status Compute(const InferRequest& request, const LoadedModel& version, const RowMatrix& matrix,
                       uint64_t max_bytes);

  // Makes values() good even if the request asked for other outputs only. RESOURCE_EXHAUSTED when they would
  // exceed `max_bytes`.
  absl::Status EnsureValues(const InferRequest& request, const LoadedModel& version, const RowMatrix& matrix,
                            uint64_t max_bytes);

  // Gives back what a large request made grow.
  void Trim();

  std::span<const OutputTensor> tensors() const { return std::span(tensors_).first(count_); }

  // The scores of the rows as the model's objective gives them, whatever form the reply has.
  std::span<const float> values() const { return values_; }

 private:
  absl::Status Select(const InferRequest& request, const LoadedModel& version);
  absl::Status CheckSize(const LoadedModel& version, uint64_t rows, IterationRange range,
                         uint64_t max_bytes) const;
  absl::Status Fill(const LoadedModel& version, const Rows& rows, const PredictOptions& options,
                    OutputTensor& tensor);
  absl::Status FillClass(const LoadedModel& version, const Rows& rows, const PredictOptions& options,
                         OutputTensor& tensor);
  OutputTensor& Add(std::string_view name, OutputKind kind);

  const uint32_t threads_;
  // Tensors beyond count_ keep their buffers for later requests.
  std::vector<OutputTensor> tensors_;
  size_t count_ = 0;
  std::vector<float> values_;
  bool has_values_ = false;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_FRONT_INFER_OUTPUTS_H_
