// A linear model (XGBoost's booster gblinear) behind the seam of the tree kernels: the margin is the start
// plus the bias plus one product a feature, in float32 and in the order of the features, as XGBoost adds
// them.
#ifndef ESPALIER_MODELS_FOREST_LINEAR_KERNEL_H_
#define ESPALIER_MODELS_FOREST_LINEAR_KERNEL_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "models/forest/kernel.h"

namespace espalier {

class LinearKernel final : public Kernel {
 public:
  // `weights` is [num_features + 1][num_outputs], the biases last.
  LinearKernel(std::vector<float> weights, uint32_t num_features, uint32_t num_outputs);

  std::string_view Name() const override { return "linear"; }
  // There are no trees: `trees` is not looked at. A missing value adds nothing.
  void AddMargins(const Rows& rows, TreeRange trees, float* margins) const override;
  size_t MemoryBytes() const override;

  // out[(row * num_outputs + output) * (num_features + 1) + i]: weight times value of feature i, 0 for a
  // missing one; the last is the bias and the start. `starts` is as ComputeContributions() has it.
  void Contribute(const Rows& rows, std::span<const float> starts, float* out) const;

 private:
  std::vector<float> weights_;
  uint32_t num_features_;
  uint32_t num_outputs_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_LINEAR_KERNEL_H_
