#include "models/forest/contribution_trees.h"

#include <algorithm>

#include "models/forest/quadrature.h"
#include "models/forest/walked_nodes.h"

namespace espalier {
namespace {

std::vector<QuadraturePoints> InGroups(const Quadrature& rule) {
  std::vector<QuadraturePoints> groups;
  for (size_t i = 0; i < rule.points.size(); ++i) {
    if (i % kPointsAtOnce == 0) {
      groups.emplace_back();
      // Any point inside, for those that do not count.
      std::fill(std::begin(groups.back().points), std::end(groups.back().points), 0.5);
    }
    QuadraturePoints& group = groups.back();
    group.points[group.count] = rule.points[i];
    group.weights[group.count++] = rule.weights[i];
  }
  return groups;
}

}  // namespace

// Lays out one tree after another.
class ContributionTrees::Builder {
 public:
  Builder(ContributionTrees& trees, const std::vector<uint32_t>& place_of_slot)
      : trees_(trees), place_of_slot_(place_of_slot), asked_(trees.features_.size()) {}

  void Add(const AnyNodeTable& table, uint32_t index, uint32_t output) {
    nodes_.clear();
    ForEachNode(table, index, [this](const WalkedNode& node) { nodes_.push_back(node); });
    next_ = 0;
    path_features_ = 0;
    tree_ = {.first_question = static_cast<uint32_t>(trees_.questions_.size()),
             .first_leaf = static_cast<uint32_t>(trees_.leaves_.size()),
             .output = output};
    tree_.average = AddNode(0).average;
    tree_.num_questions = static_cast<uint32_t>(trees_.questions_.size()) - tree_.first_question;
    trees_.trees_.push_back(tree_);
  }

 private:
  struct Added {
    int32_t child;
    double average;
  };
  // What the path so far asked about a feature.
  struct Asked {
    uint16_t depth = kFirst;
    uint32_t question = 0;
    double share = 1;
  };

  Added AddNode(uint16_t depth) {
    const WalkedNode node = nodes_[next_++];
    tree_.depth = std::max<uint32_t>(tree_.depth, depth);
    if (node.is_leaf) {
      tree_.path_features = std::max(tree_.path_features, path_features_);
      trees_.leaves_.push_back(node.weight);
      return {~static_cast<int32_t>(trees_.leaves_.size() - 1 - tree_.first_leaf), node.weight};
    }
    return AddQuestion(node, depth);
  }

  Added AddQuestion(const WalkedNode& node, uint16_t depth) {
    const size_t index = trees_.questions_.size();
    const uint32_t place = place_of_slot_[node.slot];
    const Asked before = asked_[place];
    trees_.questions_.push_back({.share = node.left_share,
                                 .earlier_share = before.share,
                                 .key = node.key,
                                 .slot = node.slot,
                                 .place = place,
                                 .earlier = before.depth,
                                 .categorical = node.slot >= trees_.layout().first_category_slot()});
    if (before.depth != kFirst) trees_.questions_[before.question].asked_again = true;
    path_features_ += before.depth == kFirst;
    asked_[place] = {depth, static_cast<uint32_t>(index), before.share * node.left_share};
    const Added left = AddNode(depth + 1);
    asked_[place].share = before.share * (1 - node.left_share);
    const Added right = AddNode(depth + 1);
    asked_[place] = before;
    path_features_ -= before.depth == kFirst;
    Question& question = trees_.questions_[index];
    question.left = left.child;
    question.right = right.child;
    return {static_cast<int32_t>(index - tree_.first_question),
            node.left_share * left.average + (1 - node.left_share) * right.average};
  }

  ContributionTrees& trees_;
  const std::vector<uint32_t>& place_of_slot_;
  std::vector<WalkedNode> nodes_;
  size_t next_ = 0;
  Tree tree_;
  uint32_t path_features_ = 0;
  std::vector<Asked> asked_;
};

ContributionTrees::ContributionTrees(const AnyNodeTable& table)
    : directory_(std::visit([](const auto& nodes) -> const TreeDirectory& { return nodes; }, table)) {
  const RowLayout& layout = directory_.layout;
  std::vector<uint32_t> place_of_slot(layout.num_slots());
  for (uint32_t slot = 1; slot < layout.num_slots(); ++slot) features_.push_back(layout.FeatureOf(slot));
  std::sort(features_.begin(), features_.end());
  features_.erase(std::unique(features_.begin(), features_.end()), features_.end());
  for (uint32_t slot = 1; slot < layout.num_slots(); ++slot) {
    const auto at = std::lower_bound(features_.begin(), features_.end(), layout.FeatureOf(slot));
    place_of_slot[slot] = static_cast<uint32_t>(at - features_.begin());
  }
  Builder builder(*this, place_of_slot);
  trees_.reserve(directory_.roots.size());
  for (uint32_t i = 0; i < directory_.roots.size(); ++i) builder.Add(table, i, directory_.outputs[i]);
  for (const Tree& tree : trees_) {
    const uint32_t count = (tree.path_features + 1) / 2;
    if (count != 0 && !rules_.contains(count)) rules_[count] = InGroups(GaussLegendre(count));
  }
  rules_.try_emplace(0);
  questions_.shrink_to_fit();
  leaves_.shrink_to_fit();
}

size_t ContributionTrees::MemoryBytes() const {
  size_t rules = 0;
  for (const auto& [count, groups] : rules_) rules += groups.capacity() * sizeof(QuadraturePoints) + 64;
  return sizeof(*this) + rules + features_.capacity() * sizeof(uint32_t) + trees_.capacity() * sizeof(Tree) +
         questions_.capacity() * sizeof(Question) + leaves_.capacity() * sizeof(double);
}

const ContributionTrees& LazyContributionTrees::Get(const AnyNodeTable& table) const {
  std::call_once(once_, [&] {
    trees_ = std::make_unique<const ContributionTrees>(table);
    bytes_ = trees_->MemoryBytes();
  });
  return *trees_;
}

size_t LazyContributionTrees::MemoryBytes() const { return bytes_; }

}  // namespace espalier
