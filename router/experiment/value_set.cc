#include "router/experiment/value_set.h"

#include <algorithm>

#include "models/base/strings.h"
#include "router/experiment/attribute_value.h"
#include "router/experiment/lower_case.h"

namespace espalier {

ValueSet::ValueSet(const nlohmann::json& list, bool ignore_case) : ignore_case_(ignore_case) {
  for (const nlohmann::json& element : list) {
    if (element.is_string()) {
      const auto& text = element.get_ref<const std::string&>();
      strings_.insert(ignore_case_ ? std::string(LowerCase(text).text()) : text);
    } else if (element.is_number()) {
      numbers_.insert(element.get<double>());
    } else if (element.is_boolean()) {
      has_bool_[element.get<bool>()] = true;
    } else if (element.is_null()) {
      has_null_ = true;
    } else {
      nodes_.push_back(element);
    }
  }
}

bool ValueSet::ContainsText(std::string_view text) const {
  if (!ignore_case_) return strings_.contains(ToAbsl(text));
  return strings_.contains(ToAbsl(LowerCase(text).text()));
}

bool ValueSet::Contains(const AttributeValue& value) const {
  if (const auto* text = std::get_if<std::string_view>(&value)) return ContainsText(*text);
  if (const auto* truth = std::get_if<bool>(&value)) return has_bool_[*truth];
  if (IsNull(value)) return has_null_;
  if (const auto* node = std::get_if<const nlohmann::json*>(&value)) {
    return std::find(nodes_.begin(), nodes_.end(), **node) != nodes_.end();
  }
  return numbers_.contains(AttributeNumber(value));
}

}  // namespace espalier
