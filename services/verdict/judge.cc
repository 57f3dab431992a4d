#include "services/verdict/judge.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "fmt/format.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/stats/sentence.h"
#include "router/stats/unit_table.h"
#include "services/verdict/event_reader.h"
#include "services/verdict/judge_plan.h"

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little, "blobs are little-endian float32");

// Rows of exposures whose outcome a metric wants, and how many lack it.
struct Missing {
  uint64_t wanted = 0;
  uint64_t missing = 0;
};

// Shares of missing outcomes that differ by less than this are not worth a note.
constexpr double kMissingDifference = 0.01;
constexpr double kMissingAlpha = 0.001;

// Takes events one by one and keeps what the analysis needs.
class Tally {
 public:
  Tally(const JudgePlan& plan, int64_t now_micros)
      : plan_(plan),
        now_micros_(now_micros),
        units_(plan.analysis),
        schedule_(plan.analysis.n_star),
        missing_(plan.sources.size(), std::vector<Missing>(plan.analysis.variants.size())) {}

  void Take(const JoinedEvent& event) {
    const std::optional<uint32_t> variant = AnalysedVariant(event);
    if (!variant.has_value()) return;
    const uint32_t unit = units_.Find(event.unit, *variant);
    if (units_.variant(unit) != *variant) {
      units_.Exclude(unit);
      return;
    }
    ++exposures_;
    CountUnit(event.config_version, unit, *variant);
    for (size_t metric = 0; metric < plan_.sources.size(); ++metric)
      TakeMetric(event, metric, unit, *variant);
    if (schedule_.Due(units_.size())) Look();
  }

  Judgement Finish() {
    AnalysisInput input = units_.Collect();
    input.earlier = std::move(earlier_);
    input.exposures = exposures_;
    Judgement judgement;
    judgement.result = Analyze(plan_.analysis, input);
    WorstSampleRatio(judgement.result);
    judgement.result.verdict = Sentence(plan_.analysis, judgement.result);
    AddNotes(judgement.notes);
    return judgement;
  }

 private:
  // The variant whose arm the exposure belongs to; none when it is left out, and counted.
  std::optional<uint32_t> AnalysedVariant(const JoinedEvent& event) {
    if (event.reason == "override") {
      ++overrides_;
    } else if (event.reason == "unitless") {
      ++unitless_;
    } else if (event.probabilities != plan_.probabilities) {
      ++other_split_;
    } else {
      const auto& variants = plan_.analysis.variants;
      for (uint32_t v = 0; v < variants.size(); ++v) {
        if (variants[v].key == event.variant_assigned) return v;
      }
      ++other_variant_;
    }
    return std::nullopt;
  }

  void CountUnit(uint32_t config_version, uint32_t unit, uint32_t variant) {
    if (!seen_.insert(uint64_t{config_version} << 32 | unit).second) return;
    std::vector<uint64_t>& units = units_by_version_[config_version];
    units.resize(plan_.analysis.variants.size());
    ++units[variant];
  }

  void TakeMetric(const JoinedEvent& event, size_t metric, uint32_t unit, uint32_t variant) {
    const MetricSource& source = plan_.sources[metric];
    switch (source.kind) {
      case MetricSource::Kind::kLatency:
        units_.Add(unit, metric, {.value = static_cast<double>(event.latency_micros) * 1e-6});
        break;
      case MetricSource::Kind::kErrors:
        units_.Add(unit, metric, {.value = event.status == 0 ? 0.0 : 1.0});
        break;
      case MetricSource::Kind::kExposures:
        units_.Add(unit, metric, {.value = 1});
        break;
      case MetricSource::Kind::kRatio:
        TakeRatio(event, metric, unit);
        break;
      case MetricSource::Kind::kOutcome:
        TakeOutcomes(event, metric, unit, missing_[metric][variant]);
        break;
    }
  }

  void TakeRatio(const JoinedEvent& event, size_t metric, uint32_t unit) {
    const MetricSource& source = plan_.sources[metric];
    Observation observation = {.value = 0, .weight = 0};
    bool any = false;
    for (const JoinedOutcome& outcome : event.outcomes) {
      if (outcome.name == source.outcome) observation.value += outcome.value;
      if (outcome.name == source.denominator) observation.weight += outcome.value;
      any |= outcome.name == source.outcome || outcome.name == source.denominator;
    }
    if (any) units_.Add(unit, metric, observation);
  }

  void TakeOutcomes(const JoinedEvent& event, size_t metric, uint32_t unit, Missing& missing) {
    const MetricSource& source = plan_.sources[metric];
    const bool counts = plan_.analysis.metrics[metric].type == MetricType::kCount;
    // Outcomes come ordered by row.
    const JoinedOutcome* next = event.outcomes.data();
    const JoinedOutcome* const end = next + event.outcomes.size();
    values_.clear();
    for (uint32_t row = 0; row < event.rows; ++row) {
      while (next != end && (next->row < row || (next->row == row && next->name != source.outcome))) ++next;
      const bool present = next != end && next->row == row;
      ++missing.wanted;
      if (!present) ++missing.missing;
      const std::optional<double> outcome = present ? next->value : MissingValue(event);
      if (!outcome.has_value() || (counts && !present)) continue;
      const std::optional<double> score = Score(event, row);
      if (source.loss != Loss::kNone && !score.has_value()) continue;
      values_.push_back(LossOf(source.loss, score.value_or(0), *outcome));
    }
    AddValues(source.rows, metric, unit);
  }

  void AddValues(MetricSource::Rows rows, size_t metric, uint32_t unit) {
    if (values_.empty()) return;
    double value = 0;
    switch (rows) {
      case MetricSource::Rows::kEach:
        for (const double each : values_) units_.Add(unit, metric, {.value = each});
        return;
      case MetricSource::Rows::kSum:
        for (const double each : values_) value += each;
        break;
      case MetricSource::Rows::kFirst:
        value = values_.front();
        break;
      case MetricSource::Rows::kMax:
        value = *std::max_element(values_.begin(), values_.end());
        break;
      case MetricSource::Rows::kLast:
        value = values_.back();
        break;
    }
    units_.Add(unit, metric, {.value = value});
  }

  // What stands for an outcome that did not come, once it cannot come any more.
  std::optional<double> MissingValue(const JoinedEvent& event) const {
    const bool over =
        !plan_.window_micros.has_value() || now_micros_ - event.time_micros > *plan_.window_micros;
    return over ? plan_.missing_value : std::nullopt;
  }

  // The score of a row, of a model with one output.
  static std::optional<double> Score(const JoinedEvent& event, uint32_t row) {
    if (event.scores.size() != event.rows * sizeof(float)) return std::nullopt;
    float score;
    std::memcpy(&score, event.scores.data() + row * sizeof(float), sizeof(float));
    return score;
  }

  void Look() {
    AnalysisInput input = units_.Collect(/*for_look=*/true);
    input.earlier = std::move(earlier_);
    TakeLook(plan_.analysis, input);
    earlier_ = std::move(input.earlier);
  }

  // Per config version, since each has its own start; the worst of them is told.
  void WorstSampleRatio(AnalysisResult& result) const {
    std::vector<double> shares;
    for (const VariantPlan& variant : plan_.analysis.variants) shares.push_back(variant.share);
    for (const auto& [config_version, units] : units_by_version_) {
      const SampleRatio ratio = TestSampleRatio(units, shares, plan_.analysis.srm_alpha);
      if (ratio.p < result.srm.p) result.srm = ratio;
    }
  }

  void AddNotes(std::vector<std::string>& notes) const {
    const auto left_out = [&notes](uint64_t count, std::string_view why) {
      if (count > 0) notes.push_back(fmt::format("{} exposures left out: {}", WithCommas(count), why));
    };
    left_out(overrides_, "their unit has an override");
    left_out(unitless_, "their request has no unit");
    left_out(other_split_, "made under another split than the document's");
    left_out(other_variant_, "their variant is not in the document");
    if (units_.excluded() > 0) {
      notes.push_back(
          fmt::format("{} units left out: seen in more than one variant", WithCommas(units_.excluded())));
    }
    for (size_t metric = 0; metric < missing_.size(); ++metric) AddMissingNote(metric, notes);
  }

  void AddMissingNote(size_t metric, std::vector<std::string>& notes) const {
    uint64_t wanted = 0;
    uint64_t missing = 0;
    std::string shares;
    double low = 1;
    double high = 0;
    for (size_t v = 0; v < missing_[metric].size(); ++v) {
      const Missing& arm = missing_[metric][v];
      wanted += arm.wanted;
      missing += arm.missing;
      if (arm.wanted == 0) continue;
      const double share = static_cast<double>(arm.missing) / static_cast<double>(arm.wanted);
      low = std::min(low, share);
      high = std::max(high, share);
      shares += fmt::format("{}{} {:.1f} %", shares.empty() ? "" : ", ", plan_.analysis.variants[v].key,
                            100 * share);
    }
    if (missing == 0) return;
    std::string note =
        fmt::format("{}: outcome `{}` not there for {} of {} rows ({})", plan_.analysis.metrics[metric].name,
                    plan_.sources[metric].outcome, WithCommas(missing), WithCommas(wanted), shares);
    if (high - low > kMissingDifference && MissingP(metric, wanted, missing) < kMissingAlpha) {
      note += "; the shares differ between the variants, and what is compared may differ with them";
    }
    notes.push_back(std::move(note));
  }

  // Whether the variants miss outcomes alike: chi-square of missing and present by variant.
  double MissingP(size_t metric, uint64_t wanted, uint64_t missing) const {
    const double share = static_cast<double>(missing) / static_cast<double>(wanted);
    double chi2 = 0;
    int df = -1;
    for (const Missing& arm : missing_[metric]) {
      if (arm.wanted == 0) continue;
      const double expected = share * static_cast<double>(arm.wanted);
      const double distance = static_cast<double>(arm.missing) - expected;
      chi2 +=
          distance * distance / expected + distance * distance / (static_cast<double>(arm.wanted) - expected);
      ++df;
    }
    return ChiSquareP(chi2, df);
  }

  const JudgePlan& plan_;
  const int64_t now_micros_;
  UnitTable units_;
  LookSchedule schedule_;
  std::vector<std::vector<EarlierLook>> earlier_;
  std::map<uint32_t, std::vector<uint64_t>> units_by_version_;
  absl::flat_hash_set<uint64_t> seen_;         // config version, unit
  std::vector<std::vector<Missing>> missing_;  // [metric][variant]
  std::vector<double> values_;                 // of one exposure
  uint64_t exposures_ = 0;
  uint64_t overrides_ = 0;
  uint64_t unitless_ = 0;
  uint64_t other_split_ = 0;
  uint64_t other_variant_ = 0;
};

}  // namespace

absl::StatusOr<Judgement> Judge(Sqlite& db, const CompiledExperiment& experiment, int64_t now_micros) {
  const JudgePlan plan = PlanOf(experiment);
  Tally tally(plan, now_micros);
  uint32_t config_version = experiment.config_version();
  ESPALIER_ASSIGN_OR_RETURN(EventReader events, EventReader::Open(db, experiment.key()));
  JoinedEvent event;
  while (events.Next(event)) {
    config_version = std::max(config_version, event.config_version);
    tally.Take(event);
  }
  ESPALIER_RETURN_IF_ERROR(events.status());
  Judgement judgement = tally.Finish();
  judgement.experiment = experiment.key();
  judgement.state = experiment.state();
  judgement.config_version = config_version;
  return judgement;
}

}  // namespace espalier
