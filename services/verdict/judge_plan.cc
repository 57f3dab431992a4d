#include "services/verdict/judge_plan.h"

#include <utility>

namespace espalier {
namespace {

using ProtoAnalysis = espalier::v1::Analysis;
using ProtoMetric = espalier::v1::Metric;

MetricType TypeOf(ProtoMetric::Type type) {
  switch (type) {
    case ProtoMetric::PROPORTION:
      return MetricType::kProportion;
    case ProtoMetric::TOTAL:
      return MetricType::kTotal;
    case ProtoMetric::CONVERTED:
      return MetricType::kConverted;
    case ProtoMetric::RATIO:
      return MetricType::kRatio;
    case ProtoMetric::QUANTILE:
      return MetricType::kQuantile;
    case ProtoMetric::COUNT:
      return MetricType::kCount;
    default:
      return MetricType::kMean;
  }
}

Loss LossNamed(ProtoMetric::Loss loss) {
  switch (loss) {
    case ProtoMetric::BRIER:
      return Loss::kBrier;
    case ProtoMetric::LOG_LOSS:
      return Loss::kLogLoss;
    case ProtoMetric::SQUARED:
      return Loss::kSquared;
    case ProtoMetric::ABSOLUTE:
      return Loss::kAbsolute;
    default:
      return Loss::kNone;
  }
}

MetricSource::Rows RowsOf(ProtoMetric::Aggregate aggregate) {
  switch (aggregate) {
    case ProtoMetric::SUM:
      return MetricSource::Rows::kSum;
    case ProtoMetric::FIRST:
      return MetricSource::Rows::kFirst;
    case ProtoMetric::MAX:
      return MetricSource::Rows::kMax;
    case ProtoMetric::LAST:
      return MetricSource::Rows::kLast;
    default:
      return MetricSource::Rows::kEach;
  }
}

MetricSource SourceOf(const ProtoMetric& metric) {
  using Kind = MetricSource::Kind;
  MetricSource source;
  source.outcome = metric.outcome();
  source.loss = LossNamed(metric.loss());
  source.rows = RowsOf(metric.aggregate());
  if (metric.type() == ProtoMetric::RATIO) {
    source.kind = Kind::kRatio;
    source.outcome = metric.numerator();
    source.denominator = metric.denominator();
  } else if (!metric.outcome().empty()) {
    source.kind = Kind::kOutcome;
  } else if (metric.name() == "latency") {
    source.kind = Kind::kLatency;
  } else {
    source.kind = metric.name() == "errors" ? Kind::kErrors : Kind::kExposures;
  }
  return source;
}

// Whether more is better, where a goal does not say it: not of a loss, of latency and of errors.
bool UpIsBetterByNature(const MetricSource& source) {
  return source.loss == Loss::kNone && source.kind != MetricSource::Kind::kLatency &&
         source.kind != MetricSource::Kind::kErrors;
}

bool UpIsBetter(const ProtoMetric& metric, MetricRole role, const MetricSource& source) {
  if (role == MetricRole::kGuardrail) return metric.worse() == ProtoMetric::DOWN;
  if (metric.better() == ProtoMetric::DIRECTION_UNSPECIFIED) return UpIsBetterByNature(source);
  return metric.better() == ProtoMetric::UP;
}

void AddMetric(const ProtoMetric& metric, MetricRole role, JudgePlan& plan) {
  plan.sources.push_back(SourceOf(metric));
  MetricPlan added;
  added.name = metric.name();
  added.type = TypeOf(metric.type());
  added.role = role;
  added.up_is_better = UpIsBetter(metric, role, plan.sources.back());
  added.margin = metric.margin();
  if (metric.has_q()) added.q = metric.q();
  plan.analysis.metrics.push_back(std::move(added));
}

void SetAnalysis(const ProtoAnalysis& analysis, AnalysisPlan& plan) {
  if (analysis.engine() == ProtoAnalysis::FIXED) plan.engine = AnalysisEngine::kFixed;
  if (analysis.engine() == ProtoAnalysis::BAYESIAN) plan.engine = AnalysisEngine::kBayesian;
  if (analysis.correction() == ProtoAnalysis::NONE) plan.correction = Correction::kNone;
  if (analysis.has_alpha()) plan.alpha = analysis.alpha();
  if (analysis.has_n_star()) plan.n_star = analysis.n_star();
  if (analysis.has_srm_alpha()) plan.srm_alpha = analysis.srm_alpha();
}

}  // namespace

std::optional<int64_t> OutcomeWindowMicros(const espalier::v1::Experiment& document) {
  if (!document.outcome().has_window()) return std::nullopt;
  const auto& window = document.outcome().window();
  return window.seconds() * 1'000'000 + window.nanos() / 1000;
}

JudgePlan PlanOf(const CompiledExperiment& experiment) {
  const espalier::v1::Experiment& document = experiment.document();
  JudgePlan plan;
  plan.analysis.experiment = experiment.key();
  for (size_t i = 0; i < experiment.variants().size(); ++i) {
    const Variant& variant = experiment.variants()[i];
    plan.analysis.variants.push_back({.key = variant.key, .share = experiment.probabilities()[i]});
    plan.versions.push_back(variant.backend.version);
    if (variant.control) plan.analysis.control = i;
  }
  SetAnalysis(document.analysis(), plan.analysis);
  for (const ProtoMetric& goal : document.metrics().goals()) AddMetric(goal, MetricRole::kGoal, plan);
  for (const ProtoMetric& guardrail : document.metrics().guardrails()) {
    AddMetric(guardrail, MetricRole::kGuardrail, plan);
  }
  if (document.outcome().missing() == espalier::v1::OutcomeRules::DEFAULT) {
    plan.missing_value = document.outcome().default_();
  }
  plan.window_micros = OutcomeWindowMicros(document);
  plan.probabilities = experiment.probabilities_json();
  plan.model = experiment.model();
  const auto& least = document.decision().min_duration();
  plan.analysis.min_seconds = static_cast<double>(least.seconds()) + 1e-9 * least.nanos();
  return plan;
}

}  // namespace espalier
