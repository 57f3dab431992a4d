// Numbers the questions of a forest.
//
//   QuestionTableBuilder builder(ensemble.num_features);
//   const std::optional<uint16_t> draft = builder.Add(tree, node);
//   std::vector<uint16_t> numbers;
//   const std::optional<QuestionTable> table = builder.Build(numbers);  // numbers[*draft] is the number
//
// Drafts number the distinct questions from 1 on, in the order in which nodes ask them. The categories of a
// tree that was given to Add() must outlive Build().
#ifndef ESPALIER_MODELS_FOREST_QUESTION_TABLE_BUILDER_H_
#define ESPALIER_MODELS_FOREST_QUESTION_TABLE_BUILDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "models/forest/ensemble.h"
#include "models/forest/question_table.h"

namespace espalier {

// Not thread-safe.
class QuestionTableBuilder {
 public:
  explicit QuestionTableBuilder(uint32_t num_features);

  // Nothing when there are too many questions, for a threshold that is NaN, and for categories that the tree
  // does not have or that do not ascend. The node's feature must be one of the model's.
  std::optional<uint16_t> Add(const Tree& tree, const TreeNode& node) {
    return node.categorical ? AddCategorical(tree, node) : AddNumeric(node);
  }

  // Nothing when the table would be too large. On success numbers[draft] is each question's number, and
  // numbers[0] is 0.
  std::optional<QuestionTable> Build(std::vector<uint16_t>& numbers);

 private:
  // A numeric question: its feature, its threshold's key and whether a missing value goes right, most
  // significant first, so that questions sort as they are numbered.
  struct Numeric {
    uint64_t bits = 0;
    uint16_t draft = 0;

    uint32_t feature() const { return static_cast<uint32_t>(bits >> 33); }
    uint32_t key() const { return static_cast<uint32_t>(bits >> 1); }
    bool right() const { return (bits & 1) != 0; }
  };

  struct Categorical {
    uint32_t feature;
    bool default_left;
    std::span<const uint32_t> categories;

    bool operator==(const Categorical& other) const {
      return feature == other.feature && default_left == other.default_left &&
             std::ranges::equal(categories, other.categories);
    }
    template <typename H>
    friend H AbslHashValue(H hash, const Categorical& question) {
      hash = H::combine_contiguous(std::move(hash), question.categories.data(), question.categories.size());
      return H::combine(std::move(hash), question.feature, question.default_left, question.categories.size());
    }
  };
  struct NumberedCategorical {
    Categorical question;
    uint16_t draft;
  };

  std::optional<uint16_t> AddNumeric(const TreeNode& node);
  std::optional<uint16_t> AddCategorical(const Tree& tree, const TreeNode& node);
  // The next draft, or nothing.
  std::optional<uint16_t> NextDraft();
  void Rehash();
  // Appends the parts of one feature; gives its questions their numbers.
  void AddParts(const Numeric* begin, const Numeric* end, QuestionTable& table,
                std::vector<uint16_t>& numbers) const;
  // Appends the sets of one feature; false when they are too sparse.
  bool AddSets(const NumberedCategorical* begin, const NumberedCategorical* end, QuestionTable& table,
               std::vector<uint16_t>& numbers) const;

  // By draft, the numeric questions; and their drafts in an open hash table, in which 0 is an empty place.
  std::vector<uint64_t> bits_;
  std::vector<uint16_t> places_;
  absl::flat_hash_map<Categorical, uint16_t> categorical_drafts_;
  uint32_t last_draft_ = 0;
  // Words that the sets of all nodes would take as bitmaps of their own.
  uint64_t set_words_ = 0;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_QUESTION_TABLE_BUILDER_H_
