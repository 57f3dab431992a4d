#include "models/forest/read_binary_model.h"

#include <cstring>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "models/forest/read_ensemble.h"
#include "tests/models/forest/golden_models.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Where the fields of the file's records are, behind "binf".
constexpr size_t kNumClass = 8;
constexpr size_t kMajorVersion = 20;
constexpr size_t kNumTarget = 28;
constexpr size_t kLearnerSize = 136;

std::string BinaryFile(const std::string& version, const std::string& name) {
  for (const std::string& file : FindGoldenModel(version, name).files) {
    if (file.ends_with(".model")) return *ReadFile(file);
  }
  ADD_FAILURE() << version << " " << name;
  return "";
}

// Where the record that follows the names of objective and booster starts.
size_t BoosterAt(const std::string& bytes) {
  size_t at = bytes.starts_with("binf") ? 4 + kLearnerSize : kLearnerSize;
  for (int i = 0; i < 2; ++i) {
    uint64_t size = 0;
    std::memcpy(&size, &bytes[at], sizeof(size));
    at += sizeof(size) + size;
  }
  return at;
}

template <typename Value>
std::string With(std::string bytes, size_t at, Value value) {
  std::memcpy(&bytes[at], &value, sizeof(value));
  return bytes;
}

std::string MessageOf(const std::string& bytes) { return std::string(Message(ReadEnsemble(bytes).status())); }

TEST(ReadBinaryModelTest, TheFormatIsKnownWithAndWithoutItsFourLetters) {
  const std::string old = BinaryFile("0.90", "binary_logistic");
  const std::string later = BinaryFile("1.7.6", "binary_logistic");
  EXPECT_FALSE(old.starts_with("binf"));
  EXPECT_TRUE(later.starts_with("binf"));
  for (const std::string& bytes : {old, "binf" + old, later, later.substr(4)}) {
    EXPECT_TRUE(IsBinaryModel(bytes));
    EXPECT_EQ(ReadEnsemble(bytes)->format, "xgboost_binary");
  }
  EXPECT_FALSE(IsBinaryModel(""));
  EXPECT_FALSE(IsBinaryModel("{\"learner\":{}}" + std::string(1000, ' ')));
  EXPECT_FALSE(IsBinaryModel(std::string(1000, '\0')));
}

TEST(ReadBinaryModelTest, SaysWhatTheJsonOfTheSameModelSays) {
  for (const GoldenModel& model : GoldenModels()) {
    if (model.version != "1.7.6" || !model.files.back().ends_with(".model")) continue;
    SCOPED_TRACE(model.name);
    const Ensemble json = *ReadEnsembleFile(model.files.front());
    const Ensemble binary = *ReadEnsembleFile(model.files.back());
    EXPECT_EQ(binary.objective, json.objective);
    EXPECT_EQ(binary.base_score, json.base_score);
    EXPECT_EQ(binary.num_features, json.num_features);
    EXPECT_EQ(binary.num_outputs, json.num_outputs);
    EXPECT_EQ(binary.num_class, json.num_class);
    EXPECT_EQ(binary.num_iterations, json.num_iterations);
    EXPECT_EQ(binary.best_iteration, json.best_iteration);
    EXPECT_EQ(binary.linear_weights, json.linear_weights);
    ASSERT_EQ(binary.trees.size(), json.trees.size());
    for (size_t i = 0; i < json.trees.size(); ++i) {
      const Tree& ours = binary.trees[i];
      const Tree& theirs = json.trees[i];
      EXPECT_EQ(ours.weight, theirs.weight);
      EXPECT_EQ(ours.output, theirs.output);
      EXPECT_EQ(ours.iteration, theirs.iteration);
      ASSERT_EQ(ours.nodes.size(), theirs.nodes.size());
      for (size_t node = 0; node < ours.nodes.size(); ++node) {
        EXPECT_EQ(ours.nodes[node].left, theirs.nodes[node].left);
        EXPECT_EQ(ours.nodes[node].cover, theirs.nodes[node].cover);
      }
    }
  }
}

TEST(ReadBinaryModelTest, ParallelTreesAreKnownSinceTheFileSaysThem) {
  EXPECT_EQ(ReadEnsemble(BinaryFile("2.0.3", "random_forest"))->num_iterations, 3u);
  EXPECT_EQ(ReadEnsemble(BinaryFile("1.2.1", "random_forest"))->num_iterations, 6u);
}

TEST(ReadBinaryModelTest, TheBaseScoreIsAMarginBeforeVersionOne) {
  EXPECT_THAT(ReadEnsemble(BinaryFile("0.90", "binary_logistic"))->base_score, ElementsAre(0.0f));
  EXPECT_THAT(ReadEnsemble(BinaryFile("1.2.1", "binary_logistic"))->base_score, ElementsAre(0.5f));
}

TEST(ReadBinaryModelTest, TruncatedFilesAreRefusedAtEveryByte) {
  for (const auto& [version, name] :
       {std::pair("0.90", "count_poisson"), {"1.7.6", "dart"}, {"1.7.6", "gblinear_multi"}}) {
    const std::string bytes = BinaryFile(version, name);
    ASSERT_TRUE(ReadEnsemble(bytes).ok());
    for (size_t size = 0; size < bytes.size(); ++size) {
      // A copy, so that a sanitizer sees a read beyond the end.
      ASSERT_FALSE(ReadEnsemble(bytes.substr(0, size)).ok()) << version << " " << name << " " << size;
    }
    EXPECT_THAT(MessageOf(bytes + "xy"), HasSubstr("expected the end of the file, found 2 more bytes"));
  }
}

TEST(ReadBinaryModelTest, ChangedBytesNeverBreakAPromise) {
  const std::string bytes = BinaryFile("1.7.6", "dart");
  for (const char value : {'\0', '\xff', '\x7f', '\x01'}) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(With(bytes, i, value));
      EXPECT_EQ(ensemble.ok(), Message(ensemble.status()).empty());
    }
  }
}

TEST(ReadBinaryModelTest, CountsThatTheFileCannotHoldAreRefusedByName) {
  const std::string bytes = BinaryFile("1.7.6", "dart");
  const size_t trees = BoosterAt(bytes);
  EXPECT_THAT(MessageOf(With(bytes, 4 + kLearnerSize, ~uint64_t{0})), HasSubstr("byte 148: objective needs"));
  EXPECT_THAT(MessageOf(With(bytes, trees, 99'999)), HasSubstr("num_trees 99999: the "));
  EXPECT_THAT(MessageOf(With(bytes, trees, 100'001)), HasSubstr("num_trees 100001: must be 0 to 100000"));
  EXPECT_THAT(MessageOf(With(bytes, trees, -1)), HasSubstr("num_trees -1: must be"));
  const size_t tree = trees + 160;
  EXPECT_THAT(MessageOf(With(bytes, tree + 4, 0)), HasSubstr("tree 0: num_nodes 0: must be 1 to 1048576"));
  EXPECT_THAT(MessageOf(With(bytes, tree + 4, INT32_MAX)), HasSubstr("num_nodes 2147483647: must be"));
  EXPECT_THAT(MessageOf(With(bytes, tree + 4, 1 << 20)), HasSubstr("nodes needs 1048576 x 20 bytes"));
  EXPECT_THAT(MessageOf(With(bytes, 4 + kNumClass, -7)), HasSubstr("num_class -7: must be >= 0"));
  const std::string linear = BinaryFile("1.7.6", "gblinear");
  const size_t weights = BoosterAt(linear) + 136;
  EXPECT_THAT(MessageOf(With(linear, weights, uint64_t{1} << 60)), HasSubstr("weights needs"));
  EXPECT_THAT(MessageOf(With(linear, 8, 7)), HasSubstr("weights has 9 entries: must be 8"));
}

TEST(ReadBinaryModelTest, WhatNoXgboostWritesIsNamed) {
  const std::string bytes = BinaryFile("1.7.6", "binary_logistic");
  const size_t tree = BoosterAt(bytes) + 160;
  EXPECT_THAT(MessageOf(With(bytes, tree, 2)), HasSubstr("tree 0: num_roots 2: must be 1"));
  EXPECT_THAT(MessageOf(With(bytes, tree + 20, 3)), HasSubstr("tree 0: size_leaf_vector 3"));
  EXPECT_THAT(MessageOf(With(bytes, BoosterAt(bytes) - 1, 'x')), HasSubstr("gradient_booster \"gbtrex\""));
}

TEST(ReadBinaryModelTest, OldReservedSpaceCountsAsOneTarget) {
  const std::string bytes = BinaryFile("1.7.6", "binary_logistic");
  EXPECT_EQ(ReadEnsemble(With(bytes, 4 + kNumTarget, 0))->num_outputs, 1u);
  EXPECT_EQ(ReadEnsemble(With(bytes, 4 + kMajorVersion, 0))->version, "0.x");
}

}  // namespace
}  // namespace espalier
