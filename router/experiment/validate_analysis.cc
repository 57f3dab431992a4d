#include <cmath>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/validate.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;
using espalier::v1::Metric;

absl::Status CheckOutcome(const espalier::v1::OutcomeRules& outcome) {
  if (outcome.has_window() && outcome.window().seconds() == 0 && outcome.window().nanos() == 0) {
    return InvalidArgument("outcome.window: 0 must be longer than nothing");
  }
  if (outcome.has_window() && (outcome.window().seconds() < 0 || outcome.window().nanos() < 0)) {
    return InvalidArgument("outcome.window: must not be negative");
  }
  if (outcome.missing() != espalier::v1::OutcomeRules::DEFAULT && outcome.has_default_()) {
    return InvalidArgument("outcome.default: is for missing: default only");
  }
  if (outcome.missing() == espalier::v1::OutcomeRules::DEFAULT && !std::isfinite(outcome.default_())) {
    return InvalidArgument("outcome.default: ", ShowNumber(outcome.default_()), " must be a finite number");
  }
  if (outcome.missing() == espalier::v1::OutcomeRules::DEFAULT && !outcome.has_default_()) {
    return InvalidArgument("outcome.default: is missing; missing: default needs the value that counts");
  }
  if (outcome.missing() == espalier::v1::OutcomeRules::DEFAULT && !outcome.has_window()) {
    return InvalidArgument("outcome.window: is missing; missing: default counts once the window is over");
  }
  return absl::OkStatus();
}

// The server's own measurements need no outcome.
bool IsServerMetric(const Metric& metric) {
  return metric.outcome().empty() && (metric.name() == "latency" || metric.name() == "errors");
}

// A name that no report can have would never be found.
absl::Status CheckOutcomeName(const std::string& field, const std::string& name) {
  if (name.empty() || IsExperimentKey(name)) return absl::OkStatus();
  return InvalidArgument(field, ": \"", name, "\" must match [a-z0-9_-]{1,64}, as outcomes are reported");
}

absl::Status CheckSource(const Metric& metric, const std::string& field) {
  const bool ratio = metric.type() == Metric::RATIO;
  if (ratio && (metric.numerator().empty() || metric.denominator().empty())) {
    return InvalidArgument(field, "numerator: a ratio needs the outcomes numerator and denominator");
  }
  if (ratio && !metric.outcome().empty()) {
    return InvalidArgument(field, "outcome: a ratio has numerator and denominator instead");
  }
  if (!ratio && !(metric.numerator().empty() && metric.denominator().empty())) {
    return InvalidArgument(field, "numerator: numerator and denominator are for type: ratio only");
  }
  if (!ratio && metric.outcome().empty() && !IsServerMetric(metric) && metric.type() != Metric::COUNT) {
    return InvalidArgument(field, "outcome: is missing; only the metrics latency and errors have none");
  }
  ESPALIER_RETURN_IF_ERROR(CheckOutcomeName(StrCat(field, "outcome"), metric.outcome()));
  ESPALIER_RETURN_IF_ERROR(CheckOutcomeName(StrCat(field, "numerator"), metric.numerator()));
  ESPALIER_RETURN_IF_ERROR(CheckOutcomeName(StrCat(field, "denominator"), metric.denominator()));
  if (!metric.outcome().empty()) return absl::OkStatus();
  // Nothing acts on them without rows that have an outcome each.
  if (metric.loss() != Metric::LOSS_UNSPECIFIED) {
    return InvalidArgument(field, "loss: is for metrics with an outcome only");
  }
  if (metric.aggregate() != Metric::AGGREGATE_UNSPECIFIED) {
    return InvalidArgument(field, "aggregate: is for metrics with an outcome only");
  }
  return absl::OkStatus();
}

absl::Status CheckType(const Metric& metric, const std::string& field) {
  if (metric.type() == Metric::TYPE_UNSPECIFIED) {
    return InvalidArgument(
        field, "type: is missing; allowed are mean, proportion, total, converted, ratio, quantile, count");
  }
  if (metric.type() == Metric::QUANTILE && !(metric.q() > 0 && metric.q() < 1)) {
    return InvalidArgument(field, "q: ", ShowNumber(metric.q()), " must be within (0, 1) for type: quantile");
  }
  if (metric.type() != Metric::QUANTILE && metric.has_q()) {
    return InvalidArgument(field, "q: is for type: quantile only");
  }
  if (metric.loss() != Metric::LOSS_UNSPECIFIED && metric.type() != Metric::MEAN) {
    return InvalidArgument(field, "loss: is for type: mean only");
  }
  return absl::OkStatus();
}

absl::Status CheckRole(const Metric& metric, const std::string& field, bool guardrail) {
  if (guardrail && metric.better() != Metric::DIRECTION_UNSPECIFIED) {
    return InvalidArgument(field, "better: is for goals; a guardrail says worse: up or worse: down");
  }
  if (!guardrail && metric.worse() != Metric::DIRECTION_UNSPECIFIED) {
    return InvalidArgument(field, "worse: is for guardrails; a goal says better: up or better: down");
  }
  if (!guardrail && metric.margin() != 0) {
    return InvalidArgument(field, "margin: is for guardrails only");
  }
  if (!std::isfinite(metric.margin()) || metric.margin() < 0) {
    return InvalidArgument(field, "margin: ", ShowNumber(metric.margin()),
                           " must be a finite number >= 0, or a duration");
  }
  return absl::OkStatus();
}

absl::Status CheckMetric(const Metric& metric, const std::string& field, bool guardrail) {
  if (!IsExperimentKey(metric.name())) {
    return InvalidArgument(field, "name: \"", metric.name(), "\" must match [a-z0-9_-]{1,64}");
  }
  if (!metric.covariate().empty()) return NotActedOn(StrCat(field, "covariate"));
  ESPALIER_RETURN_IF_ERROR(CheckType(metric, field));
  ESPALIER_RETURN_IF_ERROR(CheckSource(metric, field));
  return CheckRole(metric, field, guardrail);
}

absl::Status CheckMetrics(const espalier::v1::Metrics& metrics) {
  absl::flat_hash_set<std::string> names;
  const auto check = [&names](const auto& list, std::string_view role) -> absl::Status {
    for (int i = 0; i < list.size(); ++i) {
      const std::string field = FieldAt(StrCat("metrics.", role), i, "");
      ESPALIER_RETURN_IF_ERROR(CheckMetric(list[i], field, role == "guardrails"));
      if (names.insert(list[i].name()).second) continue;
      return InvalidArgument(field, "name: \"", list[i].name(), "\" stands twice");
    }
    return absl::OkStatus();
  };
  ESPALIER_RETURN_IF_ERROR(check(metrics.goals(), "goals"));
  return check(metrics.guardrails(), "guardrails");
}

absl::Status CheckAnalysis(const espalier::v1::Analysis& analysis) {
  const auto between = [](std::string_view field, double value, double high) {
    if (value > 0 && value < high) return absl::OkStatus();
    return InvalidArgument("analysis.", field, ": ", ShowNumber(value), " must be within (0, ", high, ")");
  };
  if (analysis.has_alpha()) ESPALIER_RETURN_IF_ERROR(between("alpha", analysis.alpha(), 1));
  if (analysis.has_srm_alpha()) ESPALIER_RETURN_IF_ERROR(between("srm_alpha", analysis.srm_alpha(), 1));
  if (analysis.has_n_star() && !(std::isfinite(analysis.n_star()) && analysis.n_star() >= 1)) {
    return InvalidArgument("analysis.n_star: ", ShowNumber(analysis.n_star()),
                           " must be a number of units, from 1");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ValidateAnalysis(const Experiment& document) {
  ESPALIER_RETURN_IF_ERROR(CheckOutcome(document.outcome()));
  ESPALIER_RETURN_IF_ERROR(CheckMetrics(document.metrics()));
  return CheckAnalysis(document.analysis());
}

}  // namespace espalier
