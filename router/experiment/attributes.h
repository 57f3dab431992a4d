// What is known about a request when it is routed: its parameters and metadata, or a JSON document.
#ifndef ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTES_H_
#define ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTES_H_

#include <cstdint>
#include <string_view>
#include <variant>

#include "nlohmann/json_fwd.hpp"

namespace espalier {

// monostate: absent. A string view, or the JSON node (arrays, objects, null), lives as long as its source.
using AttributeValue =
    std::variant<std::monostate, bool, int64_t, double, std::string_view, const nlohmann::json*>;

// Looks attributes up by name. Find may be called many times for one request, and does not allocate.
class AttributeSource {
 public:
  virtual ~AttributeSource() = default;
  virtual AttributeValue Find(std::string_view name) const = 0;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTES_H_
