// A request whose unit is known beside its attributes.
#ifndef ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTES_WITH_UNIT_H_
#define ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTES_WITH_UNIT_H_

#include <string_view>

#include "router/experiment/attributes.h"
#include "router/experiment/routing_table.h"

namespace espalier {

// The unit stands for the unit attribute of every experiment on the model; an empty one for none. A view: the
// parts outlive it.
class AttributesWithUnit final : public AttributeSource {
 public:
  AttributesWithUnit(const ModelRoute& route, std::string_view unit, const AttributeSource& attributes)
      : route_(route), unit_(unit), attributes_(attributes) {}

  AttributeValue Find(std::string_view name) const override;

 private:
  const ModelRoute& route_;
  const std::string_view unit_;
  const AttributeSource& attributes_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_ATTRIBUTES_WITH_UNIT_H_
