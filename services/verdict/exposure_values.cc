#include "services/verdict/exposure_values.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <numeric>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "router/stats/loss.h"
#include "router/stats/sentence.h"
#include "router/stats/srm.h"

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little, "blobs are little-endian float32");

// Shares of missing outcomes that differ by less than this are not worth a note.
constexpr double kMissingDifference = 0.01;
constexpr double kMissingAlpha = 0.001;

// What did not come did not happen: such metrics count a unit without outcomes as 0.
bool CountsWhatHappened(MetricType type) {
  return type == MetricType::kCount || type == MetricType::kTotal || type == MetricType::kConverted;
}

// The score of a row, of a model with one output.
std::optional<double> Score(const JoinedEvent& event, uint32_t row) {
  if (event.scores.size() != event.rows * sizeof(float)) return std::nullopt;
  float score;
  std::memcpy(&score, event.scores.data() + row * sizeof(float), sizeof(float));
  return score;
}

void AddNote(std::string_view metric, uint64_t count, std::string_view why, std::vector<std::string>& notes) {
  if (count > 0) notes.push_back(fmt::format("{}: {} values left out: {}", metric, WithCommas(count), why));
}

}  // namespace

ExposureValues::ExposureValues(const JudgePlan& plan, int64_t now_micros)
    : plan_(plan), now_micros_(now_micros), counts_(plan.sources.size()) {
  for (Counts& counts : counts_) counts.missing.resize(plan.analysis.variants.size());
}

std::span<const Observation> ExposureValues::Of(const JoinedEvent& event, size_t metric, uint32_t variant) {
  observations_.clear();
  const MetricSource& source = plan_.sources[metric];
  switch (source.kind) {
    case MetricSource::Kind::kLatency:
      observations_.push_back({.value = static_cast<double>(event.latency_micros) * 1e-6});
      break;
    case MetricSource::Kind::kErrors:
      observations_.push_back({.value = event.status == 0 ? 0.0 : 1.0});
      break;
    case MetricSource::Kind::kExposures:
      observations_.push_back({.value = 1});
      break;
    case MetricSource::Kind::kRatio:
      TakeRatio(event, source);
      break;
    case MetricSource::Kind::kOutcome:
      TakeOutcomes(event, metric, variant);
      break;
  }
  DropUncountable(metric);
  const MetricType type = plan_.analysis.metrics[metric].type;
  if (observations_.empty() && (type == MetricType::kTotal || type == MetricType::kConverted)) {
    observations_.push_back({.value = 0});
  }
  return observations_;
}

void ExposureValues::TakeRatio(const JoinedEvent& event, const MetricSource& source) {
  Observation observation = {.value = 0, .weight = 0};
  bool any = false;
  for (const JoinedOutcome& outcome : event.outcomes) {
    if (outcome.name == source.outcome) observation.value += outcome.value;
    if (outcome.name == source.denominator) observation.weight += outcome.value;
    any |= outcome.name == source.outcome || outcome.name == source.denominator;
  }
  if (any) observations_.push_back(observation);
}

void ExposureValues::TakeOutcomes(const JoinedEvent& event, size_t metric, uint32_t variant) {
  const MetricSource& source = plan_.sources[metric];
  const MetricType type = plan_.analysis.metrics[metric].type;
  Missing& missing = counts_[metric].missing[variant];
  // Outcomes come ordered by row.
  const JoinedOutcome* next = event.outcomes.data();
  const JoinedOutcome* const end = next + event.outcomes.size();
  values_.clear();
  for (uint32_t row = 0; row < event.rows; ++row) {
    while (next != end && (next->row < row || (next->row == row && next->name != source.outcome))) ++next;
    const bool present = next != end && next->row == row;
    if (!CountsWhatHappened(type)) {
      ++missing.wanted;
      if (!present) ++missing.missing;
    }
    const std::optional<double> outcome = present ? next->value : MissingValue(event);
    if (!outcome.has_value() || (type == MetricType::kCount && !present)) continue;
    TakeRow(event, metric, row, *outcome);
  }
  Aggregate(source.rows);
}

void ExposureValues::TakeRow(const JoinedEvent& event, size_t metric, uint32_t row, double outcome) {
  const Loss loss = plan_.sources[metric].loss;
  const std::optional<double> score = loss == Loss::kNone ? 0 : Score(event, row);
  if (!score.has_value()) {
    ++counts_[metric].without_score;
    return;
  }
  const double value = LossOf(loss, *score, outcome);
  if (std::isfinite(*score) && std::isfinite(value)) {
    values_.push_back(value);
  } else {
    ++counts_[metric].not_finite;
  }
}

void ExposureValues::Aggregate(MetricSource::Rows rows) {
  if (values_.empty()) return;
  switch (rows) {
    case MetricSource::Rows::kEach:
      for (const double each : values_) observations_.push_back({.value = each});
      break;
    case MetricSource::Rows::kSum:
      observations_.push_back({.value = std::accumulate(values_.begin(), values_.end(), 0.0)});
      break;
    case MetricSource::Rows::kFirst:
      observations_.push_back({.value = values_.front()});
      break;
    case MetricSource::Rows::kMax:
      observations_.push_back({.value = *std::max_element(values_.begin(), values_.end())});
      break;
    case MetricSource::Rows::kLast:
      observations_.push_back({.value = values_.back()});
      break;
  }
}

// One value that is no number would make the metric none, for good.
void ExposureValues::DropUncountable(size_t metric) {
  Counts& counts = counts_[metric];
  const bool proportion = plan_.analysis.metrics[metric].type == MetricType::kProportion;
  std::erase_if(observations_, [&](const Observation& each) {
    const bool finite = std::isfinite(each.value) && std::isfinite(each.weight);
    const bool outside = finite && proportion && each.value != 0 && each.value != 1;
    if (!finite) ++counts.not_finite;
    if (outside) ++counts.no_proportion;
    return !finite || outside;
  });
}

// What stands for an outcome that did not come, once it cannot come any more.
std::optional<double> ExposureValues::MissingValue(const JoinedEvent& event) const {
  const bool over = plan_.window_micros.has_value() && now_micros_ - event.time_micros > *plan_.window_micros;
  return over ? plan_.missing_value : std::nullopt;
}

void ExposureValues::AddNotes(std::vector<std::string>& notes) const {
  for (size_t metric = 0; metric < counts_.size(); ++metric) {
    AddMissingNote(metric, notes);
    const std::string& name = plan_.analysis.metrics[metric].name;
    const Counts& counts = counts_[metric];
    AddNote(name, counts.not_finite, "the score or the value is not finite", notes);
    AddNote(name, counts.without_score,
            "a loss needs one score for each row, which their replies do not have (has the model several "
            "outputs?)",
            notes);
    AddNote(name, counts.no_proportion, "a proportion is of 0 and 1", notes);
  }
}

// Whether the variants miss outcomes alike: chi-square of missing and present by variant.
double ExposureValues::MissingP(size_t metric, double share) const {
  double chi2 = 0;
  int df = -1;
  for (const Missing& arm : counts_[metric].missing) {
    if (arm.wanted == 0) continue;
    const double wanted = static_cast<double>(arm.wanted);
    const double distance = static_cast<double>(arm.missing) - share * wanted;
    chi2 += distance * distance / (share * wanted) + distance * distance / ((1 - share) * wanted);
    ++df;
  }
  return ChiSquareP(chi2, df);
}

void ExposureValues::AddMissingNote(size_t metric, std::vector<std::string>& notes) const {
  uint64_t wanted = 0;
  uint64_t missing = 0;
  std::string shares;
  double low = 1;
  double high = 0;
  for (size_t v = 0; v < plan_.analysis.variants.size(); ++v) {
    const Missing& arm = counts_[metric].missing[v];
    if (arm.wanted == 0) continue;
    wanted += arm.wanted;
    missing += arm.missing;
    const double share = static_cast<double>(arm.missing) / static_cast<double>(arm.wanted);
    low = std::min(low, share);
    high = std::max(high, share);
    shares +=
        fmt::format("{}{} {:.1f} %", shares.empty() ? "" : ", ", plan_.analysis.variants[v].key, 100 * share);
  }
  if (missing == 0) return;
  std::string note =
      fmt::format("{}: outcome `{}` not there for {} of {} rows ({})", plan_.analysis.metrics[metric].name,
                  plan_.sources[metric].outcome, WithCommas(missing), WithCommas(wanted), shares);
  const double overall = static_cast<double>(missing) / static_cast<double>(wanted);
  if (high - low > kMissingDifference && MissingP(metric, overall) < kMissingAlpha) {
    note += "; the shares differ between the variants, and what is compared may differ with them";
  }
  notes.push_back(std::move(note));
}

}  // namespace espalier
