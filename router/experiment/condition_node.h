// The inner nodes of a compiled condition: logic over whole attribute sets, and the operators that contain
// others.
#ifndef ESPALIER_ROUTER_EXPERIMENT_CONDITION_NODE_H_
#define ESPALIER_ROUTER_EXPERIMENT_CONDITION_NODE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "router/experiment/attributes.h"
#include "router/experiment/value_test.h"

namespace espalier {

// A question about a set of attributes. Immutable; thread-safe.
class ConditionNode {
 public:
  virtual ~ConditionNode() = default;
  virtual bool Matches(const AttributeSource& attributes) const = 0;
};

using ConditionNodePtr = std::unique_ptr<const ConditionNode>;

// Every node holds; true for none.
ConditionNodePtr AllNodes(std::vector<ConditionNodePtr> nodes);

// Some node holds; true for none, as in GrowthBook.
ConditionNodePtr AnyNode(std::vector<ConditionNodePtr> nodes);

ConditionNodePtr NotNode(ConditionNodePtr node);

// `test` holds for the attribute at `path`, whose parts are separated by dots; what is not there is null.
ConditionNodePtr PathNode(std::string_view path, ValueTestPtr test);

// Every test holds for the value.
ValueTestPtr AllTests(std::vector<ValueTestPtr> tests);

// The value is an array whose length passes.
ValueTestPtr SizeTest(ValueTestPtr test);

// The value is an array with an element that passes; with `skip_null` one that is not null.
ValueTestPtr AnyElementTest(ValueTestPtr test, bool skip_null);

// The value is an array with an element that is not null and, taken as a set of attributes, matches.
ValueTestPtr AnyObjectTest(ConditionNodePtr node);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_CONDITION_NODE_H_
