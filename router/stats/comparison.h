// One treatment against the control on one metric.
#ifndef ESPALIER_ROUTER_STATS_COMPARISON_H_
#define ESPALIER_ROUTER_STATS_COMPARISON_H_

#include "router/stats/analysis.h"

namespace espalier {

// The arm's value of the metric, without adjustment.
Estimate EstimateArm(const MetricPlan& metric, const ArmData& arm);

// Everything that VariantResult says of a treatment but p_adjusted and, for goals, the verdict, which depend
// on the other comparisons. Guardrails are judged by one-sided bounds against their margin.
VariantResult Compare(const AnalysisPlan& plan, const MetricPlan& metric, const ArmData& control,
                      const ArmData& treatment);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_COMPARISON_H_
