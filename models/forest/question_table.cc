#include "models/forest/question_table.h"

namespace espalier {

void QuestionTable::Describe(uint32_t number, TreeNode& node, std::vector<uint32_t>& categories) const {
  for (const Part& part : parts_) {
    for (const uint32_t first : {part.left_first, part.right_first}) {
      if (first == kNotAsked || number <= first || number > first + part.count) continue;
      node.feature = part.feature;
      node.value = thresholds_[part.pivots + kBucket + number - first - 1];
      node.default_left = first == part.left_first;
      return;
    }
  }
  for (const Sets& sets : sets_) {
    if (number < sets.first || number >= sets.first + sets.count) continue;
    const uint32_t question = number - sets.first;
    const auto goes_left = [&](uint32_t row) {
      return (Answers(sets, row)[question / 64] >> (question % 64) & 1) != 0;
    };
    node.feature = sets.feature;
    node.categorical = true;
    node.default_left = goes_left(sets.span + 1);
    node.category_begin = static_cast<uint32_t>(categories.size());
    for (uint32_t category = 0; category < sets.span; ++category) {
      if (!goes_left(category)) categories.push_back(category);
    }
    node.category_end = static_cast<uint32_t>(categories.size());
    return;
  }
}

size_t QuestionTable::MemoryBytes() const {
  return parts_.capacity() * sizeof(Part) + thresholds_.capacity() * sizeof(float) +
         sets_.capacity() * sizeof(Sets) + bits_.capacity() * sizeof(uint64_t);
}

}  // namespace espalier
