// What one exposure and its outcomes say about a metric.
//
//   ExposureValues values(plan, now_micros);
//   for (const Observation& each : values.Of(event, metric, variant)) units.Add(unit, metric, each);
//   values.AddNotes(notes);
//
// Counts what is missing and what cannot be counted, so that a reader learns of it.
#ifndef ESPALIER_SERVICES_VERDICT_EXPOSURE_VALUES_H_
#define ESPALIER_SERVICES_VERDICT_EXPOSURE_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "router/stats/unit_table.h"
#include "services/verdict/event_reader.h"
#include "services/verdict/judge_plan.h"

namespace espalier {

// Not thread-safe.
class ExposureValues {
 public:
  // `plan` outlives this. `now_micros` tells which outcomes can still come.
  ExposureValues(const JudgePlan& plan, int64_t now_micros);

  // The observations of a metric (an index into the plan), by a unit of `variant`; good until the next call.
  std::span<const Observation> Of(const JoinedEvent& event, size_t metric, uint32_t variant);

  // One note for each metric that lacks outcomes or had to leave something out.
  void AddNotes(std::vector<std::string>& notes) const;

 private:
  // Rows of exposures whose outcome a metric wants, and how many lack it.
  struct Missing {
    uint64_t wanted = 0;
    uint64_t missing = 0;
  };
  struct Counts {
    std::vector<Missing> missing;  // [variant]
    uint64_t not_finite = 0;
    uint64_t without_score = 0;
    uint64_t no_proportion = 0;
  };

  void TakeRatio(const JoinedEvent& event, const MetricSource& source);
  void TakeOutcomes(const JoinedEvent& event, size_t metric, uint32_t variant);
  void TakeRow(const JoinedEvent& event, size_t metric, uint32_t row, double outcome);
  void Aggregate(MetricSource::Rows rows);
  void DropUncountable(size_t metric);
  std::optional<double> MissingValue(const JoinedEvent& event) const;
  double MissingP(size_t metric, double share) const;
  void AddMissingNote(size_t metric, std::vector<std::string>& notes) const;

  const JudgePlan& plan_;
  const int64_t now_micros_;
  std::vector<Counts> counts_;  // [metric]
  // Of one exposure.
  std::vector<double> values_;
  std::vector<Observation> observations_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_VERDICT_EXPOSURE_VALUES_H_
