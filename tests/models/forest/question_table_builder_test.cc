#include "models/forest/question_table_builder.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using testing::ElementsAre;

TreeNode Numeric(uint32_t feature, float threshold, bool default_left) {
  TreeNode node;
  node.left = 1;
  node.right = 2;
  node.feature = feature;
  node.value = threshold;
  node.default_left = default_left;
  return node;
}

// A tree whose one node asks for the categories.
Tree Categorical(uint32_t feature, std::vector<uint32_t> categories, bool default_left) {
  Tree tree;
  tree.nodes.push_back(Numeric(feature, 0, default_left));
  tree.nodes[0].categorical = true;
  tree.nodes[0].category_end = static_cast<uint32_t>(categories.size());
  tree.categories = std::move(categories);
  return tree;
}

TEST(QuestionTableBuilderTest, NumbersTheSameQuestionOnce) {
  QuestionTableBuilder builder(3);
  EXPECT_EQ(builder.Add({}, Numeric(0, 1, true)), 1);
  EXPECT_EQ(builder.Add({}, Numeric(0, 2, true)), 2);
  EXPECT_EQ(builder.Add({}, Numeric(0, 1, false)), 3);
  EXPECT_EQ(builder.Add({}, Numeric(1, 1, true)), 4);
  EXPECT_EQ(builder.Add({}, Numeric(0, 2, true)), 2);
  EXPECT_EQ(builder.Add({}, Numeric(2, 0.0f, true)), 5);
  EXPECT_EQ(builder.Add({}, Numeric(2, -0.0f, true)), 5);
  const Tree set = Categorical(2, {1, 5}, true);
  EXPECT_EQ(builder.Add(set, set.nodes[0]), 6);
  EXPECT_EQ(builder.Add(set, set.nodes[0]), 6);
  const Tree other = Categorical(2, {1, 5}, false);
  EXPECT_EQ(builder.Add(other, other.nodes[0]), 7);
}

TEST(QuestionTableBuilderTest, NumbersFollowTheThresholdsOfAFeature) {
  QuestionTableBuilder builder(8);
  const uint16_t nine = *builder.Add({}, Numeric(7, 9, false));
  const uint16_t minus = *builder.Add({}, Numeric(7, -2, false));
  const uint16_t four = *builder.Add({}, Numeric(7, 4, true));
  std::vector<uint16_t> numbers;
  const std::optional<QuestionTable> table = builder.Build(numbers);
  ASSERT_TRUE(table.has_value());
  ASSERT_EQ(table->parts().size(), 1u);
  const QuestionTable::Part& part = table->parts()[0];
  EXPECT_EQ(part.feature, 7u);
  EXPECT_EQ(part.count, 3u);
  EXPECT_EQ(numbers[0], 0);
  EXPECT_EQ(numbers[minus], part.right_first + 1);
  EXPECT_EQ(numbers[four], part.left_first + 2);
  EXPECT_EQ(numbers[nine], part.right_first + 3);
}

TEST(QuestionTableBuilderTest, ManyThresholdsBecomeParts) {
  QuestionTableBuilder builder(1);
  for (int i = 0; i < 600; ++i) builder.Add({}, Numeric(0, static_cast<float>(i * 7919 % 600), i % 2 == 0));
  std::vector<uint16_t> numbers;
  const std::optional<QuestionTable> table = builder.Build(numbers);
  ASSERT_TRUE(table.has_value());
  ASSERT_EQ(table->parts().size(), 3u);
  EXPECT_EQ(table->parts()[0].count, 255u);
  EXPECT_EQ(table->parts()[2].count, 90u);
  for (uint32_t i = 0; i < 600; ++i) {
    TreeNode node;
    std::vector<uint32_t> categories;
    table->Describe(numbers[i + 1], node, categories);
    EXPECT_EQ(node.value, static_cast<float>(i * 7919 % 600));
    EXPECT_EQ(node.default_left, i % 2 == 0);
  }
}

TEST(QuestionTableBuilderTest, EveryCategoryHasARowOfAnswers) {
  QuestionTableBuilder builder(4);
  const Tree first = Categorical(3, {1, 4}, true);
  const Tree second = Categorical(3, {0}, false);
  builder.Add(first, first.nodes[0]);
  builder.Add(second, second.nodes[0]);
  std::vector<uint16_t> numbers;
  const std::optional<QuestionTable> table = builder.Build(numbers);
  ASSERT_TRUE(table.has_value());
  ASSERT_EQ(table->sets().size(), 1u);
  const QuestionTable::Sets& sets = table->sets()[0];
  EXPECT_EQ(sets.span, 5u);
  const auto answers = [&](float value) { return *table->Answers(sets, sets.RowOf(value)) & 3; };
  EXPECT_EQ(answers(0), 1u);
  EXPECT_EQ(answers(1), 2u);
  EXPECT_EQ(answers(4.7f), 2u);
  EXPECT_EQ(answers(-0.5f), 3u);
  EXPECT_EQ(answers(5), 3u);
  EXPECT_EQ(answers(HUGE_VALF), 3u);
  EXPECT_EQ(answers(NAN), 1u);
  TreeNode node;
  std::vector<uint32_t> categories;
  table->Describe(numbers[1], node, categories);
  EXPECT_TRUE(node.categorical);
  EXPECT_TRUE(node.default_left);
  EXPECT_EQ(node.feature, 3u);
  EXPECT_THAT(categories, ElementsAre(1, 4));
}

TEST(QuestionTableBuilderTest, RefusesWhatItCannotNumber) {
  EXPECT_FALSE(QuestionTableBuilder(1).Add({}, Numeric(0, NAN, true)).has_value());
  const Tree tree = Categorical(0, {1, 2}, true);
  TreeNode beyond = tree.nodes[0];
  beyond.category_end = 3;
  EXPECT_FALSE(QuestionTableBuilder(1).Add(tree, beyond).has_value());
  QuestionTableBuilder builder(1);
  std::optional<uint16_t> draft;
  for (int i = 0; i < 65'535; ++i) draft = builder.Add({}, Numeric(0, static_cast<float>(i), true));
  EXPECT_EQ(draft, 65'535);
  EXPECT_FALSE(builder.Add({}, Numeric(0, -1, true)).has_value());
}

TEST(QuestionTableBuilderTest, RefusesSetsThatAreTooSparse) {
  QuestionTableBuilder builder(1);
  const Tree tree = Categorical(0, {1u << 23}, true);
  for (int i = 0; i < 20; ++i) {
    if (!builder.Add(tree, tree.nodes[0]).has_value()) return;
  }
  std::vector<uint16_t> numbers;
  EXPECT_FALSE(builder.Build(numbers).has_value());
}

}  // namespace
}  // namespace espalier
