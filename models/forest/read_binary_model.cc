#include "models/forest/read_binary_model.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/binary_source.h"
#include "models/forest/field_text.h"
#include "models/forest/model_fields.h"

namespace espalier {
namespace {

constexpr std::string_view kMagic = "binf";

// The records of the file. Names are XGBoost's; `unused` is what no longer means anything.

struct LearnerRecord {
  float base_score;
  uint32_t num_feature;
  int32_t num_class;
  int32_t contain_extra_attrs;
  int32_t contain_eval_metrics;
  // 0 before XGBoost 1.0.
  uint32_t major_version;
  uint32_t minor_version;
  // 0, which means 1, before 1.6.
  uint32_t num_target;
  int32_t unused[26];
};
static_assert(sizeof(LearnerRecord) == 136);

struct TreesRecord {
  int32_t num_trees;
  int32_t num_parallel_tree;
  int32_t unused[38];
};
static_assert(sizeof(TreesRecord) == 160);

struct TreeRecord {
  int32_t num_roots;
  int32_t num_nodes;
  int32_t unused[3];
  int32_t size_leaf_vector;
  int32_t reserved[31];
};
static_assert(sizeof(TreeRecord) == 148);

struct NodeRecord {
  int32_t parent;
  int32_t left;
  int32_t right;
  // The default direction is the highest bit; all bits are set in a deleted node.
  uint32_t split;
  // A threshold or a leaf's weight.
  float value;
};
static_assert(sizeof(NodeRecord) == 20);

struct StatisticsRecord {
  float loss_change;
  float sum_hessian;
  float base_weight;
  int32_t leaf_child_count;
};
static_assert(sizeof(StatisticsRecord) == 16);

struct LinearRecord {
  uint32_t num_feature;
  int32_t num_output_group;
  int32_t unused[32];
};
static_assert(sizeof(LinearRecord) == 136);

constexpr uint32_t kDefaultLeft = 1u << 31;
constexpr size_t kSmallestTree = sizeof(TreeRecord) + sizeof(NodeRecord) + sizeof(StatisticsRecord);

bool IsBooster(std::string_view name) { return name == "gbtree" || name == "dart" || name == "gblinear"; }

TreeNode ToNode(const NodeRecord& record, const StatisticsRecord& statistics) {
  TreeNode node;
  node.left = record.left;
  // Only the left child says whether a node is a leaf.
  node.right = record.left == -1 ? -1 : record.right;
  node.feature = record.split & ~kDefaultLeft;
  node.value = record.value;
  node.default_left = (record.split & kDefaultLeft) != 0;
  node.cover = statistics.sum_hessian;
  return node;
}

class BinaryModelReader {
 public:
  BinaryModelReader(std::string_view bytes, const ReadLimits& limits)
      : source_(bytes, bytes.starts_with(kMagic) ? kMagic.size() : 0), limits_(limits) {}

  absl::StatusOr<Ensemble> Read() {
    ESPALIER_RETURN_IF_ERROR(ReadLearner());
    ESPALIER_RETURN_IF_ERROR(fields_.booster == "gblinear" ? ReadLinear() : ReadTrees());
    if (learner_.contain_extra_attrs != 0) ESPALIER_RETURN_IF_ERROR(ReadAttributes());
    if (learner_.major_version == 0) ESPALIER_RETURN_IF_ERROR(SkipOldTail());
    ESPALIER_RETURN_IF_ERROR(source_.Finish());
    ESPALIER_RETURN_IF_ERROR(FinishEnsemble(fields_, limits_, ensemble_));
    return std::move(ensemble_);
  }

 private:
  absl::Status ReadLearner() {
    ESPALIER_RETURN_IF_ERROR(source_.Read("learner_model_param", learner_));
    ESPALIER_ASSIGN_OR_RETURN(const std::string_view objective, source_.ReadText("objective"));
    ESPALIER_ASSIGN_OR_RETURN(const std::string_view booster, source_.ReadText("gradient_booster name"));
    if (!IsBooster(booster)) {
      return Error(absl::StatusCode::kUnimplemented, "gradient_booster ", Quoted(booster),
                   ": must be gbtree, dart or gblinear");
    }
    if (learner_.num_class < 0) {
      return InvalidArgument("num_class ", learner_.num_class, ": must be >= 0");
    }
    ensemble_.objective = objective;
    ensemble_.base_score = {learner_.base_score};
    ensemble_.version = learner_.major_version == 0
                            ? std::string("0.x")
                            : StrCat(learner_.major_version, ".", learner_.minor_version);
    fields_.booster = booster;
    fields_.num_class = learner_.num_class;
    fields_.num_feature = learner_.num_feature;
    fields_.num_target = std::max<uint32_t>(learner_.num_target, 1);
    return absl::OkStatus();
  }

  absl::Status ReadTrees() {
    TreesRecord record;
    ESPALIER_RETURN_IF_ERROR(source_.Read("gbtree_model_param", record));
    const int64_t count = record.num_trees;
    if (count < 0 || count > limits_.max_trees) {
      return InvalidArgument("num_trees ", count, ": must be 0 to ", limits_.max_trees);
    }
    if (static_cast<size_t>(count) > source_.Remaining() / kSmallestTree) {
      return InvalidArgument("num_trees ", count, ": the ", source_.Remaining(),
                             " bytes that are left hold fewer");
    }
    for (int64_t i = 0; i < count; ++i) {
      ESPALIER_RETURN_IF_ERROR(Annotate(ReadTree(), StrCat("tree ", i)));
    }
    fields_.has_trees = true;
    fields_.num_trees = count;
    fields_.num_parallel_tree = record.num_parallel_tree;
    ESPALIER_RETURN_IF_ERROR(source_.ReadMany("tree_info", count, fields_.tree_info));
    return fields_.booster == "dart" && count > 0 ? ReadWeightDrop() : absl::OkStatus();
  }

  absl::Status ReadTree() {
    TreeRecord record;
    ESPALIER_RETURN_IF_ERROR(source_.Read("tree_param", record));
    if (record.num_nodes < 1 || static_cast<uint32_t>(record.num_nodes) > limits_.max_nodes_per_tree) {
      return InvalidArgument("num_nodes ", record.num_nodes, ": must be 1 to ", limits_.max_nodes_per_tree);
    }
    if (record.num_roots > 1) {
      return Error(absl::StatusCode::kUnimplemented, "num_roots ", record.num_roots, ": must be 1");
    }
    if (record.size_leaf_vector > (learner_.major_version == 0 ? 0 : 1)) {
      return Error(absl::StatusCode::kUnimplemented, "size_leaf_vector ", record.size_leaf_vector,
                   ": no XGBoost writes vector leaves in its binary format");
    }
    ESPALIER_RETURN_IF_ERROR(source_.ReadMany("nodes", record.num_nodes, nodes_));
    ESPALIER_RETURN_IF_ERROR(source_.ReadMany("statistics of nodes", record.num_nodes, statistics_));
    Tree& tree = ensemble_.trees.emplace_back();
    tree.nodes.resize(nodes_.size());
    std::transform(nodes_.begin(), nodes_.end(), statistics_.begin(), tree.nodes.begin(), ToNode);
    return absl::OkStatus();
  }

  absl::Status ReadWeightDrop() {
    ESPALIER_ASSIGN_OR_RETURN(const size_t count, source_.ReadCount("weight_drop", sizeof(float)));
    return source_.ReadMany("weight_drop", count, fields_.weight_drop);
  }

  absl::Status ReadLinear() {
    LinearRecord record;
    ESPALIER_RETURN_IF_ERROR(source_.Read("gblinear_model_param", record));
    ESPALIER_ASSIGN_OR_RETURN(const size_t count, source_.ReadCount("weights", sizeof(float)));
    fields_.has_weights = true;
    return source_.ReadMany("weights", count, ensemble_.linear_weights);
  }

  absl::Status ReadAttributes() {
    ESPALIER_ASSIGN_OR_RETURN(const size_t count, source_.ReadCount("attributes", 2 * sizeof(uint64_t)));
    for (size_t i = 0; i < count; ++i) {
      ESPALIER_ASSIGN_OR_RETURN(const std::string_view name, source_.ReadText("attributes"));
      ESPALIER_ASSIGN_OR_RETURN(const std::string_view value, source_.ReadText("attributes"));
      if (name != "best_iteration") continue;
      if (ensemble_.best_iteration.has_value()) {
        return InvalidArgument("attributes best_iteration: is there twice");
      }
      ESPALIER_ASSIGN_OR_RETURN(const int64_t best, ParseInteger(name, value, 0, INT32_MAX));
      ensemble_.best_iteration = static_cast<uint32_t>(best);
    }
    return absl::OkStatus();
  }

  // What XGBoost before 1.0 wrote behind the attributes, and later versions do not read.
  absl::Status SkipOldTail() {
    if (ensemble_.objective == "count:poisson") {
      ESPALIER_RETURN_IF_ERROR(source_.ReadText("max_delta_step").status());
    }
    if (learner_.contain_eval_metrics == 0) return absl::OkStatus();
    ESPALIER_ASSIGN_OR_RETURN(const size_t count, source_.ReadCount("eval_metric", sizeof(uint64_t)));
    for (size_t i = 0; i < count; ++i) {
      ESPALIER_RETURN_IF_ERROR(source_.ReadText("eval_metric").status());
    }
    return absl::OkStatus();
  }

  BinarySource source_;
  const ReadLimits& limits_;
  Ensemble ensemble_;
  ModelFields fields_;
  LearnerRecord learner_ = {};
  // Of one tree; kept between trees for their memory.
  std::vector<NodeRecord> nodes_;
  std::vector<StatisticsRecord> statistics_;
};

}  // namespace

bool IsBinaryModel(std::string_view bytes) {
  if (bytes.starts_with(kMagic)) return true;
  BinarySource source(bytes);
  LearnerRecord learner;
  if (!source.Read("", learner).ok() || !source.ReadText("").ok()) return false;
  const absl::StatusOr<std::string_view> booster = source.ReadText("");
  return booster.ok() && IsBooster(*booster);
}

absl::StatusOr<Ensemble> ReadBinaryModel(std::string_view bytes, const ReadLimits& limits) {
  ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, BinaryModelReader(bytes, limits).Read());
  ensemble.format = "xgboost_binary";
  return ensemble;
}

}  // namespace espalier
