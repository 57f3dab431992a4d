#include "router/stats/unit_table.h"

#include <algorithm>
#include <cmath>

#include "models/base/strings.h"

namespace espalier {

namespace {

// The upper one, of finite values; 0 of none.
double Median(std::vector<double>& values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

UnitTable::UnitTable(const AnalysisPlan& plan) : plan_(plan), values_(plan.metrics.size()) {}

uint32_t UnitTable::Find(std::string_view unit, uint32_t variant) {
  const auto found = rows_.find(ToAbsl(unit));
  if (found != rows_.end()) return found->second;
  const uint32_t row = AddUnit(variant);
  rows_.emplace(std::string(unit), row);
  return row;
}

uint32_t UnitTable::AddUnit(uint32_t variant) {
  variants_.push_back(variant);
  cells_.resize(cells_.size() + plan_.metrics.size());
  return static_cast<uint32_t>(variants_.size() - 1);
}

void UnitTable::Exclude(uint32_t row) {
  if (variants_[row] != kExcluded) ++excluded_;
  variants_[row] = kExcluded;
}

void UnitTable::Add(uint32_t row, size_t metric, const Observation& observation) {
  Cell& cell = cells_[row * plan_.metrics.size() + metric];
  cell.x += observation.covariate;
  ++cell.observations;
  switch (plan_.metrics[metric].type) {
    case MetricType::kMean:
    case MetricType::kProportion:
    case MetricType::kRatio:
      cell.m += observation.value;
      cell.d += observation.weight;
      break;
    case MetricType::kTotal:
      cell.m += observation.value;
      break;
    case MetricType::kConverted:
      if (observation.value != 0) cell.m = 1;
      break;
    case MetricType::kCount:
      break;
    case MetricType::kQuantile:
      values_[metric].push_back({row, observation.value});
      break;
  }
}

AnalysisInput UnitTable::Collect(bool for_look) const {
  AnalysisInput input;
  input.units.resize(plan_.variants.size());
  input.arms.assign(plan_.metrics.size(), std::vector<ArmData>(plan_.variants.size()));
  for (const uint32_t variant : variants_) {
    if (variant != kExcluded) ++input.units[variant];
  }
  for (size_t metric = 0; metric < plan_.metrics.size(); ++metric) {
    if (for_look && plan_.metrics[metric].role == MetricRole::kGuardrail) continue;
    if (plan_.metrics[metric].type == MetricType::kQuantile) {
      CollectQuantile(metric, input);
    } else {
      Collect(metric, input);
    }
  }
  return input;
}

UnitTable::Center UnitTable::CenterOf(size_t metric) const {
  const MetricType type = plan_.metrics[metric].type;
  if (type != MetricType::kMean && type != MetricType::kRatio) return {};
  std::vector<double> m;
  std::vector<double> x;
  for (size_t row = 0; row < variants_.size(); ++row) {
    const Cell& cell = cells_[row * plan_.metrics.size() + metric];
    if (variants_[row] == kExcluded || cell.d == 0) continue;
    m.push_back(cell.m / cell.d);
    x.push_back(cell.x / cell.d);
  }
  return {.m = Median(m), .x = Median(x)};
}

void UnitTable::Collect(size_t metric, AnalysisInput& input) const {
  const MetricType type = plan_.metrics[metric].type;
  const Center center = CenterOf(metric);
  for (ArmData& arm : input.arms[metric]) arm.offset = center.m;
  for (size_t row = 0; row < variants_.size(); ++row) {
    const Cell& cell = cells_[row * plan_.metrics.size() + metric];
    const double observations = static_cast<double>(cell.observations);
    if (variants_[row] == kExcluded || (cell.observations == 0 && type != MetricType::kCount)) continue;
    UnitSums& sums = input.arms[metric][variants_[row]].sums;
    switch (type) {
      case MetricType::kConverted:
      case MetricType::kTotal:
        sums.Add(cell.m, 1, cell.x / observations);
        break;
      case MetricType::kCount:
        sums.Add(observations);
        break;
      default:
        sums.Add(cell.m - center.m * cell.d, cell.d, cell.x - center.x * cell.d);
    }
  }
}

void UnitTable::CollectQuantile(size_t metric, AnalysisInput& input) const {
  std::vector<std::vector<UnitValue>> arms(plan_.variants.size());
  for (const UnitValue& value : values_[metric]) {
    if (variants_[value.unit] != kExcluded) arms[variants_[value.unit]].push_back(value);
  }
  for (size_t v = 0; v < arms.size(); ++v) {
    input.arms[metric][v].quantile = QuantileEstimate(arms[v], plan_.metrics[metric].q);
  }
}

bool LookSchedule::Due(uint64_t units) {
  const double now = static_cast<double>(units);
  if (now < next_) return false;
  next_ = std::max(now + step_, now * 1.05);
  return true;
}

}  // namespace espalier
