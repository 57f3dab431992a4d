// The trees of a range, those that add to the same output together, in the order in which they are added.
#ifndef ESPALIER_MODELS_FOREST_TREES_BY_OUTPUT_H_
#define ESPALIER_MODELS_FOREST_TREES_BY_OUTPUT_H_

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "models/forest/contribution_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

class TreesByOutput {
 public:
  TreesByOutput(const ContributionTrees& trees, TreeRange range, uint32_t num_outputs)
      : order_(range.end - range.begin), ends_(num_outputs), averages_(num_outputs) {
    std::iota(order_.begin(), order_.end(), range.begin);
    for (const uint32_t i : order_) {
      ++ends_[trees.tree(i).output];
      averages_[trees.tree(i).output] += trees.tree(i).average;
    }
    std::partial_sum(ends_.begin(), ends_.end(), ends_.begin());
    std::stable_sort(order_.begin(), order_.end(),
                     [&](uint32_t a, uint32_t b) { return trees.tree(a).output < trees.tree(b).output; });
  }

  std::span<const uint32_t> all() const { return order_; }
  std::span<const uint32_t> Of(uint32_t output) const {
    const uint32_t begin = output == 0 ? 0 : ends_[output - 1];
    return {order_.data() + begin, ends_[output] - begin};
  }
  // What the trees of an output add on average over their training rows.
  double AverageOf(uint32_t output) const { return averages_[output]; }

 private:
  std::vector<uint32_t> order_;
  // Of each output, in order_.
  std::vector<uint32_t> ends_;
  std::vector<double> averages_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_TREES_BY_OUTPUT_H_
