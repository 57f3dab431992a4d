// Analyses an experiment that is a table: one row an observation, a column for the variant, columns for
// metrics.
//
//   TableSpec spec;
//   spec.variant = "segment";
//   spec.control = "No E-Mail";
//   ESPALIER_ASSIGN_OR_RETURN(TableMetric visit, ParseTableMetric("visit:proportion"));
//   spec.metrics.push_back(visit);
//   ESPALIER_ASSIGN_OR_RETURN(Judgement judgement, AnalyzeTable(bytes, spec));
#ifndef ESPALIER_SERVICES_VERDICT_TABLE_ANALYSIS_H_
#define ESPALIER_SERVICES_VERDICT_TABLE_ANALYSIS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "router/stats/plan.h"
#include "services/verdict/judge.h"

namespace espalier {

struct TableMetric {
  std::string column;
  std::string denominator;  // of a ratio
  MetricType type = MetricType::kMean;
  bool up_is_better = true;
};

// "COL:TYPE" or "NUM/DEN:ratio", with an optional ":up" or ":down" that says which is better. TYPE is mean,
// proportion, total, converted or ratio.
absl::StatusOr<TableMetric> ParseTableMetric(std::string_view text);

struct TableSpec {
  std::string name;
  std::string variant;
  std::string control;
  // Several rows with the same value are one unit; empty: each row is one.
  std::string unit;
  // Known before treatment (CUPED); empty: none.
  std::string covariate;
  std::vector<TableMetric> metrics;
  // Configured shares by variant; empty: equal ones.
  std::vector<std::pair<std::string, double>> shares;
  AnalysisEngine engine = AnalysisEngine::kSequential;
  Correction correction = Correction::kHolm;
  double alpha = 0.05;
  double n_star = 5000;
};

// `csv` has a header row. The variants are the values of the column, the control first, then ascending. An
// empty cell, NA or NaN in a metric leaves the row out of that metric, an empty unit leaves it out of
// everything. INVALID_ARGUMENT names the line or the column.
absl::StatusOr<Judgement> AnalyzeTable(std::string_view csv, const TableSpec& spec);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_VERDICT_TABLE_ANALYSIS_H_
