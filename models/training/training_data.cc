#include "models/training/training_data.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "models/base/csv.h"
#include "models/base/file.h"
#include "models/base/sha256.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using Fields = std::vector<std::string_view>;

// XGBoost keeps categories in bit sets indexed by a float.
constexpr float kMaxCategory = 16'777'216;

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// A RowRange bound to its column.
class RowFilter {
 public:
  RowFilter(const RowRange& range, size_t column) : range_(range), column_(column) {
    const auto low = ParseNumber(range.low), high = ParseNumber(range.high);
    numeric_ = low.has_value() && high.has_value();
    if (numeric_) low_ = *low, high_ = *high;
  }

  // A missing value lies in no range.
  bool Matches(const Fields& fields) const {
    const std::string_view text = fields[column_];
    if (!numeric_) {
      return !text.empty() && (range_.low.empty() || text >= range_.low) &&
             (range_.high.empty() || text <= range_.high);
    }
    const std::optional<double> value = ParseNumber(text);
    return value && !std::isnan(*value) && !(*value < low_) && !(*value > high_);
  }

 private:
  RowRange range_;
  size_t column_;
  bool numeric_ = false;
  // NaN, as an empty bound reads, excludes nothing.
  double low_ = 0;
  double high_ = 0;
};

// Reads one table; lives for one call.
class TableReader {
 public:
  TableReader(const TrainingSpec& spec, std::string_view bytes, std::string_view name)
      : spec_(spec), name_(name), reader_(bytes) {}

  absl::StatusOr<TrainingData> Read() {
    ESPALIER_RETURN_IF_ERROR(ReadHeader());
    Fields fields;
    while (reader_.Next(fields)) ESPALIER_RETURN_IF_ERROR(AddRow(fields));
    if (!reader_.status().ok()) return Annotate(reader_.status(), name_);
    ESPALIER_RETURN_IF_ERROR(CheckRows());
    return std::move(data_);
  }

 private:
  absl::Status ReadHeader() {
    Fields fields;
    if (!reader_.Next(fields)) {
      return reader_.status().ok() ? InvalidArgument(name_, " is empty; a header row is needed")
                                   : Annotate(reader_.status(), name_);
    }
    header_.assign(fields.begin(), fields.end());
    ESPALIER_ASSIGN_OR_RETURN(label_, Column(spec_.label, "label"));
    if (!spec_.weight.empty()) {
      ESPALIER_ASSIGN_OR_RETURN(weight_, Column(spec_.weight, "weight"));
    }
    ESPALIER_RETURN_IF_ERROR(ChooseFeatures());
    for (const RowRange& range : spec_.where) {
      ESPALIER_ASSIGN_OR_RETURN(const size_t column, Column(range.column, "where"));
      where_.emplace_back(range, column);
    }
    if (spec_.valid) {
      ESPALIER_ASSIGN_OR_RETURN(const size_t column, Column(spec_.valid->column, "valid"));
      valid_.emplace(*spec_.valid, column);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Column(std::string_view name, std::string_view role) const {
    if (const auto index = FindColumn(header_, name)) return *index;
    std::string known;
    for (const std::string& column : header_) known += (known.empty() ? "" : ", ") + column;
    return InvalidArgument(name_, " has no column ", name, " (", role, "); it has ", known);
  }

  absl::Status ChooseFeatures() {
    for (const std::string& name : spec_.drop) ESPALIER_RETURN_IF_ERROR(Column(name, "drop").status());
    data_.features = spec_.features;
    if (data_.features.empty()) data_.features = header_;
    std::erase_if(data_.features, [&](const std::string& name) {
      return name == spec_.label || name == spec_.weight || Contains(spec_.drop, name);
    });
    if (data_.features.empty()) return InvalidArgument(name_, " leaves no column to learn from");
    for (const std::string& name : data_.features) {
      ESPALIER_ASSIGN_OR_RETURN(const size_t column, Column(name, "feature"));
      columns_.push_back(column);
      data_.categorical.push_back(Contains(spec_.categorical, name));
    }
    for (const std::string& name : spec_.categorical) {
      if (!Contains(data_.features, name))
        return InvalidArgument("categorical: ", name, " is not among the features");
    }
    return absl::OkStatus();
  }

  absl::Status AddRow(const Fields& fields) {
    if (fields.size() != header_.size()) {
      return InvalidArgument(name_, " line ", reader_.line(), " has ", fields.size(),
                             " fields; the header has ", header_.size());
    }
    if (!std::all_of(where_.begin(), where_.end(), [&](const RowFilter& w) { return w.Matches(fields); })) {
      return absl::OkStatus();
    }
    LabelledRows& rows = valid_ && valid_->Matches(fields) ? data_.valid : data_.train;
    ESPALIER_ASSIGN_OR_RETURN(const float label, Cell(fields, label_));
    ESPALIER_RETURN_IF_ERROR(CheckLabel(label));
    rows.labels.push_back(label);
    if (weight_) {
      ESPALIER_ASSIGN_OR_RETURN(const float weight, Cell(fields, *weight_));
      if (!(weight >= 0) || std::isinf(weight)) return BadCell(*weight_, fields, "a weight of at least 0");
      rows.weights.push_back(weight);
    }
    for (size_t i = 0; i < columns_.size(); ++i) {
      ESPALIER_ASSIGN_OR_RETURN(const float value, Cell(fields, columns_[i]));
      if (data_.categorical[i] && !IsCategory(value))
        return BadCell(columns_[i], fields, "a whole number from 0");
      rows.values.push_back(value);
    }
    return absl::OkStatus();
  }

  static bool IsCategory(float value) {
    return std::isnan(value) || (value >= 0 && value < kMaxCategory && value == std::floor(value));
  }

  absl::StatusOr<float> Cell(const Fields& fields, size_t column) const {
    const std::optional<double> value = ParseNumber(fields[column]);
    if (!value) return BadCell(column, fields, "a number (or leave the column out with drop)");
    return static_cast<float>(*value);
  }

  absl::Status BadCell(size_t column, const Fields& fields, std::string_view allowed) const {
    return InvalidArgument(name_, " line ", reader_.line(), " column ", header_[column], ": ",
                           fields[column].empty() ? "an empty cell" : fields[column], " is not ", allowed);
  }

  absl::Status CheckLabel(float label) const {
    std::string_view allowed;
    if (!std::isfinite(label)) {
      allowed = "a label must be a finite number";
    } else if (IsBinary(spec_) && (label < 0 || label > 1)) {
      allowed = "labels must be from 0 to 1";
    } else if (IsMulticlass(spec_) && !(label >= 0 && label < 65'536 && label == std::floor(label))) {
      allowed = "labels must be whole numbers from 0 to 65535";
    } else {
      return absl::OkStatus();
    }
    const std::string shown = std::isnan(label) ? "missing" : StrCat(label);
    return InvalidArgument(name_, " line ", reader_.line(), ": label ", spec_.label, " is ", shown, "; for ",
                           spec_.objective, " ", allowed);
  }

  absl::Status CheckRows() const {
    const std::vector<float>& labels = data_.train.labels;
    if (labels.empty()) {
      return InvalidArgument(name_, " has no rows to train on",
                             spec_.where.empty() && !spec_.valid ? "" : ": where and valid leave none");
    }
    if (spec_.valid && data_.valid.labels.empty()) {
      return InvalidArgument(name_, " has no validation rows with ", spec_.valid->column, " from ",
                             spec_.valid->low, " to ", spec_.valid->high);
    }
    if ((IsBinary(spec_) || IsMulticlass(spec_)) &&
        std::all_of(labels.begin(), labels.end(), [&](float label) { return label == labels.front(); })) {
      return InvalidArgument(name_, ": all ", labels.size(), " training rows have the label ", labels.front(),
                             "; ", spec_.objective, " needs at least two classes");
    }
    const std::vector<float>& weights = data_.train.weights;
    if (weight_ && std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 0; })) {
      return InvalidArgument(name_, ": all training rows have the weight 0");
    }
    return absl::OkStatus();
  }

  const TrainingSpec& spec_;
  const std::string_view name_;
  CsvReader reader_;
  std::vector<std::string> header_;
  size_t label_ = 0;
  std::optional<size_t> weight_;
  // Of each feature.
  std::vector<size_t> columns_;
  std::vector<RowFilter> where_;
  std::optional<RowFilter> valid_;
  TrainingData data_;
};

}  // namespace

absl::StatusOr<TrainingData> ParseTrainingData(const TrainingSpec& spec, std::string_view bytes,
                                               std::string_view name) {
  ESPALIER_RETURN_IF_ERROR(ValidateTrainingSpec(spec));
  ESPALIER_ASSIGN_OR_RETURN(TrainingData data, TableReader(spec, bytes, name).Read());
  data.sha256 = Sha256Hex(bytes);
  return data;
}

absl::StatusOr<TrainingData> ReadTrainingData(const TrainingSpec& spec) {
  ESPALIER_RETURN_IF_ERROR(ValidateTrainingSpec(spec));
  ESPALIER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(spec.input));
  return ParseTrainingData(spec, bytes, spec.input);
}

}  // namespace espalier
