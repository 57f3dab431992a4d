// The trees of a forest in the form in which contributions walk them.
//
// Shapley values are an integral (Owen, "Multilinear Extensions of Games", 1972): let every feature be known
// with probability t, independently, and F(t_1, t_2, ...) be the margin that is then expected; a feature's
// value is the integral over t of F's derivative by its own probability, at (t, t, ...). A leaf adds to F a
// product over the features on its path, so that the integrand is a polynomial whose degree is below the
// number of distinct features on a path, and Gauss-Legendre quadrature with half as many points is exact.
//
// At a point the walk needs no subsets: at a question a row goes left with the probability
//   share + posterior * (1 or 0 - share),
// where `share` is the left part of the training rows and `posterior` the probability that the feature is
// known, t where the path asks it for the first time. After earlier questions about the feature, which the
// training rows passed with probability z and the row itself would all pass, it is t / (t + z (1 - t)) by
// Bayes; where the row would have turned off it is 0.
#ifndef ESPALIER_MODELS_FOREST_CONTRIBUTION_TREES_H_
#define ESPALIER_MODELS_FOREST_CONTRIBUTION_TREES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "models/forest/node_table.h"

namespace espalier {

// Quadrature points that are walked at a time.
inline constexpr uint32_t kPointsAtOnce = 4;

// Up to kPointsAtOnce points of a rule; behind the last one some of weight 0.
struct QuadraturePoints {
  uint32_t count = 0;
  double points[kPointsAtOnce] = {};
  double weights[kPointsAtOnce] = {};
};

// For each point the posterior of a feature whose earlier questions let `earlier_share` of the training rows
// through, then its derivative by t. For 1, no question before, they are t and 1.
inline void FindRates(double earlier_share, const QuadraturePoints& points,
                      double (&rates)[2 * kPointsAtOnce]) {
  for (uint32_t i = 0; i < kPointsAtOnce; ++i) {
    const double t = points.points[i];
    const double inverse = 1 / (t + earlier_share * (1 - t));
    rates[i] = t * inverse;
    rates[kPointsAtOnce + i] = earlier_share * inverse * inverse;
  }
}

// Immutable and thread-safe. Refers to the layout and the categories of the table that it was made of, which
// must outlive it.
class ContributionTrees {
 public:
  static constexpr uint16_t kFirst = 0xffff;

  struct Question {
    // The left part of the training rows here, and the part of them that the branches taken at earlier
    // questions of the path about the same feature let through (1 without any).
    double share = 0;
    double earlier_share = 1;
    uint32_t key = 0;
    uint32_t slot = 0;
    // Number of the feature among those that any tree asks.
    uint32_t place = 0;
    // A question of the tree, or ~n for its n-th leaf.
    int32_t left = 0;
    int32_t right = 0;
    // Depth of the last question of the path about the same feature, or kFirst.
    uint16_t earlier = kFirst;
    // Whether a question below asks the same feature.
    bool asked_again = false;
    bool categorical = false;
  };

  struct Tree {
    // Of its questions (the root is the first) and leaves among all.
    uint32_t first_question = 0;
    uint32_t first_leaf = 0;
    uint32_t num_questions = 0;
    uint32_t depth = 0;
    uint32_t output = 0;
    // Distinct features on a path, at most.
    uint32_t path_features = 0;
    // The margin that the tree adds on average over its training rows.
    double average = 0;
  };

  // Of trees with scalar leaves.
  explicit ContributionTrees(const AnyNodeTable& table);

  const Tree& tree(uint32_t i) const { return trees_[i]; }
  const Question* questions(const Tree& tree) const { return questions_.data() + tree.first_question; }
  const double* leaves(const Tree& tree) const { return leaves_.data() + tree.first_leaf; }
  // The rule that is exact for a tree.
  const std::vector<QuadraturePoints>& PointsOf(const Tree& tree) const {
    return rules_.at((tree.path_features + 1) / 2);
  }
  // The features by place, ascending.
  const std::vector<uint32_t>& features() const { return features_; }
  const RowLayout& layout() const { return directory_.layout; }
  uint32_t max_depth() const { return directory_.max_depth; }

  // Whether a prepared row goes left.
  bool GoesLeft(const Question& question, const uint32_t* slots) const {
    return GoesLeft(question, slots[question.slot]);
  }
  bool GoesLeft(const Question& question, uint32_t slot_value) const {
    return question.categorical ? directory_.categories.GoesLeft(question.key, slot_value) != 0
                                : slot_value < question.key;
  }

  size_t MemoryBytes() const;

 private:
  class Builder;

  const TreeDirectory& directory_;
  std::vector<uint32_t> features_;
  std::vector<Tree> trees_;
  std::vector<Question> questions_;
  std::vector<double> leaves_;
  // By number of points.
  std::map<uint32_t, std::vector<QuadraturePoints>> rules_;
};

// Makes them when they are first asked for, as most forests never are. Thread-safe.
class LazyContributionTrees {
 public:
  // `table` is the same for all calls.
  const ContributionTrees& Get(const AnyNodeTable& table) const;
  // 0 until they are made.
  size_t MemoryBytes() const;

 private:
  mutable std::once_flag once_;
  mutable std::unique_ptr<const ContributionTrees> trees_;
  mutable std::atomic<size_t> bytes_{0};
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_CONTRIBUTION_TREES_H_
