#include "models/forest/background_contributions.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "models/base/strings.h"
#include "models/forest/trees_by_output.h"

namespace espalier {
namespace {

using Question = ContributionTrees::Question;
using Tree = ContributionTrees::Tree;

// Rows that are explained together: a tree's answers for the background are made once for all of them.
constexpr size_t kChunkRows = 256;

// Prepared rows, one behind the other.
class PreparedRows {
 public:
  PreparedRows(const RowLayout& layout, const Rows& rows)
      : count_(rows.count), num_slots_(layout.num_slots()), slots_(rows.count * num_slots_) {
    for (size_t i = 0; i < rows.count; ++i) {
      layout.Prepare(rows.data + i * rows.stride, slots_.data() + i * num_slots_);
    }
  }

  size_t count() const { return count_; }
  const uint32_t* Row(size_t i) const { return slots_.data() + i * num_slots_; }

 private:
  size_t count_;
  size_t num_slots_;
  std::vector<uint32_t> slots_;
};

// weights[known * size + unknown]: known! unknown! / (known + unknown + 1)!, the share of the orders of
// features in which one comes right between these and those.
class OrderWeights {
 public:
  explicit OrderWeights(uint32_t features) : size_(size_t{features} + 1), weights_(size_ * size_) {
    for (size_t unknown = 0; unknown < size_; ++unknown) {
      double weight = 1.0 / static_cast<double>(unknown + 1);
      for (size_t known = 0; known < size_; ++known) {
        weights_[known * size_ + unknown] = weight;
        weight *= static_cast<double>(known + 1) / static_cast<double>(known + unknown + 2);
      }
    }
  }

  double At(uint32_t known, uint32_t unknown) const { return weights_[known * size_ + unknown]; }

 private:
  size_t size_;
  std::vector<double> weights_;
};

// Walks one tree with a row and all background rows.
class BackgroundWalk {
 public:
  BackgroundWalk(const ContributionTrees& trees, const PreparedRows& background, uint32_t path_features)
      : trees_(trees),
        background_(background),
        words_((background.count() + 63) / 64),
        orders_(path_features),
        all_(words_, ~uint64_t{0}),
        sets_((size_t{trees.max_depth()} + 1) * words_),
        follows_(trees.features().size(), kEither) {
    if (background.count() % 64 != 0) all_.back() >>= 64 - background.count() % 64;
  }

  // Returns the sum of the leaves that the background rows reach.
  double SetTree(const Tree& tree) {
    questions_ = trees_.questions(tree);
    leaves_ = trees_.leaves(tree);
    left_.assign(tree.num_questions * words_, 0);
    double sum = 0;
    for (size_t row = 0; row < background_.count(); ++row) {
      const uint32_t* slots = background_.Row(row);
      for (uint32_t i = 0; i < tree.num_questions; ++i) {
        left_[i * words_ + row / 64] |= uint64_t{trees_.GoesLeft(questions_[i], slots)} << (row % 64);
      }
      sum += LeafOf(tree, row);
    }
    return sum;
  }

  // Adds what the tree's features do to a prepared row, summed over the background.
  void Explain(const uint32_t* slots, double* sums) {
    slots_ = slots;
    sums_ = sums;
    Visit(0, all_.data(), 0);
  }

 private:
  // Whose answers the path follows about a feature: any so far, for both gave the same; or one's alone.
  enum Follows : uint8_t { kEither, kRow, kBackground };

  // Over the leaves below and the background rows that reach them: the leaf times the share of orders in
  // which one of the features that follow the row (or the background) decides.
  struct Moved {
    double to_row = 0;
    double to_background = 0;
    Moved& operator+=(const Moved& other) {
      to_row += other.to_row;
      to_background += other.to_background;
      return *this;
    }
  };

  double LeafOf(const Tree& tree, size_t row) const {
    int32_t node = tree.num_questions == 0 ? ~0 : 0;
    while (node >= 0) {
      const bool left = left_[static_cast<size_t>(node) * words_ + row / 64] >> (row % 64) & 1;
      node = left ? questions_[node].left : questions_[node].right;
    }
    return leaves_[~node];
  }

  Moved Visit(int32_t node, const uint64_t* set, uint32_t depth) {
    if (node < 0) return AtLeaf(leaves_[~node], set);
    const Question& question = questions_[node];
    const bool left = trees_.GoesLeft(question, slots_);
    switch (follows_[question.place]) {
      case kRow:
        return Visit(left ? question.left : question.right, set, depth + 1);
      case kBackground:
        return Split(node, set, depth);
      default:
        return Decide(node, left, set, depth);
    }
  }

  Moved AtLeaf(double leaf, const uint64_t* set) const {
    int count = 0;
    for (size_t i = 0; i < words_; ++i) count += std::popcount(set[i]);
    const double weight = leaf * count;
    Moved moved;
    if (of_row_ > 0) moved.to_row = weight * orders_.At(of_row_ - 1, of_background_);
    if (of_background_ > 0) moved.to_background = weight * orders_.At(of_row_, of_background_ - 1);
    return moved;
  }

  // The rows of a set that go to one side at a question; null when there are none.
  const uint64_t* Side(int32_t node, bool left, const uint64_t* set, uint32_t depth) {
    const uint64_t* answers = left_.data() + static_cast<size_t>(node) * words_;
    uint64_t* part = sets_.data() + depth * words_;
    const uint64_t flip = left ? 0 : ~uint64_t{0};
    uint64_t any = 0;
    for (size_t i = 0; i < words_; ++i) any |= part[i] = set[i] & (answers[i] ^ flip);
    return any == 0 ? nullptr : part;
  }

  // The feature follows the background: everybody goes its own way.
  Moved Split(int32_t node, const uint64_t* set, uint32_t depth) {
    Moved moved;
    for (const bool left : {true, false}) {
      const uint64_t* part = Side(node, left, set, depth);
      const int32_t child = left ? questions_[node].left : questions_[node].right;
      if (part != nullptr) moved += Visit(child, part, depth + 1);
    }
    return moved;
  }

  // Rows that go another way than the explained one make the feature matter: the path goes both ways.
  Moved Decide(int32_t node, bool left, const uint64_t* set, uint32_t depth) {
    const Question& question = questions_[node];
    const int32_t way_of_row = left ? question.left : question.right;
    const int32_t other_way = left ? question.right : question.left;
    Moved moved;
    if (const uint64_t* same = Side(node, left, set, depth)) moved = Visit(way_of_row, same, depth + 1);
    const uint64_t* others = Side(node, !left, set, depth);
    if (others == nullptr) return moved;
    follows_[question.place] = kRow;
    ++of_row_;
    const Moved with_row = Visit(way_of_row, others, depth + 1);
    --of_row_;
    follows_[question.place] = kBackground;
    ++of_background_;
    const Moved with_background = Visit(other_way, others, depth + 1);
    --of_background_;
    follows_[question.place] = kEither;
    sums_[question.place] += with_row.to_row - with_background.to_background;
    moved += with_row;
    moved += with_background;
    return moved;
  }

  const ContributionTrees& trees_;
  const PreparedRows& background_;
  const size_t words_;
  const OrderWeights orders_;
  std::vector<uint64_t> all_;
  // One set a depth.
  std::vector<uint64_t> sets_;
  // By place, and how many features there are of the two kinds.
  std::vector<Follows> follows_;
  uint32_t of_row_ = 0;
  uint32_t of_background_ = 0;
  // left_[question * words_]: the background rows that go left.
  std::vector<uint64_t> left_;
  const Question* questions_ = nullptr;
  const double* leaves_ = nullptr;
  const uint32_t* slots_ = nullptr;
  double* sums_ = nullptr;
};

uint32_t MostPathFeatures(const ContributionTrees& trees, TreeRange range) {
  uint32_t most = 0;
  for (uint32_t i = range.begin; i < range.end; ++i) most = std::max(most, trees.tree(i).path_features);
  return most;
}

}  // namespace

absl::Status CheckBackground(const Rows& background, uint32_t num_features) {
  if (background.count == 0) return InvalidArgument("the background has no rows");
  const size_t most = std::max<size_t>(1, kMaxBackgroundValues / std::max<size_t>(num_features, 1));
  if (background.count <= most) return absl::OkStatus();
  return InvalidArgument("the background has ", background.count, " rows, at most ", most,
                         " are taken of a model with ", num_features, " features: a sample will do");
}

void ComputeBackgroundContributions(const ContributionTrees& trees, const Rows& rows, const Rows& background,
                                    TreeRange range, uint32_t num_features, uint32_t num_outputs,
                                    std::span<const float> starts, float* out) {
  const TreesByOutput by_output(trees, range, num_outputs);
  const PreparedRows prepared_background(trees.layout(), background);
  BackgroundWalk walk(trees, prepared_background, MostPathFeatures(trees, range));
  const size_t columns = size_t{num_features} + 1;
  const std::vector<uint32_t>& features = trees.features();
  const auto background_count = static_cast<double>(background.count);
  std::vector<double> sums;
  for (size_t first = 0; first < rows.count; first += kChunkRows) {
    const size_t count = std::min(kChunkRows, rows.count - first);
    const PreparedRows prepared(trees.layout(), {rows.data + first * rows.stride, count, rows.stride});
    for (uint32_t output = 0; output < num_outputs; ++output) {
      sums.assign(count * features.size(), 0.0);
      double leaves = 0;
      for (const uint32_t tree : by_output.Of(output)) {
        leaves += walk.SetTree(trees.tree(tree));
        if (trees.tree(tree).num_questions == 0) continue;
        for (size_t i = 0; i < count; ++i) walk.Explain(prepared.Row(i), sums.data() + i * features.size());
      }
      for (size_t i = 0; i < count; ++i) {
        const size_t index = (first + i) * num_outputs + output;
        float* const contributions = out + index * columns;
        std::fill_n(contributions, columns, 0.0f);
        for (size_t place = 0; place < features.size(); ++place) {
          const double mean = sums[i * features.size() + place] / background_count;
          contributions[features[place]] = static_cast<float>(mean);
        }
        const float start = starts[starts.size() == num_outputs ? output : index];
        contributions[num_features] = static_cast<float>(leaves / background_count + start);
      }
    }
  }
}

}  // namespace espalier
