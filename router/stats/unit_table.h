// From observations to units: the unit of analysis is the randomised unit, not the request.
//
//   UnitTable units(plan);
//   const uint32_t row = units.Find("N12345", variant);
//   units.Add(row, metric, {.value = 0.03});
//   AnalysisInput input = units.Collect();
//
// Memory is of the units, not of the observations (quantiles apart, which keep 16 bytes of each). Not
// thread-safe.
#ifndef ESPALIER_ROUTER_STATS_UNIT_TABLE_H_
#define ESPALIER_ROUTER_STATS_UNIT_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "router/stats/analysis.h"
#include "router/stats/plan.h"
#include "router/stats/quantile.h"

namespace espalier {

// One value of a metric that a unit contributes.
struct Observation {
  // For a ratio: the numerator.
  double value = 0;
  // What the value is averaged over; of a ratio the denominator. Only means, proportions and ratios use it.
  double weight = 1;
  double covariate = 0;
};

class UnitTable {
 public:
  // `plan` outlives the table.
  explicit UnitTable(const AnalysisPlan& plan);

  // The row of a unit, which is added with `variant` when it is new.
  uint32_t Find(std::string_view unit, uint32_t variant);
  // A row for a unit without a name.
  uint32_t AddUnit(uint32_t variant);

  uint32_t variant(uint32_t row) const { return variants_[row]; }
  // Leaves a unit out of the analysis: it was seen in more than one variant, say.
  void Exclude(uint32_t row);
  bool excluded(uint32_t row) const { return variants_[row] == kExcluded; }
  // How many.
  uint64_t excluded() const { return excluded_; }
  // Rows, with the excluded ones.
  uint64_t size() const { return variants_.size(); }

  void Add(uint32_t row, size_t metric, const Observation& observation);

  // The sums over units, and their number by variant. How a unit's observations become one pair (m, d):
  //   mean, proportion, ratio  sum of values, sum of weights
  //   total                    sum of values, 1
  //   converted                whether any value was not zero, 1
  //   count                    number of observations, 1; 0 for a unit without any
  // Apart from count a unit without observations is left out. `for_look`: guardrails are not needed.
  AnalysisInput Collect(bool for_look = false) const;

 private:
  struct Cell {
    double m = 0;
    double d = 0;
    double x = 0;
    uint64_t observations = 0;
  };
  static constexpr uint32_t kExcluded = ~uint32_t{0};
  // The medians over all units of m/d and x/d, which one wild value does not move; 0 where no quotient is
  // taken.
  struct Center {
    double m = 0;
    double x = 0;
  };

  Center CenterOf(size_t metric) const;
  void Collect(size_t metric, AnalysisInput& input) const;
  void CollectQuantile(size_t metric, AnalysisInput& input) const;

  const AnalysisPlan& plan_;
  absl::flat_hash_map<std::string, uint32_t> rows_;
  std::vector<uint32_t> variants_;
  std::vector<Cell> cells_;                     // [row * metrics + metric]
  std::vector<std::vector<UnitValue>> values_;  // [metric], for quantiles
  uint64_t excluded_ = 0;
};

// When to look: at each twentieth of N*, and beyond it whenever the units have grown by a twentieth. The data
// alone determine it, so that everybody who looks at the same events sees the same p.
class LookSchedule {
 public:
  explicit LookSchedule(double n_star) : step_(n_star / 20), next_(step_) {}

  // Whether a look is due at this many units; then the next one is set.
  bool Due(uint64_t units);

 private:
  double step_;
  double next_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_UNIT_TABLE_H_
