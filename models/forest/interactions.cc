#include "models/forest/interactions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "models/forest/trees_by_output.h"

namespace espalier {
namespace {

using Question = ContributionTrees::Question;
// One value a quadrature point.
using Points = std::array<double, kPointsAtOnce>;

double Sum(const Points& points) { return (points[0] + points[1]) + (points[2] + points[3]); }

// Walks trees with one row, and sums up what pairs of features add.
class InteractionWalk {
 public:
  explicit InteractionWalk(const ContributionTrees& trees)
      : trees_(trees),
        places_(trees.features().size()),
        own_(places_),
        pairs_(places_ * places_),
        position_(places_, kAbsent) {}

  void Start(const uint32_t* slots) {
    slots_ = slots;
    std::fill(own_.begin(), own_.end(), 0.0);
    std::fill(pairs_.begin(), pairs_.end(), 0.0);
  }

  void Add(const ContributionTrees::Tree& tree) {
    questions_ = trees_.questions(tree);
    leaves_ = trees_.leaves(tree);
    for (const QuadraturePoints& points : trees_.PointsOf(tree)) {
      points_ = &points;
      Points weights;
      std::copy_n(points.weights, kPointsAtOnce, weights.begin());
      Visit(0, weights);
    }
  }

  // Writes the features' part of a square with `columns` columns.
  void Write(size_t columns, float* out) const {
    const std::vector<uint32_t>& features = trees_.features();
    for (size_t i = 0; i < places_; ++i) {
      double rest = own_[i];
      for (size_t j = 0; j < places_; ++j) {
        // Half of the index; it is in the one or the other place, or a part in both.
        const double value = (pairs_[i * places_ + j] + pairs_[j * places_ + i]) / 2;
        if (i == j) continue;
        rest -= value;
        out[features[i] * columns + features[j]] = static_cast<float>(value);
      }
      out[features[i] * columns + features[i]] = static_cast<float>(rest);
    }
  }

 private:
  static constexpr uint32_t kAbsent = 0xffffffffu;

  // A feature that the path has asked: whether the row passes all its questions (1 or 0), and the derivative
  // of the weight with which the path is reached by the feature's probability, as a part of that weight.
  struct Asked {
    uint32_t place = 0;
    double passes = 1;
    Points slope = {};
  };

  Asked AskedBy(const Question& question, double passes, double share) const {
    Asked asked = {.place = question.place, .passes = passes};
    for (uint32_t i = 0; i < kPointsAtOnce; ++i) {
      const double t = points_->points[i];
      // Where the row does not pass, (0 - share) / (share * (1 - t)), without the case of share 0.
      asked.slope[i] = passes != 0 ? (1 - share) / (t + share * (1 - t)) : -1 / (1 - t);
    }
    return asked;
  }

  Points VisitChild(int32_t child, const Points& reach) {
    if (child >= 0) return Visit(child, reach);
    Points expected;
    expected.fill(leaves_[~child]);
    return expected;
  }

  // Returns the leaf that is expected below a question which is reached with the weight `reach`.
  Points Visit(int32_t index, const Points& reach) {
    const Question& question = questions_[index];
    const bool first = position_[question.place] == kAbsent;
    if (first) {
      position_[question.place] = static_cast<uint32_t>(path_.size());
      path_.push_back({.place = question.place});
    }
    const uint32_t position = position_[question.place];
    const Asked before = path_[position];
    const double left = trees_.GoesLeft(question, slots_) ? 1.0 : 0.0;
    const double move = (left - question.share) * before.passes;
    double rates[2 * kPointsAtOnce];
    FindRates(question.earlier_share, *points_, rates);
    Points go_left;
    Points to_left;
    Points to_right;
    for (uint32_t i = 0; i < kPointsAtOnce; ++i) {
      go_left[i] = question.share + rates[i] * move;
      to_left[i] = reach[i] * go_left[i];
      to_right[i] = reach[i] - to_left[i];
    }
    path_[position] = AskedBy(question, left * before.passes, question.earlier_share * question.share);
    const Points on_left = VisitChild(question.left, to_left);
    path_[position] =
        AskedBy(question, (1 - left) * before.passes, question.earlier_share * (1 - question.share));
    const Points on_right = VisitChild(question.right, to_right);
    path_[position] = before;
    Points expected;
    Points terms;
    for (uint32_t i = 0; i < kPointsAtOnce; ++i) {
      const double difference = on_left[i] - on_right[i];
      expected[i] = on_right[i] + go_left[i] * difference;
      terms[i] = move * rates[kPointsAtOnce + i] * reach[i] * difference;
    }
    if (move != 0) AddTerms(question.place, terms);
    if (first) {
      path_.pop_back();
      position_[question.place] = kAbsent;
    }
    return expected;
  }

  // `terms` is what a question adds to its feature; its derivative by the other features of the path goes to
  // the pairs.
  void AddTerms(uint32_t place, const Points& terms) {
    own_[place] += Sum(terms);
    double* pairs = pairs_.data() + place * places_;
    for (const Asked& asked : path_) {
      if (asked.place == place) continue;
      Points product;
      for (uint32_t i = 0; i < kPointsAtOnce; ++i) product[i] = terms[i] * asked.slope[i];
      pairs[asked.place] += Sum(product);
    }
  }

  const ContributionTrees& trees_;
  const size_t places_;
  // By place; and by the place of the lower question of a pair, then of the upper one.
  std::vector<double> own_;
  std::vector<double> pairs_;
  // Distinct features, in the order in which the path asks them first, and where each is.
  std::vector<Asked> path_;
  std::vector<uint32_t> position_;
  const uint32_t* slots_ = nullptr;
  const Question* questions_ = nullptr;
  const double* leaves_ = nullptr;
  const QuadraturePoints* points_ = nullptr;
};

}  // namespace

void ComputeInteractions(const ContributionTrees& trees, const Rows& rows, TreeRange range,
                         uint32_t num_features, uint32_t num_outputs, std::span<const float> starts,
                         float* out) {
  const TreesByOutput by_output(trees, range, num_outputs);
  const size_t columns = size_t{num_features} + 1;
  InteractionWalk walk(trees);
  std::vector<uint32_t> slots(trees.layout().num_slots());
  for (size_t row = 0; row < rows.count; ++row) {
    trees.layout().Prepare(rows.data + row * rows.stride, slots.data());
    for (uint32_t output = 0; output < num_outputs; ++output) {
      walk.Start(slots.data());
      for (const uint32_t tree : by_output.Of(output)) {
        if (trees.tree(tree).num_questions != 0) walk.Add(trees.tree(tree));
      }
      const size_t index = row * num_outputs + output;
      float* const square = out + index * columns * columns;
      std::fill_n(square, columns * columns, 0.0f);
      walk.Write(columns, square);
      const float start = starts[starts.size() == num_outputs ? output : index];
      square[columns * columns - 1] = static_cast<float>(by_output.AverageOf(output) + start);
    }
  }
}

}  // namespace espalier
