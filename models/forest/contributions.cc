#include "models/forest/contributions.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "models/forest/trees_by_output.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/forest/contributions.cc"
#include "hwy/aligned_allocator.h"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

#ifndef ESPALIER_MODELS_FOREST_CONTRIBUTIONS_ONCE_
#define ESPALIER_MODELS_FOREST_CONTRIBUTIONS_ONCE_
namespace espalier {

// Rows of a block, a multiple of every vector's lanes.
inline constexpr size_t kBlockRows = 32;

// What FindRates gives for a question.
using QuestionRates = double[2 * kPointsAtOnce];

// What is computed of a block of rows, or of one row.
struct ContributionJob {
  const ContributionTrees* trees;
  // Of one output, in the order in which they are added.
  std::span<const uint32_t> order;
  // sums[place * rows + row], zero at first; rows is kBlockRows for a block and 1 for one row.
  double* sums;
  // Of a block: keys[slot * kBlockRows + row], the slots of prepared rows. Of a row: its slots.
  const double* keys;
  const uint32_t* slots;
  // Of a block: rows in use.
  size_t count;
  // Of a block: room for max_depth + 2 frames.
  double* frames;
  // Of a block: room for the rates of a tree's questions.
  QuestionRates* rates;
};

// Doubles of a frame of a block.
inline constexpr size_t kFrameSize = (3 * kPointsAtOnce + 3) * kBlockRows;

}  // namespace espalier
#endif  // ESPALIER_MODELS_FOREST_CONTRIBUTIONS_ONCE_

HWY_BEFORE_NAMESPACE();
namespace espalier {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Question = ContributionTrees::Question;

// In both walks the order of all operations is the same, without fused ones: a row gets the same bits in any
// lane, in either walk and on any processor.

// Walks a tree with the rows of a block in lanes. What a question's visit keeps is in the frame of its depth.
template <uint32_t kPoints>
class BlockWalk {
 public:
  using D = hn::CappedTag<double, 8>;
  using V = hn::Vec<D>;

  BlockWalk(const ContributionJob& job, const ContributionTrees::Tree& tree, const QuadraturePoints& points)
      : job_(job),
        trees_(*job.trees),
        questions_(trees_.questions(tree)),
        leaves_(trees_.leaves(tree)),
        points_(points),
        rows_((job.count + hn::Lanes(D()) - 1) / hn::Lanes(D()) * hn::Lanes(D())) {
    for (uint32_t i = 0; i < tree.num_questions; ++i) {
      if (questions_[i].earlier == ContributionTrees::kFirst) continue;
      FindRates(questions_[i].earlier_share, points, job.rates[i]);
    }
  }

  void Run() {
    double* reach = Frame(0) + kReach;
    for (uint32_t point = 0; point < kPoints; ++point) {
      std::fill_n(reach + point * kBlockRows, rows_, points_.weights[point]);
    }
    Visit(0, 0, Frame(0) + kLeft);
  }

 private:
  // Parts of a frame: for each point and row the weight with which the question is reached and the expected
  // leaves of both children; for each row how knowing the feature moves it to the left, whether it passes
  // this question and all earlier ones about the feature (1 or 0), and the answers to a categorical question.
  static constexpr size_t kReach = 0;
  static constexpr size_t kLeft = kPoints * kBlockRows;
  static constexpr size_t kRight = size_t{2} * kPoints * kBlockRows;
  static constexpr size_t kMove = size_t{3} * kPoints * kBlockRows;
  static constexpr size_t kPasses = kMove + kBlockRows;
  static constexpr size_t kAnswers = kPasses + kBlockRows;

  double* Frame(uint32_t depth) const { return job_.frames + depth * kFrameSize; }

  // Sets expected[point * kBlockRows + row] to the leaf that is expected below a question; may be kLeft or
  // kRight of the frame above.
  void Visit(int32_t index, uint32_t depth, double* expected) {
    const Question& question = questions_[index];
    const bool again = question.earlier != ContributionTrees::kFirst;
    if (question.left < 0 && question.right < 0) {
      return again ? VisitLeaves<true>(question, Rates(index, again), Frame(depth), expected)
                   : VisitLeaves<false>(question, Rates(index, again), Frame(depth), expected);
    }
    return again ? VisitChildren<true>(index, depth, expected) : VisitChildren<false>(index, depth, expected);
  }

  const double* Rates(int32_t index, bool again) const { return again ? job_.rates[index] : points_.points; }

  template <bool kAgain>
  HWY_INLINE void VisitLeaves(const Question& question, const double* rates, double* frame,
                              double* expected) {
    Answer<kAgain>(question, frame);
    Combine<kAgain, true>(question, rates, frame, expected);
  }

  template <bool kAgain>
  HWY_INLINE void VisitChildren(int32_t index, uint32_t depth, double* expected) {
    const Question& question = questions_[index];
    const double* rates = Rates(index, kAgain);
    double* frame = Frame(depth);
    Answer<kAgain>(question, frame);
    if (question.left < 0) {
      FillLeaf(leaves_[~question.left], frame + kLeft);
    } else {
      Descend<true>(question, rates, frame, Frame(depth + 1) + kReach);
      Visit(question.left, depth + 1, frame + kLeft);
    }
    if (question.right < 0) {
      FillLeaf(leaves_[~question.right], frame + kRight);
    } else {
      if (question.asked_again) PassRight<kAgain>(question, frame);
      Descend<false>(question, rates, frame, Frame(depth + 1) + kReach);
      Visit(question.right, depth + 1, frame + kRight);
    }
    Combine<kAgain, false>(question, rates, frame, expected);
  }

  void FillLeaf(double leaf, double* expected) const {
    for (uint32_t point = 0; point < kPoints; ++point)
      std::fill_n(expected + point * kBlockRows, rows_, leaf);
  }

  // Fills kMove, and kPasses for the left child.
  template <bool kAgain>
  HWY_INLINE void Answer(const Question& question, double* frame) {
    const D d;
    const double* column = job_.keys + size_t{question.slot} * kBlockRows;
    double key = question.key;
    if (question.categorical) {
      for (size_t row = 0; row < rows_; ++row) {
        frame[kAnswers + row] = trees_.GoesLeft(question, static_cast<uint32_t>(column[row])) ? 0 : 1;
      }
      column = frame + kAnswers;
      key = 1;
    }
    for (size_t row = 0; row < rows_; row += hn::Lanes(d)) {
      V left = hn::IfThenElseZero(hn::Lt(hn::Load(d, column + row), hn::Set(d, key)), hn::Set(d, 1.0));
      V move = hn::Sub(left, hn::Set(d, question.share));
      if constexpr (kAgain) {
        const V passes = hn::Load(d, Frame(question.earlier) + kPasses + row);
        move = hn::Mul(move, passes);
        left = hn::Mul(left, passes);
      }
      hn::Store(move, d, frame + kMove + row);
      if (question.asked_again) hn::Store(left, d, frame + kPasses + row);
    }
  }

  // Turns kPasses from that of the left child into that of the right one.
  template <bool kAgain>
  HWY_INLINE void PassRight(const Question& question, double* frame) {
    const D d;
    for (size_t row = 0; row < rows_; row += hn::Lanes(d)) {
      const V before = kAgain ? hn::Load(d, Frame(question.earlier) + kPasses + row) : hn::Set(d, 1.0);
      hn::Store(hn::Sub(before, hn::Load(d, frame + kPasses + row)), d, frame + kPasses + row);
    }
  }

  // The probability of going left at a point.
  HWY_INLINE V GoLeft(const Question& question, double rate, V move) const {
    const D d;
    return hn::Add(hn::Set(d, question.share), hn::Mul(hn::Set(d, rate), move));
  }

  // The weight with which a child is reached.
  template <bool kToLeft>
  HWY_INLINE void Descend(const Question& question, const double* rates, const double* frame, double* next) {
    const D d;
    for (size_t row = 0; row < rows_; row += hn::Lanes(d)) {
      const V move = hn::Load(d, frame + kMove + row);
      for (uint32_t point = 0; point < kPoints; ++point) {
        const V reach = hn::Load(d, frame + kReach + point * kBlockRows + row);
        const V left = hn::Mul(reach, GoLeft(question, rates[point], move));
        hn::Store(kToLeft ? left : hn::Sub(reach, left), d, next + point * kBlockRows + row);
      }
    }
  }

  // What the question adds to its feature, and what is expected of it above.
  template <bool kAgain, bool kLeaves>
  HWY_INLINE void Combine(const Question& question, const double* rates, const double* frame,
                          double* expected) {
    const D d;
    double* sums = job_.sums + size_t{question.place} * kBlockRows;
    const V left_leaf = hn::Set(d, kLeaves ? leaves_[~question.left] : 0.0);
    const V right_leaf = hn::Set(d, kLeaves ? leaves_[~question.right] : 0.0);
    for (size_t row = 0; row < rows_; row += hn::Lanes(d)) {
      const V move = hn::Load(d, frame + kMove + row);
      V terms[kPoints];
      for (uint32_t point = 0; point < kPoints; ++point) {
        const size_t at = point * kBlockRows + row;
        const V left = kLeaves ? left_leaf : hn::Load(d, frame + kLeft + at);
        const V right = kLeaves ? right_leaf : hn::Load(d, frame + kRight + at);
        const V difference = hn::Sub(left, right);
        terms[point] = hn::Mul(hn::Load(d, frame + kReach + at), difference);
        if constexpr (kAgain) terms[point] = hn::Mul(terms[point], hn::Set(d, rates[kPointsAtOnce + point]));
        hn::Store(hn::Add(right, hn::Mul(GoLeft(question, rates[point], move), difference)), d,
                  expected + at);
      }
      V sum = terms[0];
      if constexpr (kPoints >= 2) sum = hn::Add(sum, terms[1]);
      if constexpr (kPoints == 3) sum = hn::Add(sum, terms[2]);
      if constexpr (kPoints == 4) sum = hn::Add(sum, hn::Add(terms[2], terms[3]));
      hn::Store(hn::Add(hn::Load(d, sums + row), hn::Mul(move, sum)), d, sums + row);
    }
  }

  const ContributionJob& job_;
  const ContributionTrees& trees_;
  const Question* questions_;
  const double* leaves_;
  const QuadraturePoints& points_;
  const size_t rows_;
};

// Walks a tree with one row, the points in lanes.
class RowWalk {
 public:
  using D = hn::CappedTag<double, kPointsAtOnce>;
  using V = hn::Vec<D>;
  static constexpr size_t kParts = kPointsAtOnce / hn::MaxLanes(D());
  // One value a point.
  struct Points {
    V parts[kParts];
  };

  RowWalk(const ContributionJob& job, const ContributionTrees::Tree& tree, const QuadraturePoints& points)
      : job_(job),
        trees_(*job.trees),
        questions_(trees_.questions(tree)),
        leaves_(trees_.leaves(tree)),
        points_(points),
        first_rates_(Load(points.points)) {}

  void Run() { Visit(0, 0, Load(points_.weights)); }

 private:
  static HWY_INLINE Points Load(const double* values) {
    Points points;
    for (size_t i = 0; i < kParts; ++i) points.parts[i] = hn::LoadU(D(), values + i * hn::MaxLanes(D()));
    return points;
  }
  template <class F>
  static HWY_INLINE Points Map(F f) {
    Points points;
    for (size_t i = 0; i < kParts; ++i) points.parts[i] = f(i);
    return points;
  }
  static HWY_INLINE Points All(double value) {
    return Map([&](size_t) { return hn::Set(D(), value); });
  }
  static HWY_INLINE double Sum(const Points& points) {
    alignas(64) double values[kPointsAtOnce];
    for (size_t i = 0; i < kParts; ++i) hn::Store(points.parts[i], D(), values + i * hn::MaxLanes(D()));
    return (values[0] + values[1]) + (values[2] + values[3]);
  }

  // Returns the leaf that is expected below a question which is reached with the weight `reach`.
  Points Visit(int32_t index, uint32_t depth, Points reach) {
    const Question& question = questions_[index];
    if (question.earlier == ContributionTrees::kFirst) {
      return VisitWith<false>(question, depth, 1.0, reach, first_rates_, first_rates_);
    }
    QuestionRates rates;
    FindRates(question.earlier_share, points_, rates);
    return VisitWith<true>(question, depth, job_.frames[question.earlier], reach, Load(rates),
                           Load(rates + kPointsAtOnce));
  }

  template <bool kAgain>
  HWY_INLINE Points VisitWith(const Question& question, uint32_t depth, double passes, Points reach,
                              Points rates, Points slopes) {
    const D d;
    const double left = trees_.GoesLeft(question, job_.slots) ? 1.0 : 0.0;
    const double move = kAgain ? (left - question.share) * passes : left - question.share;
    const V share = hn::Set(d, question.share);
    const V moves = hn::Set(d, move);
    const Points go_left = Map([&](size_t i) { return hn::Add(share, hn::Mul(rates.parts[i], moves)); });
    const Points to_left = Map([&](size_t i) { return hn::Mul(reach.parts[i], go_left.parts[i]); });
    // The frames of one row hold but this.
    double& below = job_.frames[depth];
    below = kAgain ? left * passes : left;
    const Points on_left =
        question.left < 0 ? All(leaves_[~question.left]) : Visit(question.left, depth + 1, to_left);
    below = (kAgain ? passes : 1.0) - (kAgain ? left * passes : left);
    const Points on_right =
        question.right < 0 ? All(leaves_[~question.right])
                           : Visit(question.right, depth + 1,
                                   Map([&](size_t i) { return hn::Sub(reach.parts[i], to_left.parts[i]); }));
    const Points difference = Map([&](size_t i) { return hn::Sub(on_left.parts[i], on_right.parts[i]); });
    Points terms = Map([&](size_t i) { return hn::Mul(reach.parts[i], difference.parts[i]); });
    if constexpr (kAgain) {
      terms = Map([&](size_t i) { return hn::Mul(terms.parts[i], slopes.parts[i]); });
    }
    job_.sums[question.place] += move * Sum(terms);
    return Map(
        [&](size_t i) { return hn::Add(on_right.parts[i], hn::Mul(go_left.parts[i], difference.parts[i])); });
  }

  const ContributionJob& job_;
  const ContributionTrees& trees_;
  const Question* questions_;
  const double* leaves_;
  const QuadraturePoints& points_;
  const Points first_rates_;
};

void ExplainBlock(const ContributionJob& job) {
  for (const uint32_t index : job.order) {
    const ContributionTrees::Tree& tree = job.trees->tree(index);
    for (const QuadraturePoints& points : job.trees->PointsOf(tree)) {
      switch (points.count) {
        case 1:
          BlockWalk<1>(job, tree, points).Run();
          break;
        case 2:
          BlockWalk<2>(job, tree, points).Run();
          break;
        case 3:
          BlockWalk<3>(job, tree, points).Run();
          break;
        default:
          BlockWalk<4>(job, tree, points).Run();
      }
    }
  }
}

void ExplainRow(const ContributionJob& job) {
  for (const uint32_t index : job.order) {
    const ContributionTrees::Tree& tree = job.trees->tree(index);
    for (const QuadraturePoints& points : job.trees->PointsOf(tree)) RowWalk(job, tree, points).Run();
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace espalier
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {
namespace {

HWY_EXPORT(ExplainBlock);
HWY_EXPORT(ExplainRow);

// So few rows are faster one by one.
constexpr size_t kFewRows = 2;

class Explainer {
 public:
  Explainer(const ContributionTrees& trees, TreeRange range, uint32_t num_features, uint32_t num_outputs,
            std::span<const float> starts, float* out)
      : trees_(trees),
        by_output_(trees, range, num_outputs),
        num_features_(num_features),
        num_outputs_(num_outputs),
        starts_(starts),
        out_(out),
        slots_(trees.layout().num_slots()) {}

  void Explain(const Rows& rows) {
    const size_t in_blocks =
        rows.count % kBlockRows <= kFewRows ? rows.count / kBlockRows * kBlockRows : rows.count;
    Allocate(in_blocks == 0 ? 1 : kBlockRows, in_blocks == 0 ? 1 : kFrameSize);
    for (size_t i = 0; i < in_blocks; i += kBlockRows) {
      ExplainBlock(rows, i, std::min(kBlockRows, in_blocks - i));
    }
    for (size_t i = in_blocks; i < rows.count; ++i) ExplainRow(rows, i);
  }

 private:
  void Allocate(size_t rows, size_t frame) {
    uint32_t most_questions = 0;
    for (const uint32_t i : by_output_.all()) {
      most_questions = std::max(most_questions, trees_.tree(i).num_questions);
    }
    sums_size_ = trees_.features().size() * rows;
    sums_ = hwy::AllocateAligned<double>(std::max<size_t>(sums_size_, 1));
    frames_ = hwy::AllocateAligned<double>((size_t{trees_.max_depth()} + 2) * frame);
    if (rows == 1) return;
    keys_ = hwy::AllocateAligned<double>(slots_.size() * rows);
    rates_ = std::make_unique<QuestionRates[]>(most_questions);
    std::fill_n(keys_.get(), slots_.size() * rows, 0.0);
  }

  void ExplainBlock(const Rows& rows, size_t first, size_t count) {
    for (size_t row = 0; row < count; ++row) {
      trees_.layout().Prepare(rows.data + (first + row) * rows.stride, slots_.data());
      for (size_t slot = 0; slot < slots_.size(); ++slot) keys_[slot * kBlockRows + row] = slots_[slot];
    }
    for (uint32_t output = 0; output < num_outputs_; ++output) {
      const ContributionJob job = StartJob(output, count);
      HWY_DYNAMIC_DISPATCH(ExplainBlock)(job);
      for (size_t row = 0; row < count; ++row) Finish(first + row, output, sums_.get() + row, kBlockRows);
    }
  }

  void ExplainRow(const Rows& rows, size_t row) {
    trees_.layout().Prepare(rows.data + row * rows.stride, slots_.data());
    for (uint32_t output = 0; output < num_outputs_; ++output) {
      const ContributionJob job = StartJob(output, 1);
      HWY_DYNAMIC_DISPATCH(ExplainRow)(job);
      Finish(row, output, sums_.get(), 1);
    }
  }

  ContributionJob StartJob(uint32_t output, size_t count) {
    std::fill_n(sums_.get(), sums_size_, 0.0);
    return {.trees = &trees_,
            .order = by_output_.Of(output),
            .sums = sums_.get(),
            .keys = keys_.get(),
            .slots = slots_.data(),
            .count = count,
            .frames = frames_.get(),
            .rates = rates_.get()};
  }

  // Writes a row's contributions to an output; the sum of the feature at place i is sums[i * step].
  void Finish(size_t row, uint32_t output, const double* sums, size_t step) const {
    const size_t columns = size_t{num_features_} + 1;
    float* out = out_ + (row * num_outputs_ + output) * columns;
    std::fill_n(out, num_features_, 0.0f);
    const std::vector<uint32_t>& features = trees_.features();
    for (size_t i = 0; i < features.size(); ++i) out[features[i]] = static_cast<float>(sums[i * step]);
    const size_t start = starts_.size() == num_outputs_ ? output : row * num_outputs_ + output;
    out[num_features_] = static_cast<float>(by_output_.AverageOf(output) + starts_[start]);
  }

  const ContributionTrees& trees_;
  const TreesByOutput by_output_;
  const uint32_t num_features_;
  const uint32_t num_outputs_;
  const std::span<const float> starts_;
  float* const out_;
  std::vector<uint32_t> slots_;
  size_t sums_size_ = 0;
  hwy::AlignedFreeUniquePtr<double[]> sums_;
  hwy::AlignedFreeUniquePtr<double[]> keys_;
  hwy::AlignedFreeUniquePtr<double[]> frames_;
  std::unique_ptr<QuestionRates[]> rates_;
};

}  // namespace

void ComputeContributions(const ContributionTrees& trees, const Rows& rows, TreeRange range,
                          uint32_t num_features, uint32_t num_outputs, std::span<const float> starts,
                          float* out) {
  Explainer(trees, range, num_features, num_outputs, starts, out).Explain(rows);
}

}  // namespace espalier
#endif  // HWY_ONCE
