#include "router/experiment/attributes_with_unit.h"

#include "router/experiment/compiled_experiment.h"

namespace espalier {

AttributeValue AttributesWithUnit::Find(std::string_view name) const {
  if (unit_.empty()) return attributes_.Find(name);
  for (const auto& experiment : route_.experiments()) {
    if (name == experiment->unit_attribute()) return unit_;
  }
  return attributes_.Find(name);
}

}  // namespace espalier
