#include "models/forest/heap_nodes.h"

#include <utility>
#include <vector>

#include "models/forest/interleaved_walker.h"

namespace espalier {
namespace {

// Rebuilds one tree after the other as a file has it.
class TreeRebuilder {
 public:
  explicit TreeRebuilder(const HeapTrees& heaps) : heaps_(heaps), notes_(heaps.notes) {}

  Tree Next() {
    Tree tree;
    tree.output = heaps_.outputs[tree_];
    std::vector<Visit> queue = {Visit{}};
    Enter(queue[0]);
    for (uint32_t i = 0; i < queue.size(); ++i) {
      const Visit visit = queue[i];
      const uint32_t number = notes_.NextNumber(i);
      if (number >= tree.nodes.size()) tree.nodes.resize(size_t{number} + 1);
      if (visit.parent != kNoParent) {
        TreeNode& parent = tree.nodes[visit.parent];
        (visit.is_left ? parent.left : parent.right) = static_cast<int32_t>(number);
      }
      // The shares of both children add up to exactly 1 in float32, too.
      tree.nodes[number].cover = visit.share;
      if (!notes_.NextIsInner()) {
        tree.nodes[number].value = LeafOf(visit);
        continue;
      }
      heaps_.questions.Describe(QuestionOf(visit), tree.nodes[number], tree.categories);
      const float share = notes_.NextLeftShare();
      queue.push_back(Child(visit, number, true, share));
      queue.push_back(Child(visit, number, false, 1 - share));
    }
    ++tree_;
    return tree;
  }

 private:
  static constexpr uint32_t kNoParent = 0xffffffffu;

  // A node that is still to be rebuilt, in the heap or (with `tail`) below it.
  struct Visit {
    uint32_t place = 1;
    uint32_t level = 0;
    const HeapTrees::TailNode* tail = nullptr;
    uint32_t parent = kNoParent;
    bool is_left = false;
    float share = 0;
  };

  float HeapLeaf(const Visit& visit) const {
    return heaps_.Leaves(tree_)[(visit.place << (heaps_.depth - visit.level)) - heaps_.num_leaves()];
  }

  void Enter(Visit& visit) const {
    if (visit.tail == nullptr && visit.level == heaps_.depth && heaps_.HasTails()) {
      visit.tail = heaps_.Tail(HeapLeaf(visit));
    }
  }

  float LeafOf(const Visit& visit) const {
    if (visit.tail != nullptr) return visit.tail->leaf;
    const float leaf = HeapLeaf(visit);
    return heaps_.HasTails() ? heaps_.Tail(leaf)->leaf : leaf;
  }

  uint32_t QuestionOf(const Visit& visit) const {
    return visit.tail != nullptr ? visit.tail->question : heaps_.At(tree_, visit.place, visit.level);
  }

  Visit Child(const Visit& visit, uint32_t parent, bool is_left, float share) const {
    Visit child = {2 * visit.place + is_left, visit.level + 1, nullptr, parent, is_left, share};
    if (visit.tail != nullptr) child.tail = visit.tail + visit.tail->right - is_left;
    Enter(child);
    return child;
  }

  const HeapTrees& heaps_;
  TreeNotes::Reader notes_;
  uint32_t tree_ = 0;
};

}  // namespace

AnyNodeTable ToNodeTable(const HeapTrees& heaps, uint32_t num_features, uint32_t num_outputs) {
  Ensemble ensemble;
  ensemble.num_features = num_features;
  ensemble.num_outputs = num_outputs;
  ensemble.trees.reserve(heaps.num_trees());
  TreeRebuilder rebuilder(heaps);
  for (uint32_t tree = 0; tree < heaps.num_trees(); ++tree) ensemble.trees.push_back(rebuilder.Next());
  // Heaps are made of trees that are good for a table, too.
  return *BuildNodeTable(ensemble);
}

WalkedNodes::WalkedNodes(AnyNodeTable nodes, uint32_t num_outputs)
    : table(std::move(nodes)), walker(MakeInterleavedWalker(table, num_outputs)) {}

size_t WalkedNodes::MemoryBytes() const {
  return sizeof(*this) + walker->MemoryBytes() +
         std::visit([](const auto& nodes) { return nodes.MemoryBytes(); }, table);
}

const WalkedNodes& HeapNodes::Get() const {
  std::call_once(once_, [this] {
    nodes_ =
        std::make_unique<const WalkedNodes>(ToNodeTable(heaps_, num_features_, num_outputs_), num_outputs_);
    memory_bytes_.store(nodes_->MemoryBytes(), std::memory_order_relaxed);
  });
  return *nodes_;
}

size_t HeapNodes::MemoryBytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

}  // namespace espalier
