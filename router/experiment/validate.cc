#include "router/experiment/validate.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/attribute_value.h"
#include "router/experiment/utf8.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;
using Ranges = google::protobuf::RepeatedPtrField<espalier::v1::Range>;

constexpr double kWeightTolerance = 1e-6;
constexpr size_t kMaxProseBytes = 4096;

bool AllOf(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

std::string RangeText(const espalier::v1::Range& range) {
  return StrCat("[", ShowNumber(range.start()), ", ", ShowNumber(range.end()), "]");
}

// Each range lies within [0, 1] and they do not overlap; empty ranges where `allow_empty`.
absl::Status CheckRanges(const std::string& field, const Ranges& ranges, bool allow_empty) {
  for (int i = 0; i < ranges.size(); ++i) {
    const auto& range = ranges[i];
    const bool inside = range.start() >= 0 && range.end() <= 1 && range.start() <= range.end();
    if (!inside || (!allow_empty && range.start() == range.end())) {
      return InvalidArgument(field, "[", i, "]: ", RangeText(range),
                             " must be [start, end] with 0 <= start < end <= 1");
    }
  }
  return absl::OkStatus();
}

bool Overlap(const espalier::v1::Range& a, const espalier::v1::Range& b) {
  return a.start() < b.end() && b.start() < a.end();
}

absl::Status CheckIdentity(const Experiment& document) {
  if (!IsExperimentKey(document.experiment())) {
    return InvalidArgument("experiment: \"", document.experiment(), "\" must match [a-z0-9_-]{1,64}");
  }
  if (!IsValidModelName(document.model())) {
    return InvalidArgument("model: \"", document.model(),
                           "\" must match [A-Za-z0-9._-]{1,64} without a leading dot");
  }
  ESPALIER_RETURN_IF_ERROR(CheckText("owner", document.owner()));
  ESPALIER_RETURN_IF_ERROR(CheckText("hypothesis", document.hypothesis(), kMaxProseBytes));
  if (document.has_seed() && document.seed().empty()) {
    return InvalidArgument("seed: \"\" must not be empty; leave it out to use the key");
  }
  ESPALIER_RETURN_IF_ERROR(CheckText("seed", document.seed()));
  if (document.has_config_version() && document.config_version() == 0) {
    return InvalidArgument("config_version: 0 must be at least 1");
  }
  if (!Experiment::State_IsValid(document.state())) {
    return InvalidArgument("state: ", static_cast<int>(document.state()), " is unknown");
  }
  return absl::OkStatus();
}

absl::Status CheckUnit(const espalier::v1::Unit& unit) {
  if (unit.attribute().empty()) {
    return InvalidArgument("unit.attribute: is missing; name the request parameter that holds the unit");
  }
  ESPALIER_RETURN_IF_ERROR(CheckText("unit.attribute", unit.attribute()));
  if (!unit.fallback().empty() && unit.fallback() != "request_id") {
    return InvalidArgument("unit.fallback: \"", unit.fallback(), "\" must be request_id, or left out");
  }
  return absl::OkStatus();
}

absl::Status CheckLayer(const espalier::v1::Layer& layer) {
  if (layer.name().empty()) return InvalidArgument("layer.name: is missing");
  ESPALIER_RETURN_IF_ERROR(CheckText("layer.name", layer.name()));
  if (layer.ranges().empty()) {
    return InvalidArgument("layer.ranges: is missing; [[0, 1]] claims the whole layer");
  }
  ESPALIER_RETURN_IF_ERROR(CheckRanges("layer.ranges", layer.ranges(), /*allow_empty=*/false));
  for (int i = 0; i < layer.ranges_size(); ++i) {
    for (int j = 0; j < i; ++j) {
      if (!Overlap(layer.ranges(i), layer.ranges(j))) continue;
      return InvalidArgument("layer.ranges[", i, "]: ", RangeText(layer.ranges(i)), " overlaps ",
                             RangeText(layer.ranges(j)));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckHoldout(const espalier::v1::Holdout& holdout) {
  if (holdout.name().empty()) return InvalidArgument("holdout.name: is missing");
  ESPALIER_RETURN_IF_ERROR(CheckText("holdout.name", holdout.name()));
  if (!holdout.has_share()) return InvalidArgument("holdout.share: is missing; it is within [0, 1]");
  return CheckWithin("holdout.share", holdout.share(), 0, 1);
}

absl::Status CheckSavedGroups(const google::protobuf::Struct& groups) {
  for (const auto& [name, list] : groups.fields()) {
    if (!list.has_list_value()) return InvalidArgument("saved_groups.", name, ": must be a list of values");
  }
  return absl::OkStatus();
}

absl::Status CheckVariant(const espalier::v1::Variant& variant, int index) {
  const auto field = [index](std::string_view name) { return FieldAt("variants", index, name); };
  if (!IsExperimentKey(variant.key())) {
    return InvalidArgument(field("key"), ": \"", variant.key(), "\" must match [a-z0-9_-]{1,64}");
  }
  if (!variant.predictions().empty()) return NotActedOn(field("predictions"));
  if (variant.has_external()) return NotActedOn(field("external"));
  if (variant.version() < 1) {
    return InvalidArgument(field("version"), ": ", variant.version(),
                           " must be a version of the model, from 1");
  }
  if (variant.has_weight() && !(std::isfinite(variant.weight()) && variant.weight() >= 0)) {
    return InvalidArgument(field("weight"), ": ", ShowNumber(variant.weight()),
                           " must be a finite number >= 0");
  }
  return CheckRanges(field("ranges"), variant.ranges(), /*allow_empty=*/true);
}

absl::Status CheckExplicitRanges(const Experiment& document) {
  if (document.layout() != Experiment::LAYOUT_UNSPECIFIED) {
    return InvalidArgument("layout: must be left out where variants have ranges, which say it all");
  }
  for (int i = 0; i < document.variants_size(); ++i) {
    if (document.variants(i).ranges().empty()) {
      return InvalidArgument(
          FieldAt("variants", i, "ranges"),
          ": is missing; ranges are given for every variant or for none ([[0, 0]] is empty)");
    }
  }
  struct Owned {
    const espalier::v1::Range* range;
    int variant;
  };
  std::vector<Owned> owned;
  for (int i = 0; i < document.variants_size(); ++i) {
    for (const auto& range : document.variants(i).ranges()) {
      for (const Owned& other : owned) {
        if (!Overlap(range, *other.range)) continue;
        return InvalidArgument(FieldAt("variants", i, "ranges"), ": ", RangeText(range), " overlaps ",
                               RangeText(*other.range), " of variant \"",
                               document.variants(other.variant).key(), "\"");
      }
      owned.push_back({&range, i});
    }
  }
  const bool all_empty = std::all_of(
      owned.begin(), owned.end(), [](const Owned& each) { return each.range->start() == each.range->end(); });
  return all_empty ? InvalidArgument("variants: all of their ranges are empty, and nobody would take part")
                   : absl::OkStatus();
}

absl::Status CheckCanary(const Experiment& document) {
  const int treatments = document.variants_size() - 1;
  for (int i = 0; i < document.variants_size(); ++i) {
    const auto& variant = document.variants(i);
    if (variant.control() || variant.weight() <= 1.0 / treatments + kWeightTolerance) continue;
    return InvalidArgument(FieldAt("variants", i, "weight"), ": ", ShowNumber(variant.weight()),
                           " is more than 1/", treatments, ", the room that the canary layout gives each of ",
                           treatments,
                           " treatments; lower it, or set layout: cumulative (which moves more units)");
  }
  return absl::OkStatus();
}

absl::Status CheckWeights(const Experiment& document) {
  double sum = 0;
  for (int i = 0; i < document.variants_size(); ++i) {
    if (!document.variants(i).has_weight()) {
      return InvalidArgument(FieldAt("variants", i, "weight"), ": is missing; the weights add up to 1");
    }
    sum += document.variants(i).weight();
  }
  if (std::abs(sum - 1) > kWeightTolerance) {
    return InvalidArgument("variants: the weights add up to ", ShowNumber(sum), ", and must add up to 1");
  }
  return document.layout() == Experiment::CANARY ? CheckCanary(document) : absl::OkStatus();
}

absl::Status CheckVariants(const Experiment& document) {
  if (document.variants_size() < 2 || document.variants_size() > kMaxVariants) {
    return InvalidArgument("variants: ", document.variants_size(), " given; 2 to ", kMaxVariants,
                           " are allowed");
  }
  absl::flat_hash_set<std::string> keys;
  int controls = 0;
  bool has_ranges = false;
  for (int i = 0; i < document.variants_size(); ++i) {
    const auto& variant = document.variants(i);
    ESPALIER_RETURN_IF_ERROR(CheckVariant(variant, i));
    if (!keys.insert(variant.key()).second) {
      return InvalidArgument(FieldAt("variants", i, "key"), ": \"", variant.key(), "\" stands twice");
    }
    controls += variant.control() ? 1 : 0;
    has_ranges = has_ranges || !variant.ranges().empty();
  }
  if (controls != 1) {
    return InvalidArgument("variants: ", controls, " of them have control: true, and exactly one must");
  }
  ESPALIER_RETURN_IF_ERROR(has_ranges ? CheckExplicitRanges(document) : CheckWeights(document));
  for (const auto& [unit, key] : document.overrides()) {
    if (unit.empty()) return InvalidArgument("overrides: a unit must not be empty");
    ESPALIER_RETURN_IF_ERROR(CheckText("overrides", unit));
    if (keys.contains(key)) continue;
    return InvalidArgument("overrides.", unit, ": \"", key, "\" is none of the variants");
  }
  return absl::OkStatus();
}

absl::Status CheckLaterPieces(const Experiment& document) {
  if (!document.shadow().empty()) return NotActedOn("shadow");
  if (document.has_ramp()) return NotActedOn("ramp");
  if (document.has_bandit()) return NotActedOn("bandit");
  if (document.decision().auto_promote()) return NotActedOn("decision.auto_promote: true");
  return absl::OkStatus();
}

absl::Status CheckTimes(const Experiment& document) {
  if (!document.has_start() || !document.has_end()) return absl::OkStatus();
  const auto& start = document.start();
  const auto& end = document.end();
  const bool ordered =
      start.seconds() < end.seconds() || (start.seconds() == end.seconds() && start.nanos() < end.nanos());
  return ordered ? absl::OkStatus() : InvalidArgument("end: must be after start");
}

absl::Status CheckAll(const Experiment& document) {
  ESPALIER_RETURN_IF_ERROR(CheckIdentity(document));
  ESPALIER_RETURN_IF_ERROR(CheckLaterPieces(document));
  ESPALIER_RETURN_IF_ERROR(CheckUnit(document.unit()));
  if (document.has_coverage()) {
    ESPALIER_RETURN_IF_ERROR(CheckWithin("coverage", document.coverage(), 0, 1));
  }
  ESPALIER_RETURN_IF_ERROR(CheckVariants(document));
  if (document.has_layer()) ESPALIER_RETURN_IF_ERROR(CheckLayer(document.layer()));
  if (document.has_holdout()) ESPALIER_RETURN_IF_ERROR(CheckHoldout(document.holdout()));
  ESPALIER_RETURN_IF_ERROR(CheckSavedGroups(document.saved_groups()));
  ESPALIER_RETURN_IF_ERROR(CheckTimes(document));
  return ValidateAnalysis(document);
}

}  // namespace

bool IsExperimentKey(std::string_view key) {
  return !key.empty() && key.size() <= 64 && AllOf(key, "abcdefghijklmnopqrstuvwxyz0123456789_-");
}

bool IsValidModelName(std::string_view model) {
  return !model.empty() && model.size() <= 64 && model.front() != '.' &&
         AllOf(model, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
}

absl::Status CheckText(std::string_view field, std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return InvalidArgument(field, ": has ", text.size(), " bytes, and at most ", max_bytes, " are allowed");
  }
  return IsUtf8(text) ? absl::OkStatus() : InvalidArgument(field, ": must be valid UTF-8");
}

absl::Status CheckWithin(std::string_view field, double value, double low, double high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return InvalidArgument(field, ": ", ShowNumber(value), " must be within [", low, ", ", high, "]");
}

std::string ShowNumber(double number) {
  NumberBuffer buffer;
  return std::string(NumberText(number, buffer));
}

absl::Status NotActedOn(std::string_view field) {
  return InvalidArgument(field, ": is not acted on by this build; remove it");
}

std::string FieldAt(std::string_view list, int index, std::string_view field) {
  return StrCat(list, "[", index, "].", field);
}

absl::Status ValidateExperiment(const Experiment& document) {
  return Annotate(CheckAll(document), StrCat("experiment \"", document.experiment(), "\""));
}

}  // namespace espalier
