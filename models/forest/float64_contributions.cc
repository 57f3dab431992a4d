#include "models/forest/float64_contributions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

namespace espalier {
namespace {

using Node = Float64Trees::Node;

// One feature on the path from the root: the share of the training rows that flow along the path when the
// feature is unknown, whether the row itself does, and the weight of the subsets of that many features.
struct Step {
  uint32_t feature = 0;
  double zero = 0;
  double one = 0;
  double weight = 0;
};

// Feature of the step that every path starts with.
constexpr uint32_t kNoFeature = 0xffffffffu;

// Puts a step behind the path, whose last one is then path[last].
void Extend(Step* path, int last, double zero, double one, uint32_t feature) {
  path[last] = {feature, zero, one, last == 0 ? 1.0 : 0.0};
  const double size = last + 1;
  for (int i = last - 1; i >= 0; --i) {
    path[i + 1].weight += one * path[i].weight * (i + 1) / size;
    path[i].weight = zero * path[i].weight * (last - i) / size;
  }
}

// Takes step `index` out, as if it had never been there.
void Unwind(Step* path, int last, int index) {
  const double one = path[index].one;
  const double zero = path[index].zero;
  const double size = last + 1;
  double next = path[last].weight;
  for (int i = last - 1; i >= 0; --i) {
    if (one != 0) {
      const double weight = path[i].weight;
      path[i].weight = next * size / ((i + 1) * one);
      next = weight - path[i].weight * zero * (last - i) / size;
    } else {
      path[i].weight = zero == 0 ? 0 : path[i].weight * size / (zero * (last - i));
    }
  }
  for (int i = index; i < last; ++i) {
    path[i].feature = path[i + 1].feature;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
}

// The sum of the weights that Unwind would leave.
double UnwoundSum(const Step* path, int last, int index) {
  const double one = path[index].one;
  const double zero = path[index].zero;
  const double size = last + 1;
  double next = path[last].weight;
  double sum = 0;
  for (int i = last - 1; i >= 0; --i) {
    if (one != 0) {
      const double weight = next * size / ((i + 1) * one);
      sum += weight;
      next = path[i].weight - weight * zero * ((last - i) / size);
    } else if (zero != 0) {
      sum += path[i].weight / zero / ((last - i) / size);
    }
  }
  return sum;
}

class Explainer {
 public:
  // `out` is [num_outputs][columns].
  Explainer(const Float64Trees& trees, size_t columns) : trees_(trees), columns_(columns) {
    const size_t longest = size_t{trees.max_depth} + 2;
    path_.resize(longest * (longest + 1) / 2);
  }

  // Adds what the tree gives on average over its training rows to each output's last column.
  void AddAverage(uint32_t tree, double* out) {
    first_ = out + (trees_.leaf_width == 1 ? trees_.outputs[tree] * columns_ : 0);
    VisitAverage(trees_.roots[tree], 1);
  }

  void Explain(uint32_t tree, const uint32_t* slots, double* out) {
    first_ = out + (trees_.leaf_width == 1 ? trees_.outputs[tree] * columns_ : 0);
    slots_ = slots;
    Visit(trees_.roots[tree], path_.data(), 0, 1, 1, kNoFeature);
  }

 private:
  void VisitAverage(uint32_t index, double share) {
    const Node& node = trees_.nodes[index];
    if (node.IsLeaf()) {
      for (uint32_t k = 0; k < trees_.leaf_width; ++k) {
        first_[k * columns_ + columns_ - 1] += share * trees_.leaves[node.key + k];
      }
      return;
    }
    const uint32_t left = index + node.right - 1;
    VisitAverage(left, share * trees_.SharesOf(left)[0]);
    VisitAverage(left + 1, share * trees_.SharesOf(left)[1]);
  }

  // `parent` is the path up to the node, of `last` steps; its own is a copy behind it.
  void Visit(uint32_t index, Step* parent, int last, double zero, double one, uint32_t feature) {
    Step* const path = parent + last;
    if (last > 0) std::copy(parent, parent + last, path);
    Extend(path, last, zero, one, feature);
    const Node& node = trees_.nodes[index];
    if (node.IsLeaf()) {
      AddLeaf(path, last, node);
      return;
    }
    const uint32_t asked = trees_.row.FeatureOf(node.slot);
    double known_zero = 1;
    double known_one = 1;
    // A feature that the path knows already is taken out, and put back with both shares.
    for (int i = 1; i <= last; ++i) {
      if (path[i].feature != asked) continue;
      known_zero = path[i].zero;
      known_one = path[i].one;
      Unwind(path, last, i);
      --last;
      break;
    }
    const uint32_t left = index + node.right - 1;
    const std::array<double, 2>& shares = trees_.SharesOf(left);
    const uint32_t taken = trees_.GoesLeft(node, slots_) ? 0 : 1;
    Visit(left + taken, path, last + 1, shares[taken] * known_zero, known_one, asked);
    Visit(left + 1 - taken, path, last + 1, shares[1 - taken] * known_zero, 0, asked);
  }

  void AddLeaf(const Step* path, int last, const Node& leaf) {
    for (int i = 1; i <= last; ++i) {
      const double weight = UnwoundSum(path, last, i) * (path[i].one - path[i].zero);
      for (uint32_t k = 0; k < trees_.leaf_width; ++k) {
        first_[k * columns_ + path[i].feature] += weight * trees_.leaves[leaf.key + k];
      }
    }
  }

  const Float64Trees& trees_;
  const size_t columns_;
  // Paths of all lengths up to the longest, one behind the other.
  std::vector<Step> path_;
  // Contributions to the first output that the tree adds to.
  double* first_ = nullptr;
  const uint32_t* slots_ = nullptr;
};

}  // namespace

void ComputeFloat64Contributions(const Float64Trees& trees, const Rows& rows, TreeRange range,
                                 uint32_t num_features, std::span<const double> starts, double* out) {
  const size_t columns = size_t{num_features} + 1;
  const size_t width = trees.num_outputs * columns;
  Explainer explainer(trees, columns);
  std::vector<double> averages(width, 0.0);
  for (uint32_t tree = range.begin; tree < range.end; ++tree) explainer.AddAverage(tree, averages.data());
  std::vector<uint32_t> slots(trees.row.num_slots());
  for (size_t i = 0; i < rows.count; ++i) {
    double* const row = out + i * width;
    std::copy(averages.begin(), averages.end(), row);
    for (uint32_t k = 0; k < trees.num_outputs; ++k) {
      const size_t start = starts.size() == trees.num_outputs ? k : i * trees.num_outputs + k;
      row[k * columns + num_features] += starts[start];
    }
    trees.row.Prepare(rows.data + i * rows.stride, slots.data());
    for (uint32_t tree = range.begin; tree < range.end; ++tree) {
      explainer.Explain(tree, slots.data(), row);
    }
  }
}

}  // namespace espalier
