// The verdict as one sentence.
#ifndef ESPALIER_ROUTER_STATS_SENTENCE_H_
#define ESPALIER_ROUTER_STATS_SENTENCE_H_

#include <cstdint>
#include <string>

#include "router/stats/analysis.h"

namespace espalier {

// "weather is better than control on brier: -0.0137 [-0.016, -0.011], p < 0.001 after 3,000 units", or "not
// decided yet: ...". That it is too early, a sample ratio mismatch and breached guardrails come first.
std::string Sentence(const AnalysisPlan& plan, const AnalysisResult& result);

// 1234567 -> "1,234,567".
std::string WithCommas(uint64_t number);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_SENTENCE_H_
