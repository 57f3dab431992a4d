// What files say of trees beyond what a margin needs: their shapes, the shares of the training rows, and the
// numbers of their nodes. Contributions and leaf numbers need it; it takes a float and two bits for each
// split.
#ifndef ESPALIER_MODELS_FOREST_TREE_NOTES_H_
#define ESPALIER_MODELS_FOREST_TREE_NOTES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/forest/ensemble.h"

namespace espalier {

// Of all trees, one behind the other; the nodes of a tree breadth first, left before right.
class TreeNotes {
 public:
  // What a tree looks like; nothing but `nodes` and `depth` when it contradicts itself.
  struct Shape {
    bool is_tree = false;
    uint32_t depth = 0;
    uint32_t leaves = 0;
  };

  explicit TreeNotes(uint32_t num_features = 0) : num_features_(num_features) {}

  // Takes down one tree after the other. A tree that is none (two ways to a node, children or features that
  // are not there, leaves that are not finite) ends the notes.
  Shape Add(const Tree& tree);
  void ShrinkToFit();

  // Reads the notes from the first tree on.
  class Reader {
   public:
    explicit Reader(const TreeNotes& notes) : notes_(notes) {}
    bool NextIsInner() {
      const bool inner = notes_.inner_[node_];
      ++node_;
      return inner;
    }
    float NextLeftShare() { return notes_.left_shares_[split_++]; }
    // The number of the next node in the file, the `index`-th of its tree.
    uint32_t NextNumber(uint32_t index) const {
      return notes_.numbers_.empty() ? index : notes_.numbers_[node_];
    }

   private:
    const TreeNotes& notes_;
    size_t node_ = 0;
    size_t split_ = 0;
  };

  size_t MemoryBytes() const;

 private:
  void NumberEarlierTrees();

  uint32_t num_features_;
  std::vector<bool> inner_;
  // The left child's share of the cover of both, one a split.
  std::vector<float> left_shares_;
  // Empty while all nodes are numbered breadth first, as in what XGBoost itself writes.
  std::vector<uint32_t> numbers_;
  // Nodes of the trees so far, one entry a tree; scratch space.
  std::vector<uint32_t> sizes_;
  std::vector<uint32_t> order_;
  std::vector<uint8_t> reached_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_TREE_NOTES_H_
