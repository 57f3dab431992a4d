#include "services/verdict/judge.h"

#include <algorithm>
#include <limits>
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
#include "services/verdict/exposure_values.h"
#include "services/verdict/judge_plan.h"

namespace espalier {
namespace {

// Config versions under which a variant of the document was another model or version than it is now, and what
// it was. A fallback's exposure tells of the control that answered, so this is asked of all exposures
// together.
using OtherModels = std::map<uint32_t, std::string>;

OtherModels FindOtherModels(const JudgePlan& plan, const std::vector<ServedModel>& served) {
  OtherModels others;
  for (const ServedModel& each : served) {
    for (size_t v = 0; v < plan.versions.size(); ++v) {
      if (plan.analysis.variants[v].key != each.variant) continue;
      if (each.model == plan.model && each.model_version == plan.versions[v]) continue;
      others.emplace(each.config_version,
                     fmt::format("under config version {} {} was version {} of {}", each.config_version,
                                 each.variant, each.model_version, each.model));
    }
  }
  return others;
}

// Takes events one by one and keeps what the analysis needs.
class Tally {
 public:
  Tally(const JudgePlan& plan, OtherModels other_models, int64_t now_micros)
      : plan_(plan),
        other_models_(std::move(other_models)),
        values_(plan, now_micros),
        units_(plan.analysis),
        schedule_(plan.analysis.n_star) {}

  void Take(const JoinedEvent& event) {
    const std::optional<uint32_t> variant = AnalysedVariant(event);
    if (!variant.has_value()) return;
    const uint32_t unit = units_.Find(event.unit, *variant);
    if (units_.variant(unit) != *variant) {
      units_.Exclude(unit);
      return;
    }
    exposures_.resize(units_.size());
    ++exposures_[unit];
    seen_.insert({event.config_version, unit});
    first_micros_ = std::min(first_micros_, event.time_micros);
    last_micros_ = std::max(last_micros_, event.time_micros);
    for (size_t metric = 0; metric < plan_.sources.size(); ++metric) {
      for (const Observation& each : values_.Of(event, metric, *variant)) units_.Add(unit, metric, each);
    }
    if (schedule_.Due(units_.size())) Look();
  }

  Judgement Finish() {
    AnalysisInput input = units_.Collect();
    input.earlier = std::move(earlier_);
    for (uint32_t unit = 0; unit < exposures_.size(); ++unit) {
      if (!units_.excluded(unit)) input.exposures += exposures_[unit];
    }
    input.seconds = exposures_.empty() ? 0 : static_cast<double>(last_micros_ - first_micros_) * 1e-6;
    Judgement judgement;
    judgement.result = Analyze(plan_.analysis, input);
    if (!exposures_.empty()) judgement.result.srm = WorstSampleRatio();
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
    } else if (other_models_.contains(event.config_version)) {
      ++other_model_;
    } else {
      const auto& variants = plan_.analysis.variants;
      for (uint32_t v = 0; v < variants.size(); ++v) {
        if (variants[v].key == event.variant_assigned) return v;
      }
      ++other_variant_;
    }
    return std::nullopt;
  }

  void Look() {
    AnalysisInput input = units_.Collect(/*for_look=*/true);
    input.earlier = std::move(earlier_);
    TakeLook(plan_.analysis, input);
    earlier_ = std::move(input.earlier);
  }

  // Per config version, since each has its own start, and of the units that are analysed; the worst of them.
  SampleRatio WorstSampleRatio() const {
    std::map<uint32_t, std::vector<uint64_t>> units;
    for (const auto& [config_version, unit] : seen_) {
      if (units_.excluded(unit)) continue;
      std::vector<uint64_t>& of_version = units[config_version];
      of_version.resize(plan_.analysis.variants.size());
      ++of_version[units_.variant(unit)];
    }
    std::vector<double> shares;
    for (const VariantPlan& variant : plan_.analysis.variants) shares.push_back(variant.share);
    std::optional<SampleRatio> worst;
    for (const auto& [config_version, counts] : units) {
      const SampleRatio ratio = TestSampleRatio(counts, shares, plan_.analysis.srm_alpha);
      if (!worst.has_value() || ratio.p < worst->p) worst = ratio;
    }
    return worst.value_or(SampleRatio());
  }

  // The first of the differences; they may be many.
  std::string WhatWasOther() const {
    if (other_models_.empty()) return {};
    return other_models_.begin()->second + (other_models_.size() > 1 ? ", ..." : "");
  }

  void AddNotes(std::vector<std::string>& notes) const {
    const auto left_out = [&notes](uint64_t count, std::string_view why) {
      if (count > 0) notes.push_back(fmt::format("{} exposures left out: {}", WithCommas(count), why));
    };
    left_out(overrides_, "their unit has an override");
    left_out(unitless_, "their request has no unit");
    left_out(other_split_, "made under another split than the document's");
    left_out(other_model_, "made with other models than the document's: " + WhatWasOther());
    left_out(other_variant_, "their variant is not in the document");
    if (units_.excluded() > 0) {
      notes.push_back(
          fmt::format("{} units left out: seen in more than one variant", WithCommas(units_.excluded())));
    }
    values_.AddNotes(notes);
  }

  const JudgePlan& plan_;
  const OtherModels other_models_;
  ExposureValues values_;
  UnitTable units_;
  LookSchedule schedule_;
  std::vector<std::vector<EarlierLook>> earlier_;
  absl::flat_hash_set<std::pair<uint32_t, uint32_t>> seen_;  // config version, unit
  std::vector<uint64_t> exposures_;                          // [unit]
  int64_t first_micros_ = std::numeric_limits<int64_t>::max();
  int64_t last_micros_ = std::numeric_limits<int64_t>::min();
  uint64_t overrides_ = 0;
  uint64_t unitless_ = 0;
  uint64_t other_split_ = 0;
  uint64_t other_model_ = 0;
  uint64_t other_variant_ = 0;
};

}  // namespace

absl::StatusOr<Judgement> Judge(Sqlite& db, const CompiledExperiment& experiment, int64_t now_micros) {
  const JudgePlan plan = PlanOf(experiment);
  uint32_t config_version = experiment.config_version();
  ESPALIER_ASSIGN_OR_RETURN(EventReader events, EventReader::Open(db, experiment.key()));
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<ServedModel> served, events.ServedModels());
  Tally tally(plan, FindOtherModels(plan, served), now_micros);
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
