// Judges an experiment on its logged events.
//
//   ESPALIER_ASSIGN_OR_RETURN(Sqlite db, OpenEventsForReading(data_directory));
//   ESPALIER_ASSIGN_OR_RETURN(Judgement judgement, Judge(db, experiment, RealClock().UnixMicros()));
//
// Which exposures count: those whose split is the document's (a changed split compares different mixtures of
// days), whose config version had the document's model versions, assigned by the hash. Units with an
// override, requests without a unit, and units that were seen in more than one variant are left out; each is
// told in a note. A unit is analysed as it was assigned, whatever served it.
#ifndef ESPALIER_SERVICES_VERDICT_JUDGE_H_
#define ESPALIER_SERVICES_VERDICT_JUDGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "router/experiment/compiled_experiment.h"
#include "router/stats/analysis.h"
#include "services/events/sqlite.h"

namespace espalier {

struct Judgement {
  std::string experiment;
  // Empty where there is none: a table, not an experiment.
  std::string state;
  uint32_t config_version = 0;
  AnalysisResult result;
  // What a reader should know before believing the result: what was left out, and what is missing.
  std::vector<std::string> notes;
};

// Reads the events in one pass; memory is that of the units. `now_micros` tells which outcomes can still
// come.
absl::StatusOr<Judgement> Judge(Sqlite& db, const CompiledExperiment& experiment, int64_t now_micros);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_VERDICT_JUDGE_H_
