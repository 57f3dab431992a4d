// Files that lie. Each is refused with a message that says what and where, in time and memory that follow
// from the size of the file alone.
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "models/base/strings.h"
#include "models/forest/read_ensemble.h"
#include "models/forest/validate_ensemble.h"
#include "tests/models/forest/allocation_counter.h"
#include "tests/models/forest/golden_models.h"
#include "tests/models/forest/model_text.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

constexpr size_t kMegabyte = size_t{1} << 20;

// The same model as UBJSON, written by a library that is not ours.
std::string Ubjson(const ModelText& text) {
  std::string bytes;
  nlohmann::json::to_ubjson(nlohmann::json::parse(text.Json()), nlohmann::detail::output_adapter<char>(bytes),
                            true);
  return bytes;
}

absl::Status StatusOf(std::string_view bytes, const ReadLimits& limits = {}) {
  return ReadEnsemble(bytes, limits).status();
}

std::string MessageOf(std::string_view bytes) { return std::string(Message(StatusOf(bytes))); }

// Refused as JSON and as UBJSON, with this in the message.
void ExpectRefused(const ModelText& text, const std::string& message,
                   absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  for (const std::string& bytes : {text.Json(), Ubjson(text)}) {
    EXPECT_EQ(StatusOf(bytes).code(), code);
    EXPECT_THAT(MessageOf(bytes), HasSubstr(message));
  }
}

std::string Repeated(std::string_view text, size_t bytes) {
  std::string all;
  all.reserve(bytes + text.size());
  while (all.size() < bytes) all += text;
  return all;
}

TEST(HostileModelsTest, TheUnchangedModelIsRead) {
  const ModelText text;
  EXPECT_TRUE(StatusOf(text.Json()).ok()) << StatusOf(text.Json());
  EXPECT_TRUE(StatusOf(Ubjson(text)).ok()) << StatusOf(Ubjson(text));
}

TEST(HostileModelsTest, TruncatedFilesAreRefusedAtEveryByte) {
  for (const char* name : {"categorical_partition", "dart"}) {
    for (const std::string& file : FindGoldenModel("3.2.0", name).files) {
      const std::string bytes = *ReadFile(file);
      for (size_t size = 0; size < bytes.size(); ++size) {
        // A copy, so that a sanitizer sees a read beyond the end.
        const std::string head = bytes.substr(0, size);
        ASSERT_FALSE(StatusOf(head).ok()) << file << " " << size;
      }
      EXPECT_THAT(MessageOf(bytes + "x"), HasSubstr("expected the end of the file")) << file;
    }
  }
}

TEST(HostileModelsTest, ChangedBytesNeverBreakAPromise) {
  for (const std::string& file : FindGoldenModel("3.2.0", "categorical_onehot").files) {
    std::string bytes = *ReadFile(file);
    constexpr std::string_view kValues("\0\xff{9", 4);
    for (size_t i = 0; i < bytes.size(); ++i) {
      const char before = std::exchange(bytes[i], kValues[i % kValues.size()]);
      const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
      ASSERT_TRUE(!ensemble.ok() || ValidateEnsemble(*ensemble).ok());
      bytes[i] = before;
    }
  }
}

TEST(HostileModelsTest, TreesThatAreNoTrees) {
  ExpectRefused(ModelText().WithTree("left_children", "[0,-1,-1]"),
                "tree 0, node 0, left_children 0: leads to");
  ExpectRefused(ModelText().WithTree("left_children", "[1,0,-1]").WithTree("right_children", "[2,2,-1]"),
                "reached before");
  ExpectRefused(ModelText().WithTree("right_children", "[3,-1,-1]"), "right_children 3: must be 0 to 2");
  ExpectRefused(ModelText().WithTree("right_children", "[-1,-1,-1]"), "node 0, right_children -1: must be");
  ExpectRefused(ModelText().WithTree("split_indices", "[3,0,0]"),
                "tree 0, node 0, split_indices 3: must be < num_feature 3");
  ExpectRefused(ModelText().WithTree("split_indices", "[-1,0,0]"),
                "tree 0, node 0, split_indices -1: must be >= 0");
  ExpectRefused(ModelText().WithTree("split_indices", "[1,0]"),
                "tree 0, split_indices has 2 entries: must be");
  ExpectRefused(ModelText().WithTree("default_left", "[1,0]"), "default_left has 2 entries");
  ExpectRefused(ModelText().WithTree("default_left", "[2,0,0]"), "node 0, default_left 2: must be 0 or 1");
  ExpectRefused(ModelText().WithTree("split_conditions", ""), "tree 0, split_conditions has 0 entries");
  ExpectRefused(ModelText().WithTree("tree_param", "{\"num_nodes\":\"4\"}"),
                "num_nodes 4: must be the 3 entries");
  ExpectRefused(ModelText().WithTree("tree_param", "{\"num_nodes\":\"x\"}"),
                "num_nodes \"x\": must be an integer");
  EXPECT_THAT(MessageOf(ModelText().WithTree("split_conditions", "[1,NaN,1]").Json()),
              HasSubstr("tree 0, node 1, leaf nan: must be finite"));
  EXPECT_THAT(MessageOf(ModelText().WithTree("split_conditions", "[NaN,1,1]").Json()),
              HasSubstr("tree 0, node 0, split_conditions NaN: must be a number"));
}

TEST(HostileModelsTest, CategoriesOutOfBounds) {
  const auto model = [] {
    ModelText text;
    text.WithTree("split_type", "[1,0,0]")
        .WithTree("categories", "[2,7]")
        .WithTree("categories_nodes", "[0]");
    return text.WithTree("categories_segments", "[0]").WithTree("categories_sizes", "[2]");
  };
  EXPECT_TRUE(StatusOf(Ubjson(model())).ok());
  ExpectRefused(model().WithTree("categories_sizes", "[3]"),
                "node 0, categories_sizes 3: must be 0 to the 2");
  ExpectRefused(model().WithTree("categories_sizes", "[0]"), "must be a non-empty segment");
  ExpectRefused(model().WithTree("categories_sizes", "[-1]"), "categories_sizes -1");
  ExpectRefused(model().WithTree("categories_sizes", "[]"), "must have as many");
  ExpectRefused(model().WithTree("categories_segments", "[1]"), "categories_segments 1: must be 0, where");
  ExpectRefused(model().WithTree("categories_nodes", "[3]"), "categories_nodes[0] 3: must be 0 to 2");
  ExpectRefused(model().WithTree("categories_nodes", "[-1]"), "categories_nodes[0] -1");
  ExpectRefused(model()
                    .WithTree("categories_nodes", "[]")
                    .WithTree("categories_segments", "[]")
                    .WithTree("categories_sizes", "[]"),
                "node 0, categories [0, 0): must be");
  ExpectRefused(model().WithTree("categories", "[7,2]"), "category 2: must be greater");
  ExpectRefused(model().WithTree("categories", "[-2,7]"), "category -2: must be >= 0");
  ExpectRefused(model().WithTree("categories", "[2,2147483647]"), "category 2147483647: must be <");
  ExpectRefused(model().WithTree("split_type", "[2,0,0]"), "node 0, split_type 2: must be 0");
}

TEST(HostileModelsTest, ContradictionsOfTheModel) {
  ExpectRefused(ModelText().With("tree_info", "[1]"), "tree 0, tree_info 1: must be < the 1 outputs");
  ExpectRefused(ModelText().With("tree_info", "[-1]"), "tree 0, tree_info -1: must be >= 0");
  ExpectRefused(ModelText().With("tree_info", "[0,0]"), "tree_info has 2 entries");
  ExpectRefused(ModelText().With("iteration_indptr", "[0,2]"),
                "iteration_indptr from 0 to 2: must be from 0 to");
  ExpectRefused(ModelText().With("iteration_indptr", "[0,1,0,1]"), "iteration_indptr[2] 0: must not be less");
  ExpectRefused(ModelText().With("iteration_indptr", "[0,9,1]"), "iteration_indptr[1] 9");
  ExpectRefused(ModelText().With("gbtree_model_param", "{\"num_trees\":\"2\"}"),
                "num_trees 2: must be the 1 trees");
  ExpectRefused(ModelText().With("weight_drop", "[1,1]"), "weight_drop has 2 entries");
  ExpectRefused(ModelText().With("num_feature", "\"0\""), "num_feature 0: must be 1 to");
  ExpectRefused(ModelText().With("num_feature", "\"-3\""), "num_feature \"-3\": must be an integer from 0");
  ExpectRefused(ModelText().With("num_feature", "\"4000000000\""),
                "num_feature 4000000000: must be 1 to 1048576");
  ExpectRefused(ModelText().With("num_feature", "\"99999999999999999999\""), "must be an integer from 0");
  ExpectRefused(ModelText().With("num_class", "\"2000000000\""), "2000000000: must be 1 to 65536");
  ExpectRefused(ModelText().With("base_score", "\"\""), "base_score \"\": must be a number");
  ExpectRefused(ModelText().With("base_score", "\"[1,]\""), "base_score \"[1,]\": must be a number");
  ExpectRefused(ModelText().With("base_score", "\"nan\""), "base_score nan: must be finite");
  ExpectRefused(ModelText().With("base_score", "\"[1,2]\""), "base_score has 2 values: must be 1");
  ExpectRefused(ModelText().With("attributes", "{\"best_iteration\":\"1\"}"),
                "best_iteration 1: must be < the 1");
  ExpectRefused(ModelText().With("attributes", "{\"best_iteration\":\"-1\"}"),
                "best_iteration \"-1\": must be");
  ExpectRefused(ModelText().With("feature_names", "[\"a\"]"),
                "feature_names has 1 entries: must be num_feature 3");
  ExpectRefused(ModelText().With("objective", "{}"), "objective name: is missing");
  ExpectRefused(ModelText().With("objective", ""), "learner objective: is missing");
  ExpectRefused(ModelText().With("trees", "{}"), "trees: byte");
  ExpectRefused(ModelText().With("trees", "[1]"), "tree 0, fields: byte");
  ExpectRefused(ModelText().With("tree_info", "\"x\""), "tree_info: byte");
}

// A tree with vectors of two, but without them.
ModelText TwoOutputs() {
  return ModelText()
      .With("num_target", "\"2\"")
      .WithTree("sum_hessian", "[]")
      .WithTree("tree_param", "{\"num_nodes\":\"3\",\"size_leaf_vector\":\"2\"}");
}

TEST(HostileModelsTest, LeafVectorsFitTheirTree) {
  const auto with = [](const std::string& weights, const std::string& right) {
    return TwoOutputs().WithTree("leaf_weights", weights).WithTree("right_children", right);
  };
  EXPECT_TRUE(StatusOf(with("[1,2,3,4]", "[2,0,1]").Json()).ok())
      << StatusOf(with("[1,2,3,4]", "[2,0,1]").Json());
  ExpectRefused(with("[1,2,3,4]", "[2,0,2]"), "node 2, right_children 2: must be one of the 2 leaf vectors");
  ExpectRefused(with("[1,2,3,4]", "[2,-1,0]"), "node 1, right_children -1: must be one of the 2");
  ExpectRefused(with("[1,2,3]", "[2,0,1]"),
                "leaf_weights has 3 entries: must be a multiple of size_leaf_vector 2");
  EXPECT_THAT(MessageOf(with("[1,NaN,3,4]", "[2,0,1]").Json()),
              HasSubstr("node 1, leaf nan: must be finite"));
  ExpectRefused(with("[1,2,3,4]", "[2,0,1]").With("num_target", "\"3\""),
                "size_leaf_vector 2: must be the 3 outputs");
  // Before 3.2 the vectors are those of the nodes.
  EXPECT_TRUE(StatusOf(TwoOutputs().WithTree("base_weights", "[9,9,1,2,3,4]").Json()).ok());
  ExpectRefused(TwoOutputs(), "base_weights has 0 entries: must be 3 nodes of 2");
  ExpectRefused(TwoOutputs().WithTree("base_weights", "[1,2,3,4]"),
                "base_weights has 4 entries: must be 3 nodes of 2");
  ExpectRefused(TwoOutputs().WithTree("base_weights", "[1,2,3,4,5,\"x\"]"), "tree 0, base_weights: byte");
  const std::string vector_tree = TwoOutputs().WithTree("base_weights", "[9,9,1,2,3,4]").Tree();
  ExpectRefused(TwoOutputs().With("trees", StrCat("[", vector_tree, ",", ModelText().Tree(), "]")),
                "tree 1, size_leaf_vector 1: must be 2 as in the trees before");
}

TEST(HostileModelsTest, CategoriesFitTheModel) {
  const auto with = [](const std::string& enc) {
    return ModelText().With("cats", StrCat("{\"enc\":[{\"offsets\":[],\"values\":[]},", enc, "]}"));
  };
  const std::string none = "{\"offsets\":[],\"values\":[]}";
  const std::string names = "{\"offsets\":[0,1,3],\"values\":[97,-61,-68]}";
  const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(with(names + "," + none).Json());
  ASSERT_TRUE(ensemble.ok()) << ensemble.status();
  EXPECT_THAT(ensemble->category_names[1], testing::ElementsAre("a", "ü"));
  EXPECT_EQ(ensemble->feature_kinds[1], FeatureKind::kCategorical);
  ExpectRefused(with(names), "cats has 2 entries: must be num_feature 3");
  ExpectRefused(with("{\"offsets\":[0,9],\"values\":[97]}"),
                "cats of feature 1: offsets from 0 to 9: must be");
  ExpectRefused(with("{\"offsets\":[0,2,1,3],\"values\":[97,97,97]}"), "offsets[2] 1: must not be less");
  ExpectRefused(with("{\"offsets\":[0,0,0],\"values\":[]}"), "category \"\": is there twice");
  ExpectRefused(with("{\"offsets\":[0,1,2],\"values\":[97,97]}"), "category \"a\": is there twice");
  ExpectRefused(with("{\"offsets\":[0,1],\"values\":[300]}"), "values[0] 300: must be a byte");
  // XGBoost cuts names that are not ASCII; what is left need not be UTF-8.
  EXPECT_TRUE(StatusOf(with("{\"offsets\":[0,1],\"values\":[-61]}," + none).Json()).ok());
  ExpectRefused(with("{\"type\":15,\"values\":[7,7]}"), "category \"7\": is there twice");
}

TEST(HostileModelsTest, WhatIsKnownButNotSupportedIsNamed) {
  constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;
  ExpectRefused(ModelText().WithBooster("gbforest"), "gradient_booster \"gbforest\": must be gbtree",
                kUnimplemented);
  ExpectRefused(TwoOutputs()
                    .WithTree("leaf_weights", "[1,2,3,4]")
                    .WithTree("right_children", "[2,0,1]")
                    .WithBooster("dart"),
                "gradient_booster dart: vector leaves", kUnimplemented);
  ExpectRefused(ModelText().With("num_class", "\"2\"").With("num_target", "\"2\""), "several targets",
                kUnimplemented);
}

TEST(HostileModelsTest, MessagesStayShortAndOnOneLine) {
  const std::string name = std::string(5000, 'x') + "\\n";
  const std::string json =
      ModelText().With("objective", StrCat("{\"name\":\"a\",\"", name, "\":{\"a\":[}}")).Json();
  EXPECT_THAT(MessageOf(json), HasSubstr("xxx"));
  EXPECT_LT(MessageOf(json).size(), 300u);
}

TEST(HostileModelsTest, LinearWeightsFitTheModel) {
  const auto linear = [](const std::string& weights) {
    return ModelText().WithBooster("gblinear").WithLinear(weights);
  };
  EXPECT_TRUE(StatusOf(linear("[1,2,3,4]").Json()).ok());
  ExpectRefused(linear("[1,2,3]"), "weights has 3 entries: must be 4");
  ExpectRefused(linear("[]"), "weights has 0 entries: must be 4");
  EXPECT_THAT(MessageOf(linear("[1,NaN,3,4]").Json()), HasSubstr("weights[1] nan: must be finite"));
  ExpectRefused(ModelText().WithBooster("gblinear"), "model weights: is missing");
  ExpectRefused(ModelText().With("weights", "[1,2,3,4]"), "weights has 4 entries: must be 0 unless");
  ExpectRefused(ModelText().With("weights", "[1,2,3,4]").WithBooster("gblinear"), "must not have trees");
}

TEST(HostileModelsTest, FieldsThatComeTwiceAreRefused) {
  EXPECT_THAT(MessageOf(R"({"learner":{"objective":{"name":"a"},"objective":{"name":"b"}}})"),
              HasSubstr("learner objective: is there twice"));
  std::string json = ModelText().Json();
  json.insert(json.find("\"left_children\""), "\"left_children\":[1,-1,-1],");
  EXPECT_THAT(MessageOf(json), HasSubstr("left_children: is there twice"));
  EXPECT_THAT(MessageOf(R"({"learner":{"gradient_booster":{"model":{},"gbtree":{"model":{}}}}})"),
              HasSubstr("gradient_booster model: is there twice"));
}

TEST(HostileModelsTest, WhatIsNoModelIsRefused) {
  for (const std::string& bytes :
       {std::string(), std::string("hello"), std::string("[]"), std::string("{}"), std::string("{}}"),
        std::string("{L"), std::string("{#L"), std::string(1000, '\0'), std::string("{\"learner\":1}"),
        std::string("{\"learner\":[]}"), std::string("{\"version\":[3,2,0]}"), std::string("  "),
        std::string("\xef\xbb\xbf{}")}) {
    EXPECT_EQ(StatusOf(bytes).code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_FALSE(MessageOf(bytes).empty());
  }
}

TEST(HostileModelsTest, LimitsHoldWhileReading) {
  ReadLimits limits;
  limits.max_nodes_per_tree = 2;
  EXPECT_THAT(Message(StatusOf(ModelText().Json(), limits)), HasSubstr("tree 0, default_left: byte"));
  limits = {};
  limits.max_trees = 0;
  EXPECT_EQ(StatusOf(ModelText().Json(), limits).code(), absl::StatusCode::kInvalidArgument);
  limits = {};
  limits.max_features = 2;
  EXPECT_THAT(Message(StatusOf(ModelText().Json(), limits)), HasSubstr("num_feature 3: must be 1 to 2"));
  EXPECT_THAT(Message(StatusOf(ModelText().With("feature_types", "[\"q\",\"q\",\"q\"]").Json(), limits)),
              HasSubstr("feature_types: must have at most 2"));
}

// Files of a megabyte, and what they stand for.
std::vector<std::pair<std::string, std::string>> Megabytes() {
  const std::string learner = "{\"learner\":{";
  const std::string trees = learner + "\"gradient_booster\":{\"model\":{\"trees\":[";
  const std::string ubj_trees = "{i\x07learner{i\x10gradient_booster{i\x05model{i\x05trees[";
  const std::string counted = "{L" + std::string(7, '\0') + "\x01" + "a";
  const std::string huge = "\x7f\xff\xff\xff\xff\xff\xff\xff";
  return {
      {"brackets", Repeated("{\"a\":[", kMegabyte)},
      {"brackets of UBJSON",
       "{i\x01"
       "a" +
           Repeated("[", kMegabyte)},
      {"objects of UBJSON", Repeated("{i\x01"
                                     "a",
                                     kMegabyte)},
      {"brackets for a tree", trees + Repeated("[", kMegabyte)},
      {"empty trees", trees + Repeated("{},", kMegabyte)},
      {"empty trees of UBJSON", ubj_trees + Repeated("{}", kMegabyte)},
      {"fillers", "{N" + std::string(kMegabyte, 'N')},
      {"a string without end", "{\"" + std::string(kMegabyte, 'a')},
      {"a string of escapes", "{\"" + Repeated("\\u0041", kMegabyte)},
      {"a number of a million digits",
       learner + "\"gradient_booster\":{\"weight_drop\":[1." + std::string(kMegabyte, '1')},
      {"a number of a million zeros",
       learner + "\"gradient_booster\":{\"weight_drop\":[0." + std::string(kMegabyte, '0')},
      {"unknown keys", learner + Repeated("\"a\":[1,2],", kMegabyte)},
      {"objective parameters",
       learner + "\"objective\":{\"name\":\"a\",\"p\":{" + Repeated("\"a\":1,", kMegabyte)},
      {"feature names", learner + "\"feature_names\":[" + Repeated("\"\",", kMegabyte)},
      {"weights", learner + "\"gradient_booster\":{\"weight_drop\":[" + Repeated("1,", kMegabyte)},
      {"a base score of many values",
       learner + "\"learner_model_param\":{\"base_score\":\"" + Repeated("1,", kMegabyte)},
      {"a count of an array", counted + "[$l#L" + huge + std::string(kMegabyte, '\0')},
      {"a count of nulls", counted + "[$Z#L" + huge + std::string(kMegabyte, '\0')},
      {"a count of an object", counted + "{#L" + huge + std::string(kMegabyte, '\0')},
      {"a count of text", counted + "SL" + huge + std::string(kMegabyte, '\0')},
      {"a deep tree", ""},
  };
}

// A tree of a chain of splits: a path as long as the file.
std::string DeepTree() {
  std::string left, right, zeros;
  int nodes = 0;
  while (left.size() + right.size() + 4 * zeros.size() < kMegabyte) {
    left += StrCat(nodes + 2, ",-1,");
    right += StrCat(nodes + 1, ",-1,");
    zeros += "0,0,";
    nodes += 2;
  }
  const auto column = [](const std::string& values) { return StrCat("[", values, "-1]"); };
  const std::string numbers = StrCat("[", zeros, "0]");
  ModelText text;
  text.WithTree("left_children", column(left)).WithTree("right_children", column(right));
  text.WithTree("split_indices", numbers)
      .WithTree("split_conditions", numbers)
      .WithTree("default_left", numbers);
  return text.WithTree("sum_hessian", numbers).WithTree("tree_param", "{}").Json();
}

TEST(HostileModelsTest, AMegabyteIsRefusedWithinASecondAndWithoutMuchMemory) {
  for (auto& [name, bytes] : Megabytes()) {
    SCOPED_TRACE(name);
    if (bytes.empty()) bytes = DeepTree();
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

TEST(HostileModelsTest, ASmallFileAllocatesLittle) {
  const std::string huge = "\x7f\xff\xff\xff\xff\xff\xff\xff";
  const std::string key =
      "{i\x07"
      "version";
  for (const std::string& bytes :
       {key + "[$l#L" + huge, key + "[#L" + huge, key + "SL" + huge, "{L" + huge, "{#L" + huge,
        ModelText().With("num_feature", "\"4294967295\"").Json(),
        ModelText().With("num_class", "\"2147483647\"").Json(),
        ModelText().WithTree("tree_param", "{\"num_nodes\":\"2147483647\"}").Json(),
        ModelText().With("gbtree_model_param", "{\"num_trees\":\"2147483647\"}").Json(),
        ModelText()
            .With("gbtree_model_param", "{\"num_trees\":\"1\",\"num_parallel_tree\":\"2147483647\"}")
            .With("iteration_indptr", "")
            .With("num_class", "\"65536\"")
            .Json()}) {
    const size_t before = AllocatedBytes();
    const absl::Status status = StatusOf(bytes);
    EXPECT_LT(AllocatedBytes() - before, 64 * 1024u) << status;
    EXPECT_FALSE(status.ok());
  }
}

}  // namespace
}  // namespace espalier
