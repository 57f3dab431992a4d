// The prepared flights (prepare.py) in memory.
#ifndef ESPALIER_DEPLOY_FLIGHTS_FLIGHT_TABLE_H_
#define ESPALIER_DEPLOY_FLIGHTS_FLIGHT_TABLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "deploy/flights/replay_schedule.h"

namespace espalier {

struct Flight {
  std::string id;
  // Empty: it never got an aircraft.
  std::string tail_number;
  FlightTimes times;
  // 1 when it arrived 15 or more minutes late, or never; else 0.
  float late = 0;
};

struct FlightTable {
  std::vector<std::string> features;
  std::vector<Flight> flights;
  // Row-major, [flights, features]; NaN is missing.
  std::vector<float> values;

  const float* row(size_t flight) const { return values.data() + flight * features.size(); }
};

// Reads at most `limit` flights with the columns `features`. INVALID_ARGUMENT names a column that is missing,
// or the line and column of a bad cell.
absl::StatusOr<FlightTable> ReadFlightTable(const std::string& path, const std::vector<std::string>& features,
                                            size_t limit);

}  // namespace espalier

#endif  // ESPALIER_DEPLOY_FLIGHTS_FLIGHT_TABLE_H_
