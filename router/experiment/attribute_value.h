// What an attribute means where another type is asked for. The rules are JavaScript's, which GrowthBook's
// conditions are defined by, less its surprises: an absent attribute is null and never equals a text, and
// arrays and objects are no numbers and no text.
#ifndef ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTE_VALUE_H_
#define ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTE_VALUE_H_

#include <optional>
#include <string_view>

#include "nlohmann/json_fwd.hpp"
#include "router/experiment/attributes.h"

namespace espalier {

// Room for the text of any number.
using NumberBuffer = char[32];

// `json` as an attribute: scalars by value, null as absent, arrays and objects as the node itself.
AttributeValue FromJson(const nlohmann::json& json);

// A number as JavaScript writes it: 3, 0.1, 1e-7, 1e+21. The result lies in `buffer` or in static storage.
std::string_view NumberText(double number, NumberBuffer& buffer);

// The text of a string, number or bool; nothing for anything else. May refer to `buffer`.
std::optional<std::string_view> AttributeText(const AttributeValue& value, NumberBuffer& buffer);

// The number of a number, a bool (0 or 1), null (0), or a string that is one after trimming (empty: 0); else
// NaN.
double AttributeNumber(const AttributeValue& value);

// Null, false, 0, NaN and the empty string are false.
bool AttributeTruth(const AttributeValue& value);

bool IsNull(const AttributeValue& value);

// The node of an array or an object, else nullptr.
const nlohmann::json* AsArray(const AttributeValue& value);
const nlohmann::json* AsObject(const AttributeValue& value);

// The attributes of a JSON object; anything else has none. `object` outlives this.
class JsonAttributes final : public AttributeSource {
 public:
  explicit JsonAttributes(const nlohmann::json& object) : object_(object) {}
  AttributeValue Find(std::string_view name) const override;

 private:
  const nlohmann::json& object_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTE_VALUE_H_
