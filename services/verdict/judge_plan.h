// What an experiment's document asks to be judged, and where the numbers come from.
#ifndef ESPALIER_SERVICES_VERDICT_JUDGE_PLAN_H_
#define ESPALIER_SERVICES_VERDICT_JUDGE_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"
#include "router/experiment/compiled_experiment.h"
#include "router/stats/loss.h"
#include "router/stats/plan.h"

namespace espalier {

// Where a metric's values come from.
struct MetricSource {
  enum class Kind : uint8_t {
    kOutcome,    // outcomes named `outcome`
    kRatio,      // outcomes `outcome` over outcomes `denominator`
    kLatency,    // the server's latency, in seconds
    kErrors,     // 1 for an exposure whose request failed
    kExposures,  // 1 for each exposure
  };
  // How the rows of one exposure become one value; kEach: every row counts by itself.
  enum class Rows : uint8_t { kEach, kSum, kFirst, kMax, kLast };

  Kind kind = Kind::kOutcome;
  std::string outcome;
  std::string denominator;
  Loss loss = Loss::kNone;
  Rows rows = Rows::kEach;
};

struct JudgePlan {
  AnalysisPlan analysis;
  std::vector<MetricSource> sources;  // one for each metric of `analysis`
  // What an exposure counts whose outcome is missing; absent: it is left out.
  std::optional<double> missing_value;
  // From exposure to outcome; absent: any time.
  std::optional<int64_t> window_micros;
  // The split that is analysed, as exposures carry it: "[0.5,0.5]".
  std::string probabilities;
  // What is compared: the model, and its version for each variant of `analysis`.
  std::string model;
  std::vector<int64_t> versions;
};

// The outcome window of a document in microseconds, absent when it has none. For SqliteEventLogOptions.
std::optional<int64_t> OutcomeWindowMicros(const espalier::v1::Experiment& document);

JudgePlan PlanOf(const CompiledExperiment& experiment);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_VERDICT_JUDGE_PLAN_H_
