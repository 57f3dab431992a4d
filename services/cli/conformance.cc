#include "services/cli/conformance.h"

#include <cmath>
#include <vector>

#include "absl/status/statusor.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/condition.h"
#include "router/experiment/json_text.h"
#include "router/experiment/slot_ranges.h"
#include "router/experiment/unit_hash.h"
#include "services/cli/print_json.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr double kMaxVectorVariants = 10'000;

absl::StatusOr<const json*> Member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return InvalidArgument(name, ": is missing");
  return &*found;
}

absl::StatusOr<std::string> TextMember(const json& object, const char* name) {
  ESPALIER_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  NumberBuffer buffer;
  const auto text = AttributeText(FromJson(*member), buffer);
  if (!text.has_value()) return InvalidArgument(name, ": must be a string");
  return std::string(*text);
}

absl::StatusOr<double> Number(const json& node, std::string_view name) {
  if (!node.is_number()) return InvalidArgument(name, ": must be a number");
  return node.get<double>();
}

absl::StatusOr<double> NumberMember(const json& object, const char* name) {
  ESPALIER_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  return Number(*member, name);
}

absl::StatusOr<json> Hash(const json& vector) {
  ESPALIER_ASSIGN_OR_RETURN(const std::string seed, TextMember(vector, "seed"));
  ESPALIER_ASSIGN_OR_RETURN(const std::string value, TextMember(vector, "value"));
  ESPALIER_ASSIGN_OR_RETURN(const double version, NumberMember(vector, "version"));
  if (version == 1) return LayerSlot(value, seed) / static_cast<double>(kLayerSlots);
  if (version == 2) return UnitSlot(Fnv1a32(seed), value) / static_cast<double>(kUnitSlots);
  return json(nullptr);
}

absl::StatusOr<json> BucketRanges(const json& vector) {
  ESPALIER_ASSIGN_OR_RETURN(const double variants, NumberMember(vector, "variants"));
  if (!(variants >= 0 && variants <= kMaxVectorVariants && variants == std::floor(variants))) {
    return InvalidArgument("variants: must be a whole number from 0 to ", kMaxVectorVariants);
  }
  double coverage = 1;
  if (const auto found = vector.find("coverage"); found != vector.end() && !found->is_null()) {
    ESPALIER_ASSIGN_OR_RETURN(coverage, Number(*found, "coverage"));
  }
  std::vector<double> weights;
  if (const auto found = vector.find("weights"); found != vector.end() && !found->is_null()) {
    if (!found->is_array()) return InvalidArgument("weights: must be a list of numbers, or null");
    for (const json& node : *found) {
      ESPALIER_ASSIGN_OR_RETURN(const double weight, Number(node, "weights"));
      weights.push_back(weight);
    }
  }
  json result = json::array();
  for (const UnitRange& range : SdkBucketRanges(static_cast<uint32_t>(variants), coverage, weights)) {
    result.push_back({range.start, range.end});
  }
  return result;
}

absl::StatusOr<json> Choose(const json& vector) {
  ESPALIER_ASSIGN_OR_RETURN(const double n, NumberMember(vector, "n"));
  ESPALIER_ASSIGN_OR_RETURN(const json* ranges, Member(vector, "ranges"));
  if (!ranges->is_array()) return InvalidArgument("ranges: must be a list of [start, end]");
  int chosen = -1;
  for (size_t i = 0; i < ranges->size(); ++i) {
    const json& range = (*ranges)[i];
    if (!range.is_array() || range.size() != 2 || !range[0].is_number() || !range[1].is_number()) {
      return InvalidArgument("ranges[", i, "]: must be [start, end]");
    }
    const bool inside = UnitRange{range[0].get<double>(), range[1].get<double>()}.Contains(n);
    if (chosen < 0 && inside) chosen = static_cast<int>(i);
  }
  return chosen;
}

absl::StatusOr<json> InNamespace(const json& vector) {
  ESPALIER_ASSIGN_OR_RETURN(const std::string unit, TextMember(vector, "unit"));
  ESPALIER_ASSIGN_OR_RETURN(const json* space, Member(vector, "namespace"));
  if (!space->is_array() || space->size() != 3 || !(*space)[0].is_string()) {
    return InvalidArgument("namespace: must be [name, start, end]");
  }
  ESPALIER_ASSIGN_OR_RETURN(const double start, Number((*space)[1], "namespace[1]"));
  ESPALIER_ASSIGN_OR_RETURN(const double end, Number((*space)[2], "namespace[2]"));
  const std::string seed = StrCat("__", (*space)[0].get<std::string>());
  return UnitRange{start, end}.Contains(LayerSlot(unit, seed) / static_cast<double>(kLayerSlots));
}

absl::StatusOr<json> Matches(const json& vector) {
  ESPALIER_ASSIGN_OR_RETURN(const json* condition, Member(vector, "condition"));
  ESPALIER_ASSIGN_OR_RETURN(const json* attributes, Member(vector, "attributes"));
  const auto groups = vector.find("saved_groups");
  ESPALIER_ASSIGN_OR_RETURN(
      const Condition compiled,
      Condition::Compile(*condition, groups == vector.end() ? json() : *groups, ConditionRules::kSdk));
  return compiled.Matches(JsonAttributes(*attributes));
}

absl::StatusOr<json> Answer(std::string_view line) {
  ESPALIER_ASSIGN_OR_RETURN(const json vector, ParseJson(line));
  if (!vector.is_object()) return InvalidArgument("a vector must be an object");
  ESPALIER_ASSIGN_OR_RETURN(const std::string op, TextMember(vector, "op"));
  if (op == "hash") return Hash(vector);
  if (op == "bucket_ranges") return BucketRanges(vector);
  if (op == "choose") return Choose(vector);
  if (op == "in_namespace") return InNamespace(vector);
  if (op == "condition") return Matches(vector);
  return InvalidArgument("op: \"", op, "\" must be hash, bucket_ranges, choose, in_namespace or condition");
}

}  // namespace

std::string AnswerVector(std::string_view line) {
  const absl::StatusOr<json> answer = Answer(line);
  const json out = answer.ok() ? json{{"result", *answer}} : json{{"error", Message(answer.status())}};
  return JsonText(out);
}

}  // namespace espalier
