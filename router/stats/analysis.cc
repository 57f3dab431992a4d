#include "router/stats/analysis.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "router/stats/comparison.h"
#include "router/stats/sentence.h"

namespace espalier {
namespace {

VariantResult ControlResult(const MetricPlan& metric, const std::string& key, const ArmData& arm) {
  const Estimate estimate = EstimateArm(metric, arm);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  VariantResult result;
  result.key = key;
  result.n = estimate.n;
  result.mean = estimate.mean;
  result.effect = result.relative = result.p = result.p_adjusted = nan;
  result.verdict = Verdict::kControl;
  return result;
}

// The p that counts is the smallest of all looks, and the direction that of its look.
void FoldEarlier(const EarlierLook& earlier, VariantResult& result, double& effect) {
  if (!(earlier.p < result.p)) return;
  result.p = earlier.p;
  result.p_units = earlier.units;
  effect = earlier.effect;
}

// A goal's comparison, and the effect by whose sign it is judged.
struct GoalComparison {
  VariantResult* result = nullptr;
  const MetricPlan* metric = nullptr;
  double effect = 0;
  bool enough = false;
};

void JudgeGoal(const AnalysisPlan& plan, const GoalComparison& goal) {
  VariantResult& result = *goal.result;
  bool decided = result.p_adjusted <= plan.alpha;
  if (plan.engine == AnalysisEngine::kBayesian) {
    const double chance = result.chance_to_win.value_or(0.5);
    decided = std::max(chance, 1 - chance) >= 1 - plan.alpha / 2;
  }
  // An earlier look counts only as long as today's data say anything.
  if (!decided || !goal.enough || !result.effect_bounds.has_value() || !(goal.effect != 0)) return;
  result.verdict = (goal.effect > 0) == goal.metric->up_is_better ? Verdict::kBetter : Verdict::kWorse;
}

void CorrectAndJudge(const AnalysisPlan& plan, std::vector<GoalComparison>& goals) {
  if (plan.correction == Correction::kHolm && plan.engine != AnalysisEngine::kBayesian) {
    std::vector<double> p;
    p.reserve(goals.size());
    for (const GoalComparison& goal : goals) p.push_back(goal.result->p);
    const std::vector<double> adjusted = HolmAdjusted(p);
    for (size_t i = 0; i < goals.size(); ++i) goals[i].result->p_adjusted = adjusted[i];
  }
  for (const GoalComparison& goal : goals) JudgeGoal(plan, goal);
}

MetricResult CompareAll(const AnalysisPlan& plan, const MetricPlan& metric,
                        const std::vector<ArmData>& arms) {
  MetricResult result = {.plan = metric, .variants = {}};
  for (size_t v = 0; v < plan.variants.size(); ++v) {
    const std::string& key = plan.variants[v].key;
    if (v == plan.control) {
      result.variants.push_back(ControlResult(metric, key, arms[v]));
    } else {
      result.variants.push_back(Compare(plan, metric, arms[plan.control], arms[v]));
      result.variants.back().key = key;
    }
  }
  return result;
}

bool HasEnough(const MetricResult& metric, size_t control, size_t treatment) {
  return std::min(metric.variants[control].n, metric.variants[treatment].n) >= kMinUnitsToDecide;
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  constexpr std::string_view kNames[] = {"control", "better", "worse", "inconclusive", "pass", "breach"};
  return kNames[static_cast<size_t>(verdict)];
}

std::vector<double> HolmAdjusted(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&p](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double floor = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    floor = std::max(floor, std::min(1.0, p[order[rank]] * static_cast<double>(order.size() - rank)));
    adjusted[order[rank]] = floor;
  }
  return adjusted;
}

AnalysisResult Analyze(const AnalysisPlan& plan, const AnalysisInput& input) {
  AnalysisResult result;
  result.engine = plan.engine;
  result.alpha = plan.alpha;
  result.n_star = plan.n_star;
  result.units = std::accumulate(input.units.begin(), input.units.end(), uint64_t{0});
  result.exposures = input.exposures;
  result.seconds = input.seconds;
  result.too_early = input.seconds < plan.min_seconds;
  std::vector<double> shares;
  for (const VariantPlan& variant : plan.variants) shares.push_back(variant.share);
  result.srm = TestSampleRatio(input.units, shares, plan.srm_alpha);

  for (size_t m = 0; m < plan.metrics.size(); ++m) {
    result.metrics.push_back(CompareAll(plan, plan.metrics[m], input.arms[m]));
  }
  std::vector<GoalComparison> goals;
  for (size_t m = 0; m < plan.metrics.size(); ++m) {
    MetricResult& metric = result.metrics[m];
    for (size_t v = 0; v < metric.variants.size(); ++v) {
      if (v == plan.control || metric.plan.role == MetricRole::kGuardrail) continue;
      GoalComparison goal = {.result = &metric.variants[v],
                             .metric = &metric.plan,
                             .effect = metric.variants[v].effect,
                             .enough = HasEnough(metric, plan.control, v)};
      if (!input.earlier.empty()) FoldEarlier(input.earlier[m][v], *goal.result, goal.effect);
      goal.result->p_adjusted = goal.result->p;
      goals.push_back(goal);
    }
  }
  CorrectAndJudge(plan, goals);
  result.verdict = Sentence(plan, result);
  return result;
}

void TakeLook(const AnalysisPlan& plan, AnalysisInput& input) {
  if (plan.engine != AnalysisEngine::kSequential) return;
  const uint64_t units = std::accumulate(input.units.begin(), input.units.end(), uint64_t{0});
  input.earlier.resize(plan.metrics.size());
  for (size_t m = 0; m < plan.metrics.size(); ++m) {
    input.earlier[m].resize(plan.variants.size());
    const MetricResult metric = CompareAll(plan, plan.metrics[m], input.arms[m]);
    for (size_t v = 0; v < metric.variants.size(); ++v) {
      if (v == plan.control || !HasEnough(metric, plan.control, v)) continue;
      EarlierLook& earlier = input.earlier[m][v];
      if (metric.variants[v].p < earlier.p) {
        const VariantResult& now = metric.variants[v];
        earlier = {.p = now.p, .effect = now.effect, .units = units};
      }
    }
  }
}

}  // namespace espalier
