// What the client knows by itself of how well each variant did, to hold the server's analysis against it.
#ifndef ESPALIER_DEPLOY_FLIGHTS_REPLAY_SUMMARY_H_
#define ESPALIER_DEPLOY_FLIGHTS_REPLAY_SUMMARY_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "deploy/flights/flight_table.h"
#include "deploy/flights/replay_session.h"
#include "models/training/evaluation.h"

namespace espalier {

struct VariantSummary {
  std::string variant;
  // Of the model that answered.
  std::string version;
  // Over all flights that the variant answered.
  size_t flights = 0;
  BinaryEvaluation evaluation;
  // Over those with a unit, which the experiment judges.
  size_t unit_flights = 0;
  double unit_brier = 0;
};

// One entry for each variant and version among `answers` (one for each flight), in order of variant.
// INVALID_ARGUMENT when a variant has outcomes of one kind only.
absl::StatusOr<std::vector<VariantSummary>> SummariseReplay(const FlightTable& table,
                                                            const std::vector<Answer>& answers);

}  // namespace espalier

#endif  // ESPALIER_DEPLOY_FLIGHTS_REPLAY_SUMMARY_H_
