// Conditions and attributes: the first line is a condition, the second the attributes, the third saved
// groups. What the strict rules accept means the same under the SDKs' rules.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/condition.h"
#include "router/experiment/json_text.h"

namespace {

using espalier::Condition;
using espalier::ConditionRules;
using nlohmann::json;

std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto condition = espalier::ParseJson(TakeLine(text));
  if (!condition.ok()) return 0;
  const auto parsed = espalier::ParseJson(TakeLine(text));
  const json attributes = parsed.ok() ? *parsed : json::object();
  const auto groups = espalier::ParseJson(TakeLine(text));
  const json saved = groups.ok() ? *groups : json();
  const auto strict = Condition::Compile(*condition, saved, ConditionRules::kStrict);
  const auto sdk = Condition::Compile(*condition, saved, ConditionRules::kSdk);
  if (strict.ok() && !sdk.ok()) std::abort();
  if (!sdk.ok()) return 0;
  const bool matches = sdk->Matches(espalier::JsonAttributes(attributes));
  if (strict.ok() && strict->Matches(espalier::JsonAttributes(attributes)) != matches) std::abort();
  return 0;
}
