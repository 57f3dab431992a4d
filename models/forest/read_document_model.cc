#include "models/forest/read_document_model.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/category_column.h"
#include "models/forest/field_text.h"
#include "models/forest/model_fields.h"
#include "models/forest/tree_columns.h"
#include "models/forest/validate_ensemble.h"

namespace espalier {
namespace {

constexpr size_t kMaxObjectiveParameters = 64;
constexpr size_t kMaxVersionParts = 8;

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
// together in FinishEnsemble().
class EnsembleReader {
 public:
  EnsembleReader(DocumentSource& source, const ReadLimits& limits)
      : source_(source), limits_(limits), tree_fields_(TreeFields()) {}

  EnsembleReader(const EnsembleReader&) = delete;
  EnsembleReader& operator=(const EnsembleReader&) = delete;

  absl::StatusOr<Ensemble> Read() {
    ESPALIER_RETURN_IF_ERROR(ReadRoot());
    ESPALIER_RETURN_IF_ERROR(source_.Finish());
    ESPALIER_RETURN_IF_ERROR(FinishEnsemble(fields_, limits_, ensemble_));
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
        {"num_class", [this] { return ReadParameter("num_class", INT32_MAX, fields_.num_class); }},
        {"num_feature", [this] { return ReadParameter("num_feature", UINT32_MAX, fields_.num_feature); },
         true},
        {"num_target", [this] { return ReadParameter("num_target", INT32_MAX, fields_.num_target); }}};
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
      // A name of the file, which may be anything.
      return ReadObject(Quoted(name), {},
                        [this](const std::string& key) { return ReadObjectiveParameter(key); });
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
    const Field fields[] = {
        {"name", [this] { return ReadText("gradient_booster name", fields_.booster); }, true},
        {"model", [this] { return ReadModel(); }},
        {"gbtree", [this] { return ReadBoosterOfDart(); }},
        {"weight_drop", [this] { return ReadWeightDrop(); }}};
    return ReadObject("gradient_booster", fields);
  }

  absl::Status ReadBoosterOfDart() {
    const Field fields[] = {{"model", [this] { return ReadModel(); }}};
    return ReadObject("gradient_booster gbtree", fields);
  }

  // Of gblinear: one a feature and output, and one an output (the biases) last.
  absl::Status ReadLinearWeights() {
    fields_.has_weights = true;
    const size_t limit = (size_t{limits_.max_features} + 1) * limits_.max_outputs;
    return Annotate(source_.ReadFloats(ensemble_.linear_weights, limit), "weights");
  }

  absl::Status ReadWeightDrop() {
    return Annotate(source_.ReadFloats(fields_.weight_drop, limits_.max_trees), "weight_drop");
  }

  absl::Status ReadModel() {
    if (has_model_) return InvalidArgument("gradient_booster model: is there twice");
    has_model_ = true;
    const Field fields[] = {
        {"cats", [this] { return ReadCategoryEncodings(); }},
        {"gbtree_model_param", [this] { return ReadTreesParameters(); }},
        {"iteration_indptr",
         [this] { return ReadIntegers("iteration_indptr", fields_.iteration_indptr, 1); }},
        {"tree_info", [this] { return ReadIntegers("tree_info", fields_.tree_info, 0); }},
        {"trees", [this] { return ReadTrees(); }},
        {"weight_drop", [this] { return ReadWeightDrop(); }},
        {"weights", [this] { return ReadLinearWeights(); }}};
    return ReadObject("gradient_booster model", fields);
  }

  absl::Status ReadIntegers(std::string_view field, std::vector<int32_t>& values, size_t more_than_trees) {
    return Annotate(source_.ReadIntegers(values, limits_.max_trees + more_than_trees), field);
  }

  absl::Status ReadTreesParameters() {
    const Field fields[] = {
        {"num_parallel_tree",
         [this] { return ReadParameter("num_parallel_tree", INT32_MAX, fields_.num_parallel_tree); }},
        {"num_trees", [this] { return ReadParameter("num_trees", INT32_MAX, fields_.num_trees); }}};
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
    CategoryColumn column;
    const auto integers = [&](std::string_view name, std::vector<int32_t>& values) {
      return Field{name,
                   [this, name, &values] { return Annotate(source_.ReadIntegers(values, INT32_MAX), name); }};
    };
    const Field fields[] = {integers("offsets", column.offsets), integers("values", column.values)};
    for (size_t feature = 0;; ++feature) {
      ESPALIER_ASSIGN_OR_RETURN(const bool more, source_.NextElement());
      if (!more) return absl::OkStatus();
      if (feature == limits_.max_features) {
        return InvalidArgument("cats enc: must have at most ", limits_.max_features, " entries");
      }
      column.Clear();
      const std::string place = StrCat("cats of feature ", feature);
      ESPALIER_RETURN_IF_ERROR(Annotate(ReadObject("enc", fields), place));
      absl::StatusOr<std::vector<std::string>> names = ToCategoryNames(column);
      if (!names.ok()) return Annotate(names.status(), place);
      ensemble_.category_names.push_back(*std::move(names));
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
    fields_.has_trees = true;
    return absl::OkStatus();
  }

  absl::Status ReadTree() {
    columns_.Clear();
    base_weights_.reset();
    ESPALIER_RETURN_IF_ERROR(ReadObject("fields", tree_fields_));
    ESPALIER_RETURN_IF_ERROR(ReadVectorLeaves());
    ESPALIER_ASSIGN_OR_RETURN(Tree tree, ToTree(columns_));
    ensemble_.trees.push_back(std::move(tree));
    return absl::OkStatus();
  }

  absl::Status ReadVectorLeaves() {
    const int64_t width = std::max<int64_t>(columns_.size_leaf_vector, 1);
    if (!ensemble_.trees.empty() && width != fields_.size_leaf_vector) {
      return InvalidArgument("size_leaf_vector ", width, ": must be ", fields_.size_leaf_vector,
                             " as in the trees before");
    }
    fields_.size_leaf_vector = width;
    if (!columns_.HasVectorLeaves() || !columns_.leaf_weights.empty() || !base_weights_.has_value()) {
      return absl::OkStatus();
    }
    return Annotate(source_.ReadFloatsAt(*base_weights_, columns_.base_weights, MaxLeafWeights()),
                    "base_weights");
  }

  size_t MaxLeafWeights() const { return size_t{limits_.max_nodes_per_tree} * limits_.max_outputs; }

  std::vector<Field> TreeFields() {
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
        {"base_weights",
         [this] {
           base_weights_ = source_.Position();
           return Annotate(source_.SkipValue(), "base_weights");
         }},
        {"leaf_weights",
         [this] {
           return Annotate(source_.ReadFloats(columns_.leaf_weights, MaxLeafWeights()), "leaf_weights");
         }},
        {"tree_param", [this] { return ReadTreeParameters(); }}};
  }

  absl::Status ReadTreeParameters() {
    const Field fields[] = {
        {"num_nodes", [this] { return ReadParameter("num_nodes", INT32_MAX, columns_.num_nodes); }},
        {"size_leaf_vector",
         [this] { return ReadParameter("size_leaf_vector", INT32_MAX, columns_.size_leaf_vector); }}};
    return ReadObject("tree_param", fields);
  }

  DocumentSource& source_;
  const ReadLimits& limits_;
  Ensemble ensemble_;
  TreeColumns columns_;
  // Where the tree's base_weights are: only trees with vector leaves need them, and say so later.
  std::optional<size_t> base_weights_;
  const std::vector<Field> tree_fields_;
  ModelFields fields_;
  bool has_model_ = false;
};

}  // namespace

absl::StatusOr<Ensemble> ReadDocumentModel(DocumentSource& source, const ReadLimits& limits) {
  return EnsembleReader(source, limits).Read();
}

}  // namespace espalier
