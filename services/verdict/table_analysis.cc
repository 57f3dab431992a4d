#include "services/verdict/table_analysis.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "models/base/csv.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/utf8.h"
#include "router/stats/sentence.h"
#include "router/stats/unit_table.h"

namespace espalier {
namespace {

constexpr size_t kMaxVariants = 100;

// Where the columns of a spec stand.
struct Columns {
  size_t variant = 0;
  std::optional<size_t> unit;
  std::optional<size_t> covariate;
  std::vector<size_t> metrics;
  std::vector<size_t> denominators;  // that of a ratio, else the metric's own
};

using Fields = std::vector<std::string_view>;

absl::StatusOr<size_t> ColumnNamed(const std::vector<std::string>& header, const std::string& name) {
  const std::optional<size_t> column = FindColumn(header, name);
  if (column.has_value()) {
    if (std::count(header.begin(), header.end(), name) == 1) return *column;
    return InvalidArgument("column \"", name, "\" stands twice in the header");
  }
  std::string known;
  for (const std::string& each : header) absl::StrAppend(&known, known.empty() ? "" : ", ", each);
  return InvalidArgument("column \"", name, "\" is not in the table; it has ", known);
}

absl::StatusOr<Columns> FindColumns(const std::vector<std::string>& header, const TableSpec& spec) {
  Columns columns;
  ESPALIER_ASSIGN_OR_RETURN(columns.variant, ColumnNamed(header, spec.variant));
  if (!spec.unit.empty()) {
    ESPALIER_ASSIGN_OR_RETURN(columns.unit, ColumnNamed(header, spec.unit));
  }
  if (!spec.covariate.empty()) {
    ESPALIER_ASSIGN_OR_RETURN(columns.covariate, ColumnNamed(header, spec.covariate));
  }
  for (const TableMetric& metric : spec.metrics) {
    ESPALIER_ASSIGN_OR_RETURN(const size_t column, ColumnNamed(header, metric.column));
    columns.metrics.push_back(column);
    if (metric.type != MetricType::kRatio) {
      columns.denominators.push_back(column);
      continue;
    }
    ESPALIER_ASSIGN_OR_RETURN(const size_t denominator, ColumnNamed(header, metric.denominator));
    columns.denominators.push_back(denominator);
  }
  return columns;
}

// One pass over the records, each as long as the header.
template <typename Visit>
absl::Status ForEachRecord(std::string_view csv, std::vector<std::string>& header, Visit visit) {
  CsvReader reader(csv);
  Fields fields;
  if (!reader.Next(fields)) {
    ESPALIER_RETURN_IF_ERROR(reader.status());
    return InvalidArgument("the table is empty; it needs a header row");
  }
  header.assign(fields.begin(), fields.end());
  while (reader.Next(fields)) {
    if (fields.size() != header.size()) {
      return InvalidArgument("line ", reader.line(), ": ", fields.size(), " fields, the header has ",
                             header.size());
    }
    ESPALIER_RETURN_IF_ERROR(visit(fields, reader.line()));
  }
  return reader.status();
}

// The report is text, and JSON takes no other.
absl::Status CheckUtf8(std::string_view csv) {
  uint64_t line = 1;
  while (!csv.empty()) {
    const size_t length = DecodeUtf8(csv).length;
    if (length == 0) return InvalidArgument("line ", line, ": is not valid UTF-8");
    if (csv.front() == '\n') ++line;
    csv.remove_prefix(length);
  }
  return absl::OkStatus();
}

// NaN: missing.
absl::StatusOr<double> NumberAt(const Fields& fields, size_t column, const std::vector<std::string>& header,
                                uint64_t line) {
  const std::optional<double> value = ParseNumber(fields[column]);
  if (!value.has_value() || std::isinf(*value)) {
    return InvalidArgument("line ", line, ", column ", header[column], ": \"", fields[column].substr(0, 40),
                           "\" is not a finite number");
  }
  return *value;
}

// The variants in the order of the report.
absl::StatusOr<std::vector<VariantPlan>> FindVariants(std::string_view csv, const TableSpec& spec) {
  std::set<std::string, std::less<>> keys;
  std::vector<std::string> header;
  std::optional<size_t> column;
  ESPALIER_RETURN_IF_ERROR(
      ForEachRecord(csv, header, [&](const Fields& fields, uint64_t line) -> absl::Status {
        if (!column.has_value()) {
          ESPALIER_ASSIGN_OR_RETURN(column, ColumnNamed(header, spec.variant));
        }
        if (!keys.contains(fields[*column])) keys.emplace(fields[*column]);
        if (keys.size() <= kMaxVariants) return absl::OkStatus();
        return InvalidArgument("line ", line, ": column ", spec.variant, " has more than ", kMaxVariants,
                               " values; is it the variant?");
      }));
  if (!column.has_value()) {
    ESPALIER_RETURN_IF_ERROR(ColumnNamed(header, spec.variant).status());
    return InvalidArgument("the table has no rows below its header");
  }
  if (keys.erase(spec.control) == 0) {
    std::string known;
    for (const std::string& key : keys) absl::StrAppend(&known, known.empty() ? "" : ", ", key);
    return InvalidArgument("control \"", spec.control, "\" does not stand in column ", spec.variant,
                           ", which has ", known);
  }
  if (keys.empty()) return InvalidArgument("column ", spec.variant, " holds nothing but the control");
  std::vector<VariantPlan> variants = {{.key = spec.control}};
  for (const std::string& key : keys) variants.push_back({.key = key});
  return variants;
}

absl::Status SetShares(const TableSpec& spec, std::vector<VariantPlan>& variants) {
  if (spec.shares.empty()) return absl::OkStatus();
  std::set<std::string_view> keys;
  for (const auto& [key, share] : spec.shares) {
    if (!keys.insert(key).second) return InvalidArgument("shares: \"", key, "\" stands twice");
  }
  for (VariantPlan& variant : variants) {
    const auto share = std::find_if(spec.shares.begin(), spec.shares.end(),
                                    [&](const auto& each) { return each.first == variant.key; });
    if (share == spec.shares.end()) return InvalidArgument("shares: variant \"", variant.key, "\" has none");
    variant.share = share->second;
  }
  for (const auto& [key, share] : spec.shares) {
    const bool known = std::any_of(variants.begin(), variants.end(),
                                   [&key = key](const VariantPlan& variant) { return variant.key == key; });
    if (!known) return InvalidArgument("shares: \"", key, "\" does not stand in column ", spec.variant);
  }
  const bool some = std::any_of(variants.begin(), variants.end(),
                                [](const VariantPlan& variant) { return variant.share > 0; });
  return some ? absl::OkStatus() : InvalidArgument("shares: all are 0; one at least must be more");
}

absl::StatusOr<AnalysisPlan> PlanOf(std::string_view csv, const TableSpec& spec) {
  AnalysisPlan plan;
  plan.experiment = spec.name;
  ESPALIER_ASSIGN_OR_RETURN(plan.variants, FindVariants(csv, spec));
  ESPALIER_RETURN_IF_ERROR(SetShares(spec, plan.variants));
  for (const TableMetric& metric : spec.metrics) {
    MetricPlan added;
    added.name = metric.type == MetricType::kRatio ? metric.column + "/" + metric.denominator : metric.column;
    added.type = metric.type;
    added.up_is_better = metric.up_is_better;
    added.adjusted = !spec.covariate.empty();
    plan.metrics.push_back(std::move(added));
  }
  plan.engine = spec.engine;
  plan.correction = spec.correction;
  plan.alpha = spec.alpha;
  plan.n_star = spec.n_star;
  return plan;
}

// Puts the records into units.
class TableReader {
 public:
  TableReader(const TableSpec& spec, const AnalysisPlan& plan) : spec_(spec), plan_(plan), units_(plan) {}

  absl::Status Read(std::string_view csv) {
    return ForEachRecord(csv, header_, [this](const Fields& fields, uint64_t line) -> absl::Status {
      if (rows_++ == 0) {
        ESPALIER_ASSIGN_OR_RETURN(columns_, FindColumns(header_, spec_));
      }
      return Take(fields, line);
    });
  }

  AnalysisInput Collect() const {
    AnalysisInput input = units_.Collect();
    input.exposures = rows_ - without_unit_;
    return input;
  }

  std::vector<std::string> Notes() const {
    std::vector<std::string> notes;
    if (without_unit_ > 0) {
      notes.push_back(StrCat(WithCommas(without_unit_), " rows left out: their unit is empty"));
    }
    if (units_.excluded() > 0) {
      notes.push_back(
          StrCat(WithCommas(units_.excluded()), " units left out: seen in more than one variant"));
    }
    for (size_t m = 0; m < missing_.size(); ++m) {
      if (missing_[m] == 0) continue;
      notes.push_back(StrCat(plan_.metrics[m].name, ": missing in ", WithCommas(missing_[m]), " of ",
                             WithCommas(rows_ - without_unit_), " rows, which are left out of it"));
    }
    return notes;
  }

 private:
  absl::Status Take(const Fields& fields, uint64_t line) {
    if (columns_.unit.has_value() && fields[*columns_.unit].empty()) {
      ++without_unit_;
      return absl::OkStatus();
    }
    const std::string_view key = fields[columns_.variant];
    const auto variant = std::find_if(plan_.variants.begin(), plan_.variants.end(),
                                      [key](const VariantPlan& each) { return each.key == key; });
    const uint32_t v = static_cast<uint32_t>(variant - plan_.variants.begin());
    const uint32_t row =
        columns_.unit.has_value() ? units_.Find(fields[*columns_.unit], v) : units_.AddUnit(v);
    if (units_.variant(row) != v) {
      units_.Exclude(row);
      return absl::OkStatus();
    }
    double covariate = 0;
    if (columns_.covariate.has_value()) {
      ESPALIER_ASSIGN_OR_RETURN(covariate, NumberAt(fields, *columns_.covariate, header_, line));
    }
    missing_.resize(plan_.metrics.size());
    for (size_t m = 0; m < plan_.metrics.size(); ++m) {
      ESPALIER_RETURN_IF_ERROR(TakeMetric(fields, line, m, row, covariate));
    }
    return absl::OkStatus();
  }

  absl::Status TakeMetric(const Fields& fields, uint64_t line, size_t metric, uint32_t row,
                          double covariate) {
    Observation observation = {.value = 0, .weight = 1, .covariate = covariate};
    ESPALIER_ASSIGN_OR_RETURN(observation.value, NumberAt(fields, columns_.metrics[metric], header_, line));
    if (plan_.metrics[metric].type == MetricType::kRatio) {
      ESPALIER_ASSIGN_OR_RETURN(observation.weight,
                                NumberAt(fields, columns_.denominators[metric], header_, line));
    }
    if (std::isnan(observation.value) || std::isnan(observation.weight) || std::isnan(covariate)) {
      ++missing_[metric];
      return absl::OkStatus();
    }
    if (plan_.metrics[metric].type == MetricType::kProportion && observation.value != 0 &&
        observation.value != 1) {
      return InvalidArgument("line ", line, ", column ", header_[columns_.metrics[metric]],
                             ": a proportion is of 0 and 1, not \"", fields[columns_.metrics[metric]], "\"");
    }
    units_.Add(row, metric, observation);
    return absl::OkStatus();
  }

  const TableSpec& spec_;
  const AnalysisPlan& plan_;
  std::vector<std::string> header_;
  Columns columns_;
  UnitTable units_;
  uint64_t rows_ = 0;
  uint64_t without_unit_ = 0;
  std::vector<uint64_t> missing_;
};

}  // namespace

absl::StatusOr<TableMetric> ParseTableMetric(std::string_view text) {
  std::vector<std::string> parts = absl::StrSplit(ToAbsl(text), ':');
  TableMetric metric;
  if (parts.size() > 2 && (parts.back() == "up" || parts.back() == "down")) {
    metric.up_is_better = parts.back() == "up";
    parts.pop_back();
  }
  if (parts.size() < 2 || parts.front().empty()) {
    return InvalidArgument("metric \"", text, "\" must be COL:TYPE or NUM/DEN:ratio");
  }
  const std::string type = parts.back();
  parts.pop_back();
  // A column's name may hold colons itself.
  metric.column = absl::StrJoin(parts, ":");
  for (const MetricType each : {MetricType::kMean, MetricType::kProportion, MetricType::kTotal,
                                MetricType::kConverted, MetricType::kRatio}) {
    if (MetricTypeName(each) != type) continue;
    metric.type = each;
    if (each != MetricType::kRatio) return metric;
    const size_t slash = metric.column.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == metric.column.size()) {
      return InvalidArgument("metric \"", text, "\": a ratio is NUM/DEN:ratio");
    }
    metric.denominator = metric.column.substr(slash + 1);
    metric.column.resize(slash);
    return metric;
  }
  return InvalidArgument("metric \"", text, "\": type \"", type,
                         "\" must be mean, proportion, total, converted or ratio");
}

absl::StatusOr<Judgement> AnalyzeTable(std::string_view csv, const TableSpec& spec) {
  ESPALIER_RETURN_IF_ERROR(CheckUtf8(csv));
  ESPALIER_ASSIGN_OR_RETURN(const AnalysisPlan plan, PlanOf(csv, spec));
  TableReader reader(spec, plan);
  ESPALIER_RETURN_IF_ERROR(reader.Read(csv));
  Judgement judgement;
  judgement.experiment = spec.name;
  judgement.result = Analyze(plan, reader.Collect());
  judgement.notes = reader.Notes();
  return judgement;
}

}  // namespace espalier
