// The nodes of a tree one after another, for whoever makes tables of its own of them.
#ifndef ESPALIER_MODELS_FOREST_WALKED_NODES_H_
#define ESPALIER_MODELS_FOREST_WALKED_NODES_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "models/forest/node_table.h"

namespace espalier {

// A node without its place: a leaf's weight, or a question and how many of the training rows it sent left.
struct WalkedNode {
  bool is_leaf = false;
  double weight = 0;
  // Of a question: what a prepared row (prepared_row.h) is compared with, and in which slot. In a slot of
  // categories the key is a number of CategorySets.
  uint32_t slot = 0;
  uint32_t key = 0;
  double left_share = 0;
};

// Calls visit(const WalkedNode&) for every node of a tree with scalar leaves: a question, all that is below
// its left child, all that is below its right one.
template <typename Visit>
void ForEachNode(const AnyNodeTable& table, uint32_t tree, Visit visit) {
  std::visit(
      [&](const auto& nodes) {
        std::vector<uint32_t> ahead = {nodes.roots[tree]};
        while (!ahead.empty()) {
          const uint32_t index = ahead.back();
          ahead.pop_back();
          const auto& node = nodes.nodes[index];
          if (IsLeaf(node)) {
            visit(WalkedNode{.is_leaf = true, .weight = LeafWeight(node)});
            continue;
          }
          const uint32_t left = index + node.right() - 1;
          visit(WalkedNode{.slot = node.slot(), .key = node.key, .left_share = nodes.LeftShare(left)});
          ahead.push_back(left + 1);
          ahead.push_back(left);
        }
      },
      table);
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_WALKED_NODES_H_
