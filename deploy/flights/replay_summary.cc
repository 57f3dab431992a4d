#include "deploy/flights/replay_summary.h"

#include <map>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// The flights of one variant.
struct Group {
  std::vector<float> scores;
  std::vector<float> labels;
  size_t unit_flights = 0;
  double unit_loss = 0;
};

}  // namespace

absl::StatusOr<std::vector<VariantSummary>> SummariseReplay(const FlightTable& table,
                                                            const std::vector<Answer>& answers) {
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (size_t i = 0; i < answers.size(); ++i) {
    const Flight& flight = table.flights[i];
    Group& group = groups[{answers[i].variant, answers[i].version}];
    group.scores.push_back(answers[i].score);
    group.labels.push_back(flight.late);
    if (flight.tail_number.empty()) continue;
    const double error = static_cast<double>(answers[i].score) - flight.late;
    group.unit_loss += error * error;
    ++group.unit_flights;
  }
  std::vector<VariantSummary> summaries;
  for (const auto& [key, group] : groups) {
    auto evaluation = EvaluateBinary(group.scores, group.labels);
    if (!evaluation.ok()) return Annotate(evaluation.status(), StrCat("variant ", key.first));
    summaries.push_back({key.first, key.second, group.scores.size(), *evaluation, group.unit_flights,
                         group.unit_loss / static_cast<double>(group.unit_flights)});
  }
  return summaries;
}

}  // namespace espalier
