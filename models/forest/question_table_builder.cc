#include "models/forest/question_table_builder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "models/forest/prepared_row.h"

namespace espalier {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kFirstPlaces = 1u << 12;
// Of a draft that is no numeric question: no key has these bits.
constexpr uint64_t kNotNumeric = ~uint64_t{0};
// Bits of categories may take this many words. Far below what CategorySets allows, so that the nodes of every
// forest that has a QuestionTable can be laid out too.
constexpr uint64_t kMaxSetWords = uint64_t{4} << 20;

// The number whose key this is.
float KeyedFloat(uint32_t key) { return std::bit_cast<float>(key & 0x80000000u ? key ^ 0x80000000u : ~key); }

// Runs of numbers start at multiples of this, so that answers can be written in whole vectors of bytes.
constexpr size_t kAlignment = 32;

size_t Aligned(size_t number) { return (number + kAlignment - 1) / kAlignment * kAlignment; }

size_t Hash(uint64_t bits) { return static_cast<size_t>((bits * 0x9E3779B97F4A7C15u) >> 32); }

}  // namespace

QuestionTableBuilder::QuestionTableBuilder(uint32_t num_features)
    : bits_(1, kNotNumeric), places_(kFirstPlaces) {
  // 31 bits of a key are the feature.
  if (num_features > (1u << 31) - 1) last_draft_ = QuestionTable::kMaxNumbers;
}

std::optional<uint16_t> QuestionTableBuilder::NextDraft() {
  if (last_draft_ + 1 >= QuestionTable::kMaxNumbers) return std::nullopt;
  return static_cast<uint16_t>(++last_draft_);
}

std::optional<uint16_t> QuestionTableBuilder::AddNumeric(const TreeNode& node) {
  const uint64_t bits = uint64_t{node.feature} << 33 | uint64_t{FloatKey(node.value)} << 1 |
                        static_cast<uint64_t>(!node.default_left);
  const size_t mask = places_.size() - 1;
  size_t place = Hash(bits) & mask;
  for (; places_[place] != 0; place = (place + 1) & mask) {
    if (bits_[places_[place]] == bits) return places_[place];
  }
  const std::optional<uint16_t> draft = NextDraft();
  if (!draft.has_value() || std::isnan(node.value)) return std::nullopt;
  places_[place] = *draft;
  bits_.resize(*draft, kNotNumeric);
  bits_.push_back(bits);
  if (bits_.size() * 2 > places_.size()) Rehash();
  return draft;
}

void QuestionTableBuilder::Rehash() {
  places_.assign(places_.size() * 4, 0);
  const size_t mask = places_.size() - 1;
  for (size_t draft = 1; draft < bits_.size(); ++draft) {
    if (bits_[draft] == kNotNumeric) continue;
    size_t place = Hash(bits_[draft]) & mask;
    while (places_[place] != 0) place = (place + 1) & mask;
    places_[place] = static_cast<uint16_t>(draft);
  }
}

std::optional<uint16_t> QuestionTableBuilder::AddCategorical(const Tree& tree, const TreeNode& node) {
  if (node.category_begin > node.category_end || node.category_end > tree.categories.size()) {
    return std::nullopt;
  }
  std::span<const uint32_t> categories(tree.categories.data() + node.category_begin,
                                       node.category_end - node.category_begin);
  if (!std::is_sorted(categories.begin(), categories.end())) return std::nullopt;
  while (!categories.empty() && categories.back() >= kCategoryLimit) {
    categories = categories.first(categories.size() - 1);
  }
  set_words_ += 1 + (categories.empty() ? 0 : categories.back() / 32);
  if (set_words_ > kMaxSetWords) return std::nullopt;
  const auto [found, added] =
      categorical_drafts_.try_emplace({node.feature, node.default_left, categories}, uint16_t{0});
  if (added) {
    const std::optional<uint16_t> draft = NextDraft();
    if (!draft.has_value()) return std::nullopt;
    found->second = *draft;
  }
  return found->second;
}

std::optional<QuestionTable> QuestionTableBuilder::Build(std::vector<uint16_t>& numbers) {
  std::vector<Numeric> numeric;
  numeric.reserve(bits_.size());
  for (size_t draft = 1; draft < bits_.size(); ++draft) {
    if (bits_[draft] != kNotNumeric) numeric.push_back({bits_[draft], static_cast<uint16_t>(draft)});
  }
  std::sort(numeric.begin(), numeric.end(),
            [](const Numeric& a, const Numeric& b) { return a.bits < b.bits; });
  std::vector<NumberedCategorical> categorical;
  categorical.reserve(categorical_drafts_.size());
  for (const auto& [question, draft] : categorical_drafts_) categorical.push_back({question, draft});
  std::sort(categorical.begin(), categorical.end(),
            [](const NumberedCategorical& a, const NumberedCategorical& b) {
              return std::pair(a.question.feature, a.draft) < std::pair(b.question.feature, b.draft);
            });

  QuestionTable table;
  numbers.assign(last_draft_ + 1, 0);
  for (const Numeric* begin = numeric.data(); begin != numeric.data() + numeric.size();) {
    const Numeric* end = std::find_if(begin, static_cast<const Numeric*>(numeric.data() + numeric.size()),
                                      [&](const Numeric& q) { return q.feature() != begin->feature(); });
    AddParts(begin, end, table, numbers);
    if (table.num_numbers_ > QuestionTable::kMaxNumbers) return std::nullopt;
    begin = end;
  }
  const NumberedCategorical* const categorical_end = categorical.data() + categorical.size();
  for (const NumberedCategorical* begin = categorical.data(); begin != categorical_end;) {
    const NumberedCategorical* end =
        std::find_if(begin, categorical_end, [&](const NumberedCategorical& numbered) {
          return numbered.question.feature != begin->question.feature;
        });
    if (!AddSets(begin, end, table, numbers)) return std::nullopt;
    begin = end;
  }
  table.thresholds_.shrink_to_fit();
  table.bits_.shrink_to_fit();
  return table;
}

void QuestionTableBuilder::AddParts(const Numeric* begin, const Numeric* end, QuestionTable& table,
                                    std::vector<uint16_t>& numbers) const {
  bool asked[2] = {false, false};
  for (const Numeric* question = begin; question != end; ++question) asked[question->right()] = true;
  while (begin != end) {
    QuestionTable::Part part;
    part.feature = begin->feature();
    part.pivots = static_cast<uint32_t>(table.thresholds_.size());
    // The questions of up to 255 thresholds, and how many of those are at or below each.
    const Numeric* last = begin;
    for (; last != end; ++last) {
      const bool is_new = last == begin || last->key() != (last - 1)->key();
      if (is_new && part.count == QuestionTable::kMaxThresholds) break;
      part.count += is_new;
    }
    // The last bucket is never full, so that a value beyond all thresholds has one too.
    const size_t buckets = part.count / QuestionTable::kBucket + 1;
    table.thresholds_.resize(table.thresholds_.size() + QuestionTable::kBucket * (1 + buckets), kNaN);
    float* pivots = table.thresholds_.data() + part.pivots;
    uint32_t* const firsts[2] = {&part.left_first, &part.right_first};
    for (const bool right : {false, true}) {
      if (!asked[right]) continue;
      *firsts[right] = static_cast<uint32_t>(Aligned(table.num_numbers_));
      table.num_numbers_ = *firsts[right] + part.count + 2;
    }
    uint32_t rank = 0;
    for (const Numeric* question = begin; question != last; ++question) {
      if (question == begin || question->key() != (question - 1)->key()) {
        pivots[QuestionTable::kBucket + rank++] = KeyedFloat(question->key());
      }
      numbers[question->draft] = static_cast<uint16_t>(*firsts[question->right()] + rank);
    }
    for (size_t i = 0; i + 1 < buckets; ++i) pivots[i] = pivots[QuestionTable::kBucket * (2 + i) - 1];
    table.parts_.push_back(part);
    begin = last;
  }
}

bool QuestionTableBuilder::AddSets(const NumberedCategorical* begin, const NumberedCategorical* end,
                                   QuestionTable& table, std::vector<uint16_t>& numbers) const {
  QuestionTable::Sets sets;
  sets.feature = begin->question.feature;
  sets.first = static_cast<uint32_t>(Aligned(table.num_numbers_));
  sets.count = static_cast<uint32_t>(end - begin);
  sets.begin = table.bits_.size();
  for (const NumberedCategorical* numbered = begin; numbered != end; ++numbered) {
    const std::span<const uint32_t> categories = numbered->question.categories;
    if (!categories.empty()) sets.span = std::max(sets.span, categories.back() + 1);
  }
  // Whole words of answers, for they are written by words.
  table.num_numbers_ = sets.first + size_t{64} * sets.words();
  const size_t size = (size_t{sets.span} + 2) * sets.words();
  if (table.num_numbers_ > QuestionTable::kMaxNumbers || table.bits_.size() + size > kMaxSetWords)
    return false;
  table.bits_.resize(table.bits_.size() + size, ~uint64_t{0});
  for (uint32_t i = 0; i < sets.count; ++i) {
    uint64_t* column = table.bits_.data() + sets.begin + i / 64;
    const uint64_t bit = uint64_t{1} << (i % 64);
    for (const uint32_t category : begin[i].question.categories)
      column[size_t{category} * sets.words()] &= ~bit;
    if (!begin[i].question.default_left) column[size_t{sets.span + 1} * sets.words()] &= ~bit;
    numbers[begin[i].draft] = static_cast<uint16_t>(sets.first + i);
  }
  table.sets_.push_back(sets);
  return true;
}

}  // namespace espalier
