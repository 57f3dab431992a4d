#include "models/forest/linear_kernel.h"

#include <cmath>
#include <cstring>
#include <utility>

namespace espalier {
namespace {

float ValueOf(const Rows& rows, size_t row, size_t feature) {
  float value = 0;
  std::memcpy(&value, rows.data + row * rows.stride + feature * sizeof(float), sizeof(float));
  return value;
}

}  // namespace

LinearKernel::LinearKernel(std::vector<float> weights, uint32_t num_features, uint32_t num_outputs)
    : weights_(std::move(weights)), num_features_(num_features), num_outputs_(num_outputs) {}

size_t LinearKernel::MemoryBytes() const { return sizeof(*this) + weights_.capacity() * sizeof(float); }

void LinearKernel::AddMargins(const Rows& rows, TreeRange /*trees*/, float* margins) const {
  const float* const biases = weights_.data() + size_t{num_features_} * num_outputs_;
  for (size_t row = 0; row < rows.count; ++row) {
    float* const sums = margins + row * num_outputs_;
    for (uint32_t k = 0; k < num_outputs_; ++k) sums[k] += biases[k];
    for (size_t feature = 0; feature < num_features_; ++feature) {
      const float value = ValueOf(rows, row, feature);
      if (std::isnan(value)) continue;
      const float* const weights = weights_.data() + feature * num_outputs_;
      for (uint32_t k = 0; k < num_outputs_; ++k) sums[k] += value * weights[k];
    }
  }
}

void LinearKernel::Contribute(const Rows& rows, std::span<const float> starts, float* out) const {
  const float* const biases = weights_.data() + size_t{num_features_} * num_outputs_;
  for (size_t row = 0; row < rows.count; ++row) {
    for (uint32_t k = 0; k < num_outputs_; ++k) {
      for (size_t feature = 0; feature < num_features_; ++feature) {
        const float value = ValueOf(rows, row, feature);
        *out++ = std::isnan(value) ? 0.0f : value * weights_[feature * num_outputs_ + k];
      }
      *out++ = biases[k] + starts[starts.size() == num_outputs_ ? k : row * num_outputs_ + k];
    }
  }
}

}  // namespace espalier
