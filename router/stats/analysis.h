// Judges an experiment: from the sums of its arms to effects, intervals, p and a sentence.
//
//   AnalysisInput input = ...;  // who got what, and the sums of each metric and variant
//   const AnalysisResult result = Analyze(plan, input);
//   std::cout << result.verdict;
//
// Pure; the formulas are EXPERIMENTS.md's, section 4, and docs/verdict.md explains the numbers.
#ifndef ESPALIER_ROUTER_STATS_ANALYSIS_H_
#define ESPALIER_ROUTER_STATS_ANALYSIS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "router/stats/estimate.h"
#include "router/stats/plan.h"
#include "router/stats/srm.h"
#include "router/stats/sums.h"

namespace espalier {

// Below this many units in an arm nothing is decided: every method here is asymptotic.
inline constexpr uint64_t kMinUnitsToDecide = 30;

// One arm of one metric: sums over its units, or for a quantile the estimate itself.
struct ArmData {
  UnitSums sums;
  // Taken from each quotient m/d: the m of `sums` is m - offset * d. The same in all arms of a metric, so
  // that they merge. Near the metric's mean it keeps the delta method's terms from cancelling.
  double offset = 0;
  Estimate quantile;
};

// The most extreme p of a comparison over earlier looks, and the effect and the units at that look.
struct EarlierLook {
  double p = 1;
  double effect = 0;
  uint64_t units = 0;
};

// Indexed as the plan: [metric][variant].
struct AnalysisInput {
  std::vector<std::vector<ArmData>> arms;
  // Randomised units of each variant; their sum is the plan's N.
  std::vector<uint64_t> units;
  uint64_t exposures = 0;
  // How long the experiment has run.
  double seconds = std::numeric_limits<double>::infinity();
  // Empty: this is the first look.
  std::vector<std::vector<EarlierLook>> earlier;
};

enum class Verdict : uint8_t { kControl, kBetter, kWorse, kInconclusive, kPass, kBreach };

// "control", "better", "worse", "inconclusive" for goals; "pass", "breach", "inconclusive" for guardrails.
std::string_view VerdictName(Verdict verdict);

struct Bounds {
  double low = 0;
  double high = 0;
};

// NaN in a number and an absent interval mean that the data do not say.
struct VariantResult {
  std::string key;
  uint64_t n = 0;  // units
  double mean = 0;
  double effect = 0;
  std::optional<Bounds> effect_bounds;
  double relative = 0;
  std::optional<Bounds> relative_bounds;
  // Sequential: the running minimum over the looks.
  double p = 1;
  // The units at the look that p is of, when that was an earlier one. Effect and interval are today's.
  std::optional<uint64_t> p_units;
  // After the correction for several comparisons; equal to p for guardrails.
  double p_adjusted = 1;
  // Bayesian engine only.
  std::optional<double> chance_to_win;
  std::optional<double> expected_loss;
  Verdict verdict = Verdict::kInconclusive;
};

struct MetricResult {
  MetricPlan plan;
  std::vector<VariantResult> variants;  // in the plan's order, the control among them
};

struct AnalysisResult {
  AnalysisEngine engine = AnalysisEngine::kSequential;
  double alpha = 0.05;
  double n_star = 5000;
  SampleRatio srm;
  uint64_t units = 0;
  uint64_t exposures = 0;
  double seconds = 0;
  // Has not run as long as the plan asks for: there is evidence, but nothing to act on.
  bool too_early = false;
  std::vector<MetricResult> metrics;
  // One sentence for a person.
  std::string verdict;
};

AnalysisResult Analyze(const AnalysisPlan& plan, const AnalysisInput& input);

// Folds this look's p into `input.earlier`, for the sequential engine: to be called at looks that the data
// alone determine (every so many units, say), before the final Analyze.
void TakeLook(const AnalysisPlan& plan, AnalysisInput& input);

// Holm's step-down adjustment, in the order of `p`.
std::vector<double> HolmAdjusted(const std::vector<double>& p);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_ANALYSIS_H_
