#include "models/forest/read_ensemble.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/strings/escaping.h"
#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/document_source.h"
#include "models/forest/json_source.h"
#include "models/forest/tree_columns.h"
#include "models/forest/ubjson_source.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

constexpr size_t kMaxObjectiveParameters = 64;
constexpr size_t kMaxVersionParts = 8;

// Text of a file for a message: short, and on one line.
std::string Quoted(std::string_view text) {
  return StrCat("\"", absl::Utf8SafeCHexEscape(ToAbsl(text.substr(0, 40))), text.size() > 40 ? "..." : "",
                "\"");
}

absl::Status Unimplemented(const std::string& message) {
  return absl::Status(absl::StatusCode::kUnimplemented, message);
}

absl::StatusOr<int64_t> ParseInteger(std::string_view field, std::string_view text, int64_t min,
                                     int64_t max) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || value < min || value > max) {
    return InvalidArgument(field, " ", Quoted(text), ": must be an integer from ", min, " to ", max);
  }
  return value;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// "5E-1", or "[5E-1,2E-1]" since XGBoost 3.1.
absl::StatusOr<std::vector<float>> ParseBaseScore(std::string_view text) {
  std::string_view rest = Trimmed(text);
  if (rest.size() >= 2 && rest.front() == '[' && rest.back() == ']') rest = rest.substr(1, rest.size() - 2);
  std::vector<float> scores;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view number = Trimmed(rest.substr(0, comma));
    float score = 0;
    const auto result = std::from_chars(number.data(), number.data() + number.size(), score);
    if (result.ec != std::errc() || result.ptr != number.data() + number.size()) {
      return InvalidArgument("base_score ", Quoted(text),
                             ": must be a number or a list of numbers, [5E-1,2E-1]");
    }
    scores.push_back(score);
    if (comma == std::string_view::npos) return scores;
    rest.remove_prefix(comma + 1);
  }
}

// Reads one document. The order of fields in a file is free, so that everything is collected first and put
// together in Assemble().
class EnsembleReader {
 public:
  EnsembleReader(DocumentSource& source, const ReadLimits& limits)
      : source_(source), limits_(limits), tree_fields_(TreeFields()) {}

  EnsembleReader(const EnsembleReader&) = delete;
  EnsembleReader& operator=(const EnsembleReader&) = delete;

  absl::StatusOr<Ensemble> Read() {
    ESPALIER_RETURN_IF_ERROR(ReadRoot());
    ESPALIER_RETURN_IF_ERROR(source_.Finish());
    ESPALIER_RETURN_IF_ERROR(Assemble());
    ESPALIER_RETURN_IF_ERROR(ValidateEnsemble(ensemble_, limits_));
    MarkCategoricalFeatures();
    return std::move(ensemble_);
  }

 private:
  // A field of an object, and what reads its value.
  struct Field {
    std::string_view name;
    std::function<absl::Status()> read;
    bool required = false;
  };
  using ReadOther = std::function<absl::Status(const std::string& key)>;

  // Reads the object `path`: fields by the table, all others by `other`, or skipped. Refuses a field of the
  // table that is missing, or there twice: readers disagree about which one counts.
  absl::Status ReadObject(std::string_view path, std::span<const Field> fields, const ReadOther& other = {}) {
    if (absl::Status status = source_.EnterObject(); !status.ok()) return Annotate(status, path);
    uint64_t seen = 0;
    std::string key;
    while (true) {
      const absl::StatusOr<bool> more = source_.NextKey(key);
      if (!more.ok()) return Annotate(more.status(), path);
      if (!*more) break;
      const size_t i =
          std::find_if(fields.begin(), fields.end(), [&](const Field& field) { return field.name == key; }) -
          fields.begin();
      if (i == fields.size()) {
        const absl::Status status = other ? other(key) : source_.SkipValue();
        if (!status.ok()) return Annotate(status, path);
        continue;
      }
      if ((seen >> i & 1) != 0) return InvalidArgument(path, " ", key, ": is there twice");
      seen |= uint64_t{1} << i;
      ESPALIER_RETURN_IF_ERROR(fields[i].read());
    }
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].required && (seen >> i & 1) == 0) {
        return InvalidArgument(path, " ", fields[i].name, ": is missing");
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadRoot() {
    const Field fields[] = {{"learner", [this] { return ReadLearner(); }, true},
                            {"version", [this] { return ReadVersion(); }}};
    return ReadObject("model", fields);
  }

  absl::Status ReadVersion() {
    std::vector<int32_t> parts;
    ESPALIER_RETURN_IF_ERROR(Annotate(source_.ReadIntegers(parts, kMaxVersionParts), "version"));
    for (size_t i = 0; i < parts.size(); ++i) {
      ensemble_.version += StrCat(i == 0 ? "" : ".", parts[i]);
    }
    return absl::OkStatus();
  }

  absl::Status ReadLearner() {
    const Field fields[] = {{"attributes", [this] { return ReadAttributes(); }},
                            {"feature_names", [this] { return ReadFeatureNames(); }},
                            {"feature_types", [this] { return ReadFeatureTypes(); }},
                            {"gradient_booster", [this] { return ReadBooster(); }, true},
                            {"learner_model_param", [this] { return ReadModelParameters(); }, true},
                            {"objective", [this] { return ReadObjective(); }, true}};
    return ReadObject("learner", fields);
  }

  absl::Status ReadText(std::string_view field, std::string& text) {
    return Annotate(source_.ReadText(text), field);
  }

  // A parameter: an integer, usually written as a string.
  absl::Status ReadParameter(std::string_view field, int64_t max, int64_t& value) {
    std::string text;
    ESPALIER_RETURN_IF_ERROR(ReadText(field, text));
    ESPALIER_ASSIGN_OR_RETURN(value, ParseInteger(field, text, 0, max));
    return absl::OkStatus();
  }

  absl::Status ReadAttributes() {
    const Field fields[] = {{"best_iteration", [this] {
                               int64_t value = 0;
                               ESPALIER_RETURN_IF_ERROR(ReadParameter("best_iteration", INT32_MAX, value));
                               ensemble_.best_iteration = static_cast<uint32_t>(value);
                               return absl::OkStatus();
                             }}};
    return ReadObject("attributes", fields);
  }

  // Calls `take` with each string of the array.
  template <typename Take>
  absl::Status ReadStrings(std::string_view field, size_t max_count, Take take) {
    ESPALIER_RETURN_IF_ERROR(Annotate(source_.EnterArray(), field));
    std::string text;
    for (size_t count = 0;; ++count) {
      const absl::StatusOr<bool> more = source_.NextElement();
      if (!more.ok()) return Annotate(more.status(), field);
      if (!*more) return absl::OkStatus();
      if (count == max_count) return InvalidArgument(field, ": must have at most ", max_count, " entries");
      ESPALIER_RETURN_IF_ERROR(ReadText(field, text));
      take(text);
    }
  }

  absl::Status ReadFeatureNames() {
    return ReadStrings("feature_names", limits_.max_features,
                       [this](const std::string& name) { ensemble_.feature_names.push_back(name); });
  }

  absl::Status ReadFeatureTypes() {
    return ReadStrings("feature_types", limits_.max_features, [this](const std::string& type) {
      ensemble_.feature_kinds.push_back(type == "c" ? FeatureKind::kCategorical : FeatureKind::kNumeric);
    });
  }

  absl::Status ReadModelParameters() {
    const Field fields[] = {
        {"base_score", [this] { return ReadBaseScore(); }, true},
        {"num_class", [this] { return ReadParameter("num_class", INT32_MAX, num_class_); }},
        {"num_feature", [this] { return ReadParameter("num_feature", UINT32_MAX, num_feature_); }, true},
        {"num_target", [this] { return ReadParameter("num_target", INT32_MAX, num_target_); }}};
    return ReadObject("learner_model_param", fields);
  }

  absl::Status ReadBaseScore() {
    ESPALIER_ASSIGN_OR_RETURN(const DocumentSource::Kind kind, source_.Peek());
    if (kind == DocumentSource::Kind::kArray) {
      return Annotate(source_.ReadFloats(ensemble_.base_score, limits_.max_outputs), "base_score");
    }
    std::string text;
    ESPALIER_RETURN_IF_ERROR(ReadText("base_score", text));
    ESPALIER_ASSIGN_OR_RETURN(ensemble_.base_score, ParseBaseScore(text));
    return absl::OkStatus();
  }

  absl::Status ReadObjective() {
    const Field fields[] = {{"name", [this] { return ReadText("objective", ensemble_.objective); }, true}};
    return ReadObject("objective", fields, [this](const std::string& name) -> absl::Status {
      ESPALIER_ASSIGN_OR_RETURN(const DocumentSource::Kind kind, source_.Peek());
      if (kind != DocumentSource::Kind::kObject) return source_.SkipValue();
      return ReadObject(name, {}, [this](const std::string& key) { return ReadObjectiveParameter(key); });
    });
  }

  absl::Status ReadObjectiveParameter(const std::string& name) {
    ESPALIER_ASSIGN_OR_RETURN(const DocumentSource::Kind kind, source_.Peek());
    if (kind != DocumentSource::Kind::kScalar) return source_.SkipValue();
    if (ensemble_.objective_parameters.size() == kMaxObjectiveParameters) {
      return InvalidArgument("must have at most ", kMaxObjectiveParameters, " parameters");
    }
    auto& parameter = ensemble_.objective_parameters.emplace_back(name, "");
    return source_.ReadText(parameter.second);
  }

  absl::Status ReadBooster() {
    const Field fields[] = {{"name", [this] { return ReadText("gradient_booster name", booster_); }, true},
                            {"model", [this] { return ReadModel(); }},
                            {"gbtree", [this] { return ReadBoosterOfDart(); }},
                            {"weight_drop", [this] { return ReadWeights(); }}};
    return ReadObject("gradient_booster", fields);
  }

  absl::Status ReadBoosterOfDart() {
    const Field fields[] = {{"model", [this] { return ReadModel(); }}};
    return ReadObject("gradient_booster gbtree", fields);
  }

  absl::Status ReadWeights() {
    return Annotate(source_.ReadFloats(weights_, limits_.max_trees), "weight_drop");
  }

  absl::Status ReadModel() {
    if (has_model_) return InvalidArgument("gradient_booster model: is there twice");
    has_model_ = true;
    const Field fields[] = {
        {"cats", [this] { return ReadCategoryEncodings(); }},
        {"gbtree_model_param", [this] { return ReadTreesParameters(); }},
        {"iteration_indptr", [this] { return ReadIntegers("iteration_indptr", iteration_indptr_, 1); }},
        {"tree_info", [this] { return ReadIntegers("tree_info", tree_info_, 0); }},
        {"trees", [this] { return ReadTrees(); }},
        {"weight_drop", [this] { return ReadWeights(); }}};
    return ReadObject("gradient_booster model", fields);
  }

  absl::Status ReadIntegers(std::string_view field, std::vector<int32_t>& values, size_t more_than_trees) {
    return Annotate(source_.ReadIntegers(values, limits_.max_trees + more_than_trees), field);
  }

  absl::Status ReadTreesParameters() {
    const Field fields[] = {
        {"num_parallel_tree",
         [this] { return ReadParameter("num_parallel_tree", INT32_MAX, num_parallel_tree_); }},
        {"num_trees", [this] { return ReadParameter("num_trees", INT32_MAX, num_trees_); }}};
    return ReadObject("gbtree_model_param", fields);
  }

  // Since 3.1 a model that was trained on a data frame holds the categories themselves, by which it recodes
  // its input. Models whose input are codes have none.
  absl::Status ReadCategoryEncodings() {
    const Field fields[] = {{"enc", [this] { return ReadEncodings(); }}};
    return ReadObject("cats", fields);
  }

  absl::Status ReadEncodings() {
    ESPALIER_RETURN_IF_ERROR(Annotate(source_.EnterArray(), "cats enc"));
    std::vector<float> values;
    const Field fields[] = {
        {"values", [&] { return Annotate(source_.ReadFloats(values, SIZE_MAX), "cats values"); }}};
    for (size_t feature = 0;; ++feature) {
      ESPALIER_ASSIGN_OR_RETURN(const bool more, source_.NextElement());
      if (!more) return absl::OkStatus();
      values.clear();
      ESPALIER_RETURN_IF_ERROR(ReadObject("cats enc", fields));
      if (values.empty()) continue;
      return Unimplemented(
          StrCat("cats of feature ", feature,
                 ": category encodings of data frames (XGBoost 3.1) are not supported; train on "
                 "category codes"));
    }
  }

  absl::Status ReadTrees() {
    ESPALIER_RETURN_IF_ERROR(Annotate(source_.EnterArray(), "trees"));
    while (true) {
      ESPALIER_ASSIGN_OR_RETURN(const bool more, source_.NextElement());
      if (!more) break;
      const size_t index = ensemble_.trees.size();
      if (index == limits_.max_trees) return InvalidArgument("trees: must be at most ", limits_.max_trees);
      if (absl::Status status = ReadTree(); !status.ok()) {
        return Error(status.code(), "tree ", index, ", ", Message(status));
      }
    }
    has_trees_ = true;
    return absl::OkStatus();
  }

  absl::Status ReadTree() {
    columns_.Clear();
    ESPALIER_RETURN_IF_ERROR(ReadObject("fields", tree_fields_));
    ESPALIER_ASSIGN_OR_RETURN(Tree tree, ToTree(columns_));
    ensemble_.trees.push_back(std::move(tree));
    return absl::OkStatus();
  }

  std::vector<Field> TreeFields() {
    // Vector leaves have arrays of more entries; ToTree refuses them by name when all are read.
    const auto integers = [this](std::string_view name, std::vector<int32_t>& column) {
      return Field{name, [this, name, &column] {
                     return Annotate(source_.ReadIntegers(column, limits_.max_nodes_per_tree), name);
                   }};
    };
    const auto floats = [this](std::string_view name, std::vector<float>& column) {
      return Field{name, [this, name, &column] {
                     return Annotate(source_.ReadFloats(column, limits_.max_nodes_per_tree), name);
                   }};
    };
    return {
        integers("left_children", columns_.left_children),
        integers("right_children", columns_.right_children),
        integers("split_indices", columns_.split_indices),
        floats("split_conditions", columns_.split_conditions),
        integers("default_left", columns_.default_left),
        floats("sum_hessian", columns_.sum_hessian),
        integers("split_type", columns_.split_type),
        integers("categories_nodes", columns_.categories_nodes),
        integers("categories_segments", columns_.categories_segments),
        integers("categories_sizes", columns_.categories_sizes),
        {"categories",
         [this] { return Annotate(source_.ReadIntegers(columns_.categories, kMaxCategory), "categories"); }},
        {"tree_param", [this] { return ReadTreeParameters(); }}};
  }

  absl::Status ReadTreeParameters() {
    const Field fields[] = {
        {"num_nodes", [this] { return ReadParameter("num_nodes", INT32_MAX, columns_.num_nodes); }},
        {"size_leaf_vector",
         [this] { return ReadParameter("size_leaf_vector", INT32_MAX, columns_.size_leaf_vector); }}};
    return ReadObject("tree_param", fields);
  }

  absl::Status Assemble() {
    ESPALIER_RETURN_IF_ERROR(CheckBooster());
    ESPALIER_RETURN_IF_ERROR(SetOutputs());
    if (num_trees_ >= 0 && static_cast<uint64_t>(num_trees_) != ensemble_.trees.size()) {
      return InvalidArgument("num_trees ", num_trees_, ": must be the ", ensemble_.trees.size(),
                             " trees of the file");
    }
    if (tree_info_.size() != ensemble_.trees.size()) {
      return InvalidArgument("tree_info has ", tree_info_.size(), " entries: must be the number of trees, ",
                             ensemble_.trees.size());
    }
    for (size_t i = 0; i < tree_info_.size(); ++i) {
      if (tree_info_[i] < 0)
        return InvalidArgument("tree ", i, ", tree_info ", tree_info_[i], ": must be >= 0");
      ensemble_.trees[i].output = static_cast<uint32_t>(tree_info_[i]);
    }
    ESPALIER_RETURN_IF_ERROR(SetWeights());
    return iteration_indptr_.empty() ? CountIterations() : SetIterations();
  }

  absl::Status CheckBooster() const {
    if (booster_ != "gbtree" && booster_ != "dart") {
      return Unimplemented(
          StrCat("gradient_booster ", Quoted(booster_), ": only gbtree and dart are supported"));
    }
    if (!has_trees_) return InvalidArgument("gradient_booster model trees: is missing");
    return absl::OkStatus();
  }

  absl::Status SetOutputs() {
    if (num_class_ > 1 && num_target_ > 1) {
      return Unimplemented(StrCat("num_class ", num_class_, " and num_target ", num_target_,
                                  ": several targets of several classes are not supported"));
    }
    const int64_t outputs = std::max<int64_t>({num_class_, num_target_, 1});
    ensemble_.num_features = static_cast<uint32_t>(num_feature_);
    ensemble_.num_outputs = static_cast<uint32_t>(outputs);
    ensemble_.num_class = static_cast<uint32_t>(num_class_);
    return absl::OkStatus();
  }

  // Trees after the last weight (of a dart that went on as gbtree) weigh 1.
  absl::Status SetWeights() {
    if (weights_.size() > ensemble_.trees.size()) {
      return InvalidArgument("weight_drop has ", weights_.size(),
                             " entries: must be at most the number of trees, ", ensemble_.trees.size());
    }
    for (size_t i = 0; i < weights_.size(); ++i) ensemble_.trees[i].weight = weights_[i];
    return absl::OkStatus();
  }

  // iteration_indptr: iteration k holds the trees [indptr[k], indptr[k + 1]).
  absl::Status SetIterations() {
    const auto trees = static_cast<int64_t>(ensemble_.trees.size());
    if (iteration_indptr_.front() != 0 || iteration_indptr_.back() != trees) {
      return InvalidArgument("iteration_indptr from ", iteration_indptr_.front(), " to ",
                             iteration_indptr_.back(), ": must be from 0 to the number of trees, ", trees);
    }
    for (size_t k = 0; k + 1 < iteration_indptr_.size(); ++k) {
      if (iteration_indptr_[k + 1] < iteration_indptr_[k] || iteration_indptr_[k + 1] > trees) {
        return InvalidArgument("iteration_indptr[", k + 1, "] ", iteration_indptr_[k + 1],
                               ": must not be less than the one before it, nor more than ", trees);
      }
      for (int32_t i = iteration_indptr_[k]; i < iteration_indptr_[k + 1]; ++i) {
        ensemble_.trees[i].iteration = static_cast<uint32_t>(k);
      }
    }
    ensemble_.num_iterations = static_cast<uint32_t>(iteration_indptr_.size() - 1);
    return absl::OkStatus();
  }

  // Before XGBoost 2.0 an iteration is a tree for each group and parallel tree; which is also how XGBoost
  // takes the files of before 1.6, that do not say how many parallel trees there were.
  absl::Status CountIterations() {
    if (tree_info_.empty()) return absl::OkStatus();
    const int64_t groups = int64_t{*std::max_element(tree_info_.begin(), tree_info_.end())} + 1;
    const int64_t per_iteration = groups * std::max<int64_t>(num_parallel_tree_, 1);
    const auto trees = static_cast<int64_t>(ensemble_.trees.size());
    if (trees % per_iteration != 0) {
      return InvalidArgument("num_trees ", trees, ": must be a multiple of ", per_iteration,
                             " (groups x num_parallel_tree)");
    }
    for (int64_t i = 0; i < trees; ++i)
      ensemble_.trees[i].iteration = static_cast<uint32_t>(i / per_iteration);
    ensemble_.num_iterations = static_cast<uint32_t>(trees / per_iteration);
    return absl::OkStatus();
  }

  // Files without feature_types say by their splits which features are categories.
  void MarkCategoricalFeatures() {
    for (const Tree& tree : ensemble_.trees) {
      if (tree.categories.empty()) continue;
      ensemble_.feature_kinds.resize(ensemble_.num_features, FeatureKind::kNumeric);
      for (const TreeNode& node : tree.nodes) {
        if (!node.categorical || node.left == -1 || node.feature >= ensemble_.num_features) continue;
        ensemble_.feature_kinds[node.feature] = FeatureKind::kCategorical;
      }
    }
  }

  DocumentSource& source_;
  const ReadLimits& limits_;
  Ensemble ensemble_;
  TreeColumns columns_;
  const std::vector<Field> tree_fields_;
  std::string booster_;
  bool has_model_ = false;
  bool has_trees_ = false;
  std::vector<int32_t> tree_info_;
  std::vector<int32_t> iteration_indptr_;
  std::vector<float> weights_;
  int64_t num_class_ = 0;
  int64_t num_target_ = 1;
  int64_t num_feature_ = 0;
  int64_t num_trees_ = -1;
  int64_t num_parallel_tree_ = 1;
};

// UBJSON: after the brace a count, or the type of the length of the first key. JSON: a quote, space or brace.
bool IsUbjson(std::string_view bytes) {
  constexpr std::string_view kAfterBrace = "LlIiU#$N";
  return bytes.size() >= 2 && bytes[0] == '{' && kAfterBrace.find(bytes[1]) != std::string_view::npos;
}

bool IsJson(std::string_view bytes) { return !Trimmed(bytes).empty() && Trimmed(bytes).front() == '{'; }

}  // namespace

absl::StatusOr<Ensemble> ReadEnsemble(std::string_view bytes, const ReadLimits& limits) {
  if (IsUbjson(bytes)) {
    UbjsonSource source(bytes);
    ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, EnsembleReader(source, limits).Read());
    ensemble.format = "xgboost_ubj";
    return ensemble;
  }
  if (IsJson(bytes)) {
    JsonSource source(bytes);
    ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, EnsembleReader(source, limits).Read());
    ensemble.format = "xgboost_json";
    return ensemble;
  }
  if (bytes.substr(0, 4) == "binf") {
    return Unimplemented("XGBoost's old binary format is not supported; save the model as .json or .ubj");
  }
  if (bytes.empty()) return InvalidArgument("the model is empty: must be XGBoost's JSON or UBJSON");
  return InvalidArgument("the model starts with ", Quoted(bytes.substr(0, 8)),
                         ": must be XGBoost's JSON or UBJSON");
}

absl::StatusOr<Ensemble> ReadEnsembleFile(const std::string& path, const ReadLimits& limits) {
  ESPALIER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes, limits);
  if (!ensemble.ok()) return Annotate(ensemble.status(), path);
  return ensemble;
}

}  // namespace espalier
