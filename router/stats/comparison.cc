#include "router/stats/comparison.h"

#include <cmath>

#include "router/stats/bayesian.h"
#include "router/stats/fixed.h"
#include "router/stats/sequential.h"

namespace espalier {
namespace {

// The two arms as they are compared: adjusted where the metric has a covariate.
struct Arms {
  Estimate control;
  Estimate treatment;
  // Their means before the adjustment; a relative effect is relative to the control's.
  double base = 0;
  double treatment_base = 0;
};

// Widths in standard errors, by engine.
struct Widths {
  double two_sided = 0;
  double one_sided = 0;
};

Arms ArmsOf(const MetricPlan& metric, const ArmData& control, const ArmData& treatment) {
  Arms arms = {.control = EstimateArm(metric, control), .treatment = EstimateArm(metric, treatment)};
  arms.base = arms.control.mean;
  arms.treatment_base = arms.treatment.mean;
  if (!metric.adjusted || metric.type == MetricType::kQuantile) return arms;
  const double theta = CupedTheta(control.sums, treatment.sums);
  const double center = CupedCenter(control.sums, treatment.sums);
  arms.control = AdjustedEstimate(control.sums, theta, center);
  arms.treatment = AdjustedEstimate(treatment.sums, theta, center);
  arms.control.mean += control.offset;
  arms.treatment.mean += treatment.offset;
  return arms;
}

Widths WidthsOf(const AnalysisPlan& plan, double units, double degrees_of_freedom) {
  switch (plan.engine) {
    case AnalysisEngine::kSequential:
      return {.two_sided = SequentialHalfWidth(units, plan.alpha, plan.n_star),
              .one_sided = SequentialOneSidedWidth(units, plan.alpha, plan.n_star)};
    case AnalysisEngine::kFixed:
      return {.two_sided = FixedHalfWidth(degrees_of_freedom, plan.alpha),
              .one_sided = FixedOneSidedWidth(degrees_of_freedom, plan.alpha)};
    case AnalysisEngine::kBayesian:
      break;
  }
  return {.two_sided = NormalHalfWidth(plan.alpha), .one_sided = NormalHalfWidth(2 * plan.alpha)};
}

std::optional<Bounds> Around(double center, double half_width) {
  if (!std::isfinite(center) || !std::isfinite(half_width)) return std::nullopt;
  return Bounds{.low = center - half_width, .high = center + half_width};
}

double PValue(const AnalysisPlan& plan, const Effect& effect, double degrees_of_freedom) {
  const double z = effect.value / std::sqrt(effect.variance);
  if (!std::isfinite(z)) return 1;
  if (plan.engine == AnalysisEngine::kFixed) {
    const double p = FixedP(z, degrees_of_freedom);
    return std::isnan(p) ? 1 : p;
  }
  return SequentialP(z, static_cast<double>(effect.units), plan.alpha, plan.n_star);
}

// Breach when even the bound on the good side is beyond the margin, pass when the one on the bad side is
// within.
Verdict JudgeGuardrail(const MetricPlan& metric, const Effect& effect, double one_sided_width) {
  const double worse = metric.up_is_better ? -effect.value : effect.value;
  const double distance = one_sided_width * std::sqrt(effect.variance);
  if (!std::isfinite(worse) || !std::isfinite(distance)) return Verdict::kInconclusive;
  if (worse - distance > metric.margin) return Verdict::kBreach;
  return worse + distance < metric.margin ? Verdict::kPass : Verdict::kInconclusive;
}

// Replaces what a frequentist says by the posterior's interval, chance and loss.
void AddBayesian(const AnalysisPlan& plan, const MetricPlan& metric, const Effect& absolute,
                 const Effect& relative, double base, VariantResult& result) {
  result.p = std::numeric_limits<double>::quiet_NaN();
  result.p_adjusted = result.p;
  result.effect_bounds.reset();
  result.relative_bounds.reset();
  if (!(absolute.variance > 0) || base == 0) return;
  const Posterior posterior = LiftPosterior(absolute, std::abs(base));
  result.effect = posterior.mean;
  result.effect_bounds = Around(posterior.mean, NormalHalfWidth(plan.alpha) * posterior.deviation);
  Posterior good = posterior;
  if (!metric.up_is_better) good.mean = -good.mean;
  result.chance_to_win = ChanceAboveZero(good);
  result.expected_loss = ExpectedLoss(good);
  if (!(relative.variance > 0)) return;
  const Posterior lift = LiftPosterior(relative, 1);
  result.relative = lift.mean;
  result.relative_bounds = Around(lift.mean, NormalHalfWidth(plan.alpha) * lift.deviation);
}

}  // namespace

Estimate EstimateArm(const MetricPlan& metric, const ArmData& arm) {
  switch (metric.type) {
    case MetricType::kQuantile:
      return arm.quantile;
    case MetricType::kProportion:
    case MetricType::kConverted:
      return ProportionEstimate(arm.sums);
    default:
      break;
  }
  Estimate estimate = RatioEstimate(arm.sums);
  estimate.mean += arm.offset;
  return estimate;
}

VariantResult Compare(const AnalysisPlan& plan, const MetricPlan& metric, const ArmData& control,
                      const ArmData& treatment) {
  const Arms arms = ArmsOf(metric, control, treatment);
  const Effect absolute = AbsoluteEffect(arms.control, arms.treatment);
  const Effect relative = RelativeEffect(arms.control, arms.treatment, arms.base, arms.treatment_base);
  const double freedom = WelchDegreesOfFreedom(arms.control, arms.treatment);
  const Widths widths = WidthsOf(plan, static_cast<double>(absolute.units), freedom);

  VariantResult result;
  result.n = arms.treatment.n;
  result.mean = EstimateArm(metric, treatment).mean;
  result.effect = absolute.value;
  result.relative = relative.value;
  // Without variance an interval would have no width, and claim to know.
  if (absolute.variance > 0) {
    result.effect_bounds = Around(absolute.value, widths.two_sided * std::sqrt(absolute.variance));
  }
  if (relative.variance > 0) {
    result.relative_bounds = Around(relative.value, widths.two_sided * std::sqrt(relative.variance));
  }
  result.p = absolute.variance > 0 ? PValue(plan, absolute, freedom) : 1;
  result.p_adjusted = result.p;
  if (plan.engine == AnalysisEngine::kBayesian) {
    AddBayesian(plan, metric, absolute, relative, arms.base, result);
  }
  const bool enough = std::min(arms.control.n, arms.treatment.n) >= kMinUnitsToDecide;
  if (metric.role == MetricRole::kGuardrail && enough && absolute.variance > 0) {
    result.verdict = JudgeGuardrail(metric, absolute, widths.one_sided);
  }
  return result;
}

}  // namespace espalier
