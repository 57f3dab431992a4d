// Files of LightGBM and scikit-learn that lie: refused with a message that says what and where, in time and
// memory that follow from the size of the file alone.
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "models/forest/validate_ensemble.h"
#include "tests/models/forest/allocation_counter.h"
#include "tests/models/forest/float64_golden.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMegabyte = size_t{1} << 20;

// A small model of both kinds of splits. Leaf 0 is reached over the categories 0 and 2.
constexpr std::string_view kText =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\n"
    "objective=binary sigmoid:1\nfeature_names=a b\nfeature_infos=[0:1] 0:1\ntree_sizes=99\n\n"
    "Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nthreshold=0.5 0\ndecision_type=10 1\n"
    "left_child=1 -2\nright_child=-3 -1\nleaf_value=1 2 3\nleaf_count=1 2 3\ninternal_count=6 3\n"
    "cat_boundaries=0 1\ncat_threshold=5\nis_linear=0\nshrinkage=1\n\nend of trees\n";

constexpr std::string_view kJson =
    R"({"format":"espalier.sklearn","format_version":1,"sklearn_version":"1.9.1","objective":"identity",)"
    R"("num_features":2,"num_outputs":1,"leaf_width":1,"average":false,"base_margins":[0.5],)"
    R"("trees":[{"output":0,"iteration":0,"left":[1,-1,-1],"right":[2,-1,-1],"feature":[1,0,0],)"
    R"("threshold":[0.5,0,0],"missing_left":[1,0,0],"cover":[3,1,2],"leaves":[-1,2],)"
    R"("categorical":[0],"category_sizes":[2],"categories":[1,4]}]})";

absl::Status StatusOf(std::string_view bytes, const ReadLimits& limits = {}) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes, limits);
  return ensemble.ok() ? Forest::Compile(*std::move(ensemble)).status() : ensemble.status();
}

std::string MessageOf(std::string_view bytes) { return std::string(Message(StatusOf(bytes))); }

// `text` with its first `from` replaced.
std::string With(std::string_view text, std::string_view from, std::string_view to) {
  std::string changed(text);
  const size_t at = changed.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return changed.replace(at, from.size(), to);
}

void ExpectRefused(std::string_view text, std::string_view from, std::string_view to,
                   std::string_view message, absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  const std::string bytes = With(text, from, to);
  EXPECT_EQ(StatusOf(bytes).code(), code) << to;
  EXPECT_THAT(MessageOf(bytes), HasSubstr(std::string(message)));
}

std::string Repeated(std::string_view text, size_t bytes) {
  std::string all;
  all.reserve(bytes + text.size());
  while (all.size() < bytes) all += text;
  return all;
}

TEST(HostileFloat64ModelsTest, TheUnchangedModelsAreRead) {
  EXPECT_TRUE(StatusOf(kText).ok()) << StatusOf(kText);
  EXPECT_TRUE(StatusOf(kJson).ok()) << StatusOf(kJson);
}

TEST(HostileFloat64ModelsTest, TextsThatContradictThemselves) {
  ExpectRefused(kText, "num_leaves=3", "num_leaves=4", "tree 0, leaf_value has 3 entries: must be 4");
  ExpectRefused(kText, "num_leaves=3", "num_leaves=0", "tree 0, num_leaves \"0\": must be an integer from 1");
  ExpectRefused(kText, "num_leaves=3\n", "", "tree 0, num_leaves: is missing");
  ExpectRefused(kText, "num_leaves=3", "num_leaves=3\nnum_leaves=3", "num_leaves: is there twice");
  ExpectRefused(kText, "threshold=0.5 0", "threshold=0.5 0\nthreshold=1 0", "threshold: is there twice");
  ExpectRefused(kText, "split_feature=0 1", "split_feature=0 2", "must be < num_feature 2");
  ExpectRefused(kText, "split_feature=0 1", "split_feature=-1 1", "split 0, split_feature -1: must be >= 0");
  ExpectRefused(kText, "split_feature=0 1", "split_feature=0", "split_feature has 1 entries: must be 2");
  ExpectRefused(kText, "split_feature=0 1", "split_feature=0 x",
                "split_feature[1] \"x\": must be an integer");
  ExpectRefused(kText, "left_child=1 -2", "left_child=2 -2", "split 0, left_child 2: must be -3 to 1");
  ExpectRefused(kText, "left_child=1 -2", "left_child=-4 -2", "split 0, left_child -4: must be -3 to 1");
  ExpectRefused(kText, "left_child=1 -2", "left_child=0 -2", "leads to a node that was reached before");
  ExpectRefused(kText, "right_child=-3 -1", "right_child=-3 -3", "leads to a node that was reached before");
  ExpectRefused(kText, "leaf_value=1 2 3", "leaf_value=1 nan 3", "leaf 1, value nan: must be finite");
  ExpectRefused(kText, "leaf_value=1 2 3", "leaf_value=1 1e999 3",
                "leaf_value[1] \"1e999\": must be a number");
  ExpectRefused(kText, "threshold=0.5 0", "threshold=nan 0", "threshold NaN: must be a number");
  ExpectRefused(kText, "threshold=0.5 0", "threshold=0.5 1",
                "split 1, threshold 1: must be one of the 1 sets");
  ExpectRefused(kText, "threshold=0.5 0", "threshold=0.5 0.5", "split 1, threshold 0.5: must be one");
  ExpectRefused(kText, "decision_type=10 1", "decision_type=12 1", "decision_type 12: must be 0 to 11");
  ExpectRefused(kText, "decision_type=10 1", "decision_type=-1 1", "decision_type -1: must be 0 to 11");
  ExpectRefused(kText, "decision_type=10 1", "decision_type=1 1", "split 0, threshold 0.5: must be one of");
  ExpectRefused(With(kText, "threshold=0.5 0", "threshold=0 0"), "decision_type=10 1", "decision_type=1 1",
                "segments of nodes must not overlap");
  ExpectRefused(kText, "cat_boundaries=0 1", "cat_boundaries=0 2", "must ascend from 0 to the 1 words");
  ExpectRefused(kText, "cat_boundaries=0 1", "cat_boundaries=0 -1", "must ascend from 0");
  ExpectRefused(kText, "cat_boundaries=0 1", "cat_boundaries=0", "cat_boundaries has 1 entries: must be");
  ExpectRefused(kText, "cat_threshold=5", "cat_threshold=0", "must be a non-empty segment");
  ExpectRefused(kText, "num_cat=1", "num_cat=9", "cat_boundaries has 2 entries: must be num_cat + 1, 10");
  ExpectRefused(kText, "max_feature_idx=1", "max_feature_idx=2000000",
                "must be an integer from 0 to 1048575");
  ExpectRefused(kText, "max_feature_idx=1", "max_feature_idx=2", "feature_names has 2 entries: must be 3");
  ExpectRefused(kText, "feature_names=a b", "feature_names=a a", "must differ from all others");
  ExpectRefused(kText, "num_class=1", "num_class=1\nnum_class=2", "num_class: is there twice");
  ExpectRefused(kText, "num_tree_per_iteration=1", "num_tree_per_iteration=2", "no multiple of num_tree");
  ExpectRefused(kText, "tree_sizes=99", "tree_sizes=99 99", "tree_sizes has 2 entries: must be the 1 trees");
  ExpectRefused(kText, "end of trees\n", "", "the file was cut");
  ExpectRefused(kText, "shrinkage=1\n\n", "shrinkage=1\n\nhello\n", "line \"hello\" after tree 0: must be");
  ExpectRefused(kText, "binary sigmoid:1", "binary sigmoid:0", "sigmoid 0: must be > 0");
  ExpectRefused(kText, "binary sigmoid:1", "binary", "sigmoid \"\": must be a number");
  ExpectRefused(kText, "binary sigmoid:1", "multiclass num_class:3", "num_class \"3\": must be an integer");
}

TEST(HostileFloat64ModelsTest, WhatIsNotSupportedIsNamed) {
  constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;
  ExpectRefused(kText, "is_linear=0", "is_linear=1", "linear_tree", kUnimplemented);
  ExpectRefused(kText, "binary sigmoid:1", "ordinal", "objective \"ordinal\" is not known", kUnimplemented);
  ExpectRefused(kJson, "\"format_version\":1", "\"format_version\":2", "format_version: 2: must be 1",
                kUnimplemented);
  ExpectRefused(kJson, "identity", "probit", "objective \"probit\" is not known", kUnimplemented);
}

TEST(HostileFloat64ModelsTest, DocumentsThatContradictThemselves) {
  ExpectRefused(kJson, "\"left\":[1,", "\"left\":[0,", "leads to a node that was reached before");
  ExpectRefused(kJson, "\"right\":[2,", "\"right\":[3,", "right_children 3: must be 0 to 2");
  ExpectRefused(kJson, "\"right\":[2,-1,-1]", "\"right\":[2,-1]", "right has 2 entries: must be the 3");
  ExpectRefused(kJson, "\"feature\":[1,", "\"feature\":[2,", "must be < num_feature 2");
  ExpectRefused(kJson, "\"feature\":[1,", "\"feature\":[-1,", "node 0, feature -1: must be >= 0");
  ExpectRefused(kJson, "\"missing_left\":[1,", "\"missing_left\":[2,", "missing_left 2: must be 0 or 1");
  ExpectRefused(kJson, "\"leaves\":[-1,2]", "\"leaves\":[-1]", "leaf 1: must be < 1");
  ExpectRefused(kJson, "\"leaves\":[-1,2]", "\"leaves\":[-1,NaN]", "value nan: must be finite");
  ExpectRefused(kJson, "\"leaves\":[-1,2]", "\"leaves\":[-1,1e999]", "a number in the range of float64");
  ExpectRefused(kJson, "\"categorical\":[0]", "\"categorical\":[1]", "categorical[0] 1: must be a node with");
  ExpectRefused(kJson, "\"categorical\":[0]", "\"categorical\":[]", "category_sizes has 1 entries");
  ExpectRefused(kJson, "\"category_sizes\":[2]", "\"category_sizes\":[3]", "must be 0 to the 2 categories");
  ExpectRefused(kJson, "\"category_sizes\":[2]", "\"category_sizes\":[-1]", "category_sizes[0] -1");
  ExpectRefused(kJson, "\"categories\":[1,4]", "\"categories\":[4,1]", "must be greater than the one before");
  ExpectRefused(kJson, "\"categories\":[1,4]", "\"categories\":[1,-4]", "must be < 16777216");
  ExpectRefused(kJson, "\"leaf_width\":1", "\"leaf_width\":0", "leaf_width 0: must be 1");
  ExpectRefused(kJson, "\"leaf_width\":1", "\"leaf_width\":2", "leaf_width 2: must be 1");
  ExpectRefused(kJson, "\"num_outputs\":1", "\"num_outputs\":0", "outputs (num_class, num_target) 0");
  ExpectRefused(kJson, "\"output\":0", "\"output\":1", "must be < the 1 outputs");
  ExpectRefused(kJson, "\"base_margins\":[0.5]", "\"base_margins\":[0.5,1]", "base_margins has 2 values");
  ExpectRefused(kJson, "\"base_margins\":[0.5]", "\"base_margins\":[Infinity]", "must be finite");
  ExpectRefused(kJson, "\"average\":false", "\"average\":0", "average: \"0\": must be true or false");
  ExpectRefused(kJson, "\"average\":false,", "", "average: is missing");
  ExpectRefused(kJson, "\"average\":false", "\"average\":false,\"average\":true", "average: is there twice");
  ExpectRefused(kJson, "espalier.sklearn", "other", "format: \"other\": must be espalier.sklearn");
  ExpectRefused(kJson, "}]}", "}]}x", "expected the end of the file");
}

// A tree without categorical splits is checked as strictly.
TEST(HostileFloat64ModelsTest, NumericTreesThatContradictThemselves) {
  const std::string numeric = With(kJson, R"("categorical":[0],"category_sizes":[2],"categories":[1,4])",
                                   R"("categorical":[],"category_sizes":[],"categories":[])");
  ASSERT_TRUE(StatusOf(numeric).ok()) << StatusOf(numeric);
  ExpectRefused(numeric, "\"leaves\":[-1,2]", "\"leaves\":[-1]", "leaf 1: must be < 1");
  ExpectRefused(numeric, "\"leaves\":[-1,2]", "\"leaves\":[-1,NaN]", "value nan: must be finite");
  ExpectRefused(numeric, "\"threshold\":[0.5,", "\"threshold\":[NaN,", "threshold NaN: must be a number");
}

TEST(HostileFloat64ModelsTest, TruncatedFilesAreRefusedAtEveryByte) {
  for (const std::string_view text : {kText.substr(0, kText.size() - 1), kJson}) {
    for (size_t size = 0; size < text.size(); ++size) {
      // A copy, so that a sanitizer sees a read beyond the end.
      const std::string head(text.substr(0, size));
      ASSERT_FALSE(StatusOf(head).ok()) << head;
    }
  }
}

TEST(HostileFloat64ModelsTest, ChangedBytesNeverBreakAPromise) {
  for (const Float64Golden& model : {FindFloat64Golden("lightgbm", "4.7.0", "categorical"),
                                     FindFloat64Golden("sklearn", "1.9.1", "hist_binary")}) {
    std::string bytes = *ReadFile(model.file);
    constexpr std::string_view kValues("\0\xff{9 =\n-", 8);
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char before = std::exchange(bytes[i], kValues[i % kValues.size()]);
      const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
      ASSERT_TRUE(!ensemble.ok() || ValidateEnsemble(*ensemble).ok());
      bytes[i] = before;
    }
  }
}

// A tree that is one chain of splits, as long as a megabyte.
std::string Chain() {
  std::string features, thresholds, left, right, values = "0";
  int splits = 0;
  for (; features.size() + thresholds.size() + left.size() + right.size() + values.size() < kMegabyte;
       ++splits) {
    features += "0 ";
    thresholds += "0 ";
    left += StrCat(-splits - 1, " ");
    right += StrCat(splits + 1, " ");
    values += " 0";
  }
  right.resize(right.rfind(' ', right.size() - 2) + 1);
  right += StrCat(-splits - 1);
  return StrCat("tree\nnum_class=1\nmax_feature_idx=0\nfeature_names=a\n\nTree=0\nnum_leaves=", splits + 1,
                "\nsplit_feature=", features, "\nthreshold=", thresholds, "\nleft_child=", left,
                "\nright_child=", right, "\nleaf_value=", values, "\n\nend of trees\n");
}

TEST(HostileFloat64ModelsTest, AMegabyteIsRefusedWithinASecondAndWithoutMuchMemory) {
  const std::string header = "tree\nnum_class=1\nmax_feature_idx=0\nfeature_names=a\n\n";
  const std::string json(kJson.substr(0, kJson.find("{\"output\"")));
  const std::pair<std::string, std::string> files[] = {
      {"line feeds", header + std::string(kMegabyte, '\n')},
      {"one line", header + std::string(kMegabyte, 'a')},
      {"leaves", header + Repeated("Tree=0\nnum_leaves=1\nleaf_value=0\n\n", kMegabyte)},
      {"numbers", header + "Tree=0\nnum_leaves=3\nleaf_value=" + Repeated("0 ", kMegabyte)},
      {"a number", header + "Tree=0\nnum_leaves=3\nleaf_value=0." + std::string(kMegabyte, '1')},
      {"spaces", header + "Tree=0\nnum_leaves=3\nleaf_value=" + std::string(kMegabyte, ' ')},
      {"categories",
       header + "Tree=0\nnum_leaves=2\nnum_cat=1\nsplit_feature=0\nthreshold=0\ndecision_type=1\n" +
           "left_child=-1\nright_child=-2\nleaf_value=1 2\ncat_boundaries=0 99\ncat_threshold=" +
           Repeated("4294967295 ", kMegabyte)},
      {"objective", "tree\nobjective=" + Repeated("a ", kMegabyte)},
      {"names", "tree\nnum_class=1\nmax_feature_idx=0\nfeature_names=" + Repeated("a ", kMegabyte) +
                    "\n\nend of trees\n"},
      {"a chain", Chain()},
      {"trees of JSON", json + Repeated("{},", kMegabyte)},
      {"leaves of JSON", json + "{\"leaves\":[" + Repeated("0,", kMegabyte)},
      {"brackets", json + Repeated("[", kMegabyte)},
      {"keys", json + "{" + Repeated("\"a\":1,", kMegabyte)},
  };
  for (const auto& [name, bytes] : files) {
    SCOPED_TRACE(name);
    const size_t before = AllocatedBytes();
    const auto start = std::chrono::steady_clock::now();
    const absl::Status status = StatusOf(bytes);
    const auto elapsed = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_LT(Message(status).size(), 300u);
    EXPECT_LT(elapsed, std::chrono::seconds(1));
    EXPECT_LT(AllocatedBytes() - before, 40 * kMegabyte) << status;
  }
}

TEST(HostileFloat64ModelsTest, ASmallFileAllocatesLittle) {
  for (const std::string& bytes :
       {With(kText, "max_feature_idx=1", "max_feature_idx=1048575"),
        With(kText, "num_leaves=3", "num_leaves=500000"), With(kText, "num_cat=1", "num_cat=1000000"),
        With(kText, "num_class=1", "num_class=65536"),
        With(kText, "cat_boundaries=0 1", "cat_boundaries=0 2147483647"),
        With(kJson, "\"iteration\":0", "\"iteration\":100001"),
        With(kJson, "\"leaf_width\":1", "\"leaf_width\":65536"),
        With(kJson, "\"category_sizes\":[2]", "\"category_sizes\":[2147483647]")}) {
    const size_t before = AllocatedBytes();
    const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
    EXPECT_LT(AllocatedBytes() - before, 64 * 1024u) << ensemble.status();
  }
}

TEST(HostileFloat64ModelsTest, LimitsHoldWhileReading) {
  ReadLimits limits;
  limits.max_nodes_per_tree = 4;
  EXPECT_THAT(std::string(Message(StatusOf(kText, limits))),
              HasSubstr("num_leaves \"3\": must be an integer"));
  limits = {};
  limits.max_trees = 0;
  EXPECT_THAT(std::string(Message(StatusOf(kText, limits))), HasSubstr("trees: must be at most 0"));
  EXPECT_THAT(std::string(Message(StatusOf(kJson, limits))), HasSubstr("trees: must be at most 0"));
  limits = {};
  limits.max_path_depth = 1;
  EXPECT_THAT(std::string(Message(StatusOf(kText, limits))), HasSubstr("is deeper than 1 splits"));
}

}  // namespace
}  // namespace espalier
