// The verdict's evolution: asks the program for the experiment's status and prints it as a row of a table.
#ifndef ESPALIER_DEPLOY_FLIGHTS_VERDICT_TABLE_H_
#define ESPALIER_DEPLOY_FLIGHTS_VERDICT_TABLE_H_

#include <cstdint>
#include <iosfwd>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// One look at the experiment: its first metric, the treatment against the control.
struct VerdictRow {
  uint64_t flights = 0;
  // Scheduled departure of the last flight asked for, Unix seconds.
  int64_t time = 0;
  double units = 0;
  double control = 0;
  double treatment = 0;
  double effect = 0;
  double effect_low = 0;
  double effect_high = 0;

  // Does the interval leave zero out?
  bool decided() const { return effect_low > 0 || effect_high < 0; }
};

// Reads what `espalier experiment status --json` prints (one experiment). INTERNAL when it lacks something,
// with what it was. `flights` and `time` stay as they are.
absl::StatusOr<VerdictRow> ParseStatus(const std::string& json);

// Runs a shell command and returns what it prints; INTERNAL when it fails.
absl::StatusOr<std::string> RunCommand(const std::string& command);

void PrintHeader(std::ostream& out);
void PrintRow(const VerdictRow& row, std::ostream& out);

}  // namespace espalier

#endif  // ESPALIER_DEPLOY_FLIGHTS_VERDICT_TABLE_H_
