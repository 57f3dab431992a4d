#include "models/forest/contributions.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace espalier {
namespace {

// One feature on the path from the root. `zero` is the share of the cover that flows along the path when the
// feature is unknown, `one` is 1 where the row itself takes the path; `weight` is the share of the feature
// subsets of a given size (the entry's index) that lead down the path.
struct PathEntry {
  uint32_t feature = 0;
  double zero = 0;
  double one = 0;
  double weight = 0;
};

// Feature of the entry that every path starts with.
constexpr uint32_t kNoFeature = 0xffffffffu;

// Lengthens the path of `length` entries by one.
void Extend(PathEntry* path, uint32_t length, double zero, double one, uint32_t feature) {
  path[length] = {feature, zero, one, length == 0 ? 1.0 : 0.0};
  const double size = length + 1;
  for (uint32_t i = length; i-- > 0;) {
    path[i + 1].weight += one * path[i].weight * (i + 1) / size;
    path[i].weight = zero * path[i].weight * (length - i) / size;
  }
}

// Takes entry `index` out of a path of `length` entries, as if it had never been put there.
void Unwind(PathEntry* path, uint32_t length, uint32_t index) {
  const double zero = path[index].zero;
  const double one = path[index].one;
  double next = path[length - 1].weight;
  for (uint32_t i = length - 1; i-- > 0;) {
    if (one != 0) {
      const double weight = path[i].weight;
      path[i].weight = next * length / ((i + 1) * one);
      next = weight - path[i].weight * zero * (length - 1 - i) / length;
    } else {
      path[i].weight = zero == 0 ? 0 : path[i].weight * length / (zero * (length - 1 - i));
    }
  }
  for (uint32_t i = index; i + 1 < length; ++i) {
    path[i].feature = path[i + 1].feature;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
}

// The sum of the weights that Unwind would leave.
double UnwoundSum(const PathEntry* path, uint32_t length, uint32_t index) {
  const double zero = path[index].zero;
  const double one = path[index].one;
  double next = path[length - 1].weight;
  double sum = 0;
  for (uint32_t i = length - 1; i-- > 0;) {
    if (one != 0) {
      const double weight = next * length / ((i + 1) * one);
      sum += weight;
      next = path[i].weight - weight * zero * (length - 1 - i) / length;
    } else if (zero != 0) {
      sum += path[i].weight * length / (zero * (length - 1 - i));
    }
  }
  return sum;
}

template <typename Node>
class TreeExplainer {
 public:
  explicit TreeExplainer(const NodeTable<Node>& table) : table_(table) {
    const size_t longest = table.max_depth + 2;
    paths_.resize(longest * (longest + 1) / 2);
  }

  // The margin that the tree adds on average over its training rows.
  double Average(uint32_t node) const {
    const Node& here = table_.nodes[node];
    if (IsLeaf(here)) return LeafWeight(here);
    const uint32_t left = node + here.right() - 1;
    const double share = table_.LeftShare(left);
    return share * Average(left) + (1 - share) * Average(left + 1);
  }

  // Adds the contributions of one tree for a prepared row.
  void Explain(uint32_t root, const uint32_t* slots, double* contributions) {
    slots_ = slots;
    contributions_ = contributions;
    Visit(root, paths_.data(), 0, 1, 1, kNoFeature);
  }

 private:
  // `path` has `length` entries and room for what follows; the visited node lies `zero`, `one` beyond them.
  void Visit(uint32_t node, PathEntry* path, uint32_t length, double zero, double one, uint32_t feature) {
    Extend(path, length, zero, one, feature);
    ++length;
    const Node& here = table_.nodes[node];
    if (IsLeaf(here)) {
      AddLeaf(path, length, LeafWeight(here));
      return;
    }
    const uint32_t left = node + here.right() - 1;
    const uint32_t asked = table_.layout.FeatureOf(here.slot());
    double known_zero = 1;
    double known_one = 1;
    // A feature that the path knows already is taken out, and put back with both shares.
    for (uint32_t i = 1; i < length; ++i) {
      if (path[i].feature != asked) continue;
      known_zero = path[i].zero;
      known_one = path[i].one;
      Unwind(path, length, i);
      --length;
      break;
    }
    const bool goes_left = table_.GoesLeft(here, slots_);
    const double share = table_.LeftShare(left);
    // Each child extends a copy, behind this path.
    PathEntry* copy = path + length;
    std::copy(path, path + length, copy);
    Visit(left, copy, length, known_zero * share, goes_left ? known_one : 0, asked);
    std::copy(path, path + length, copy);
    Visit(left + 1, copy, length, known_zero * (1 - share), goes_left ? 0 : known_one, asked);
  }

  void AddLeaf(const PathEntry* path, uint32_t length, double weight) {
    for (uint32_t i = 1; i < length; ++i) {
      contributions_[path[i].feature] += UnwoundSum(path, length, i) * (path[i].one - path[i].zero) * weight;
    }
  }

  const NodeTable<Node>& table_;
  // Paths of all lengths up to the longest, one behind the other.
  std::vector<PathEntry> paths_;
  const uint32_t* slots_ = nullptr;
  double* contributions_ = nullptr;
};

template <typename Node>
void Compute(const NodeTable<Node>& table, const Rows& rows, TreeRange trees, uint32_t num_features,
             uint32_t num_outputs, std::span<const float> starts, float* out) {
  TreeExplainer<Node> explainer(table);
  const size_t columns = size_t{num_features} + 1;
  std::vector<double> averages(num_outputs, 0.0);
  for (uint32_t tree = trees.begin; tree < trees.end; ++tree) {
    averages[table.outputs[tree]] += explainer.Average(table.roots[tree]);
  }
  std::vector<uint32_t> slots(table.layout.num_slots());
  std::vector<double> row(columns * num_outputs);
  for (size_t i = 0; i < rows.count; ++i) {
    table.layout.Prepare(rows.data + i * rows.stride, slots.data());
    std::fill(row.begin(), row.end(), 0.0);
    for (uint32_t tree = trees.begin; tree < trees.end; ++tree) {
      explainer.Explain(table.roots[tree], slots.data(), row.data() + table.outputs[tree] * columns);
    }
    for (uint32_t k = 0; k < num_outputs; ++k) {
      const size_t start = starts.size() == num_outputs ? k : i * num_outputs + k;
      row[k * columns + num_features] = averages[k] + starts[start];
    }
    std::transform(row.begin(), row.end(), out + i * row.size(),
                   [](double value) { return static_cast<float>(value); });
  }
}

}  // namespace

void ComputeContributions(const AnyNodeTable& table, const Rows& rows, TreeRange trees, uint32_t num_features,
                          uint32_t num_outputs, std::span<const float> starts, float* out) {
  std::visit([&](const auto& nodes) { Compute(nodes, rows, trees, num_features, num_outputs, starts, out); },
             table);
}

}  // namespace espalier
