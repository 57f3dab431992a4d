// How an experiment is to be judged, as plain values: what a document or a command line asks for.
#ifndef ESPALIER_ROUTER_STATS_PLAN_H_
#define ESPALIER_ROUTER_STATS_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

enum class MetricType : uint8_t { kMean, kProportion, kTotal, kConverted, kRatio, kQuantile, kCount };
enum class MetricRole : uint8_t { kGoal, kGuardrail };
enum class AnalysisEngine : uint8_t { kSequential, kFixed, kBayesian };
enum class Correction : uint8_t { kHolm, kNone };

struct MetricPlan {
  std::string name;
  MetricType type = MetricType::kMean;
  MetricRole role = MetricRole::kGoal;
  // Whether more of it is better (for a guardrail: whether less of it is worse).
  bool up_is_better = true;
  // A guardrail is breached when it is worse by more than this, in the metric's own unit.
  double margin = 0;
  // For a quantile.
  double q = 0.5;
  // Analyse with the covariate (CUPED); not for quantiles.
  bool adjusted = false;
};

struct VariantPlan {
  std::string key;
  // Its configured share of the units, on any scale.
  double share = 1;
};

struct AnalysisPlan {
  std::string experiment;
  std::vector<VariantPlan> variants;
  size_t control = 0;  // index into variants
  std::vector<MetricPlan> metrics;
  AnalysisEngine engine = AnalysisEngine::kSequential;
  double alpha = 0.05;
  // Units of both arms at which the sequential interval is tightest.
  double n_star = 5000;
  Correction correction = Correction::kHolm;
  double srm_alpha = 0.001;
  // How long the experiment runs at least, whatever it says before.
  double min_seconds = 0;
};

// "mean", "proportion", ...
constexpr std::string_view MetricTypeName(MetricType type) {
  constexpr std::string_view kNames[] = {"mean",  "proportion", "total", "converted",
                                         "ratio", "quantile",   "count"};
  return kNames[static_cast<size_t>(type)];
}

constexpr std::string_view MetricRoleName(MetricRole role) {
  return role == MetricRole::kGoal ? "goal" : "guardrail";
}

constexpr std::string_view EngineName(AnalysisEngine engine) {
  constexpr std::string_view kNames[] = {"sequential", "fixed", "bayesian"};
  return kNames[static_cast<size_t>(engine)];
}

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_PLAN_H_
