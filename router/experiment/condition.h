// Targeting: GrowthBook's condition language, compiled once and evaluated for each request.
//
//   ESPALIER_ASSIGN_OR_RETURN(Condition condition, Condition::Compile(R"({"age": {"$gte": 18}})"_json,
//   groups,
//                                                                     ConditionRules::kStrict));
//   if (condition.Matches(attributes)) ...
//
// A condition is an object. Its keys are paths into the attributes ("address.city"), or $and, $or, $nor, $not
// over further conditions; its values are literals, or objects of operators: $eq $ne $lt $lte $gt $gte, $in
// $nin $ini $nini, $all $alli, $size, $elemMatch, $exists, $type, $regex $regexi $notRegex $notRegexi, $not,
// $inGroup $notInGroup, and for versions $veq $vne $vgt $vgte $vlt $vlte. Values are compared as
// attribute_value.h says; docs/experiments.md lists where GrowthBook's SDKs disagree and what holds here.
#ifndef ESPALIER_ROUTER_EXPERIMENT_CONDITION_H_
#define ESPALIER_ROUTER_EXPERIMENT_CONDITION_H_

#include <memory>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "router/experiment/attributes.h"

namespace espalier {

// What happens to a condition that makes no sense: an unknown operator, an operand of the wrong type, a
// regular expression that RE2 does not take, an unknown group. GrowthBook's SDKs treat it as one that does
// not hold (kSdk); a document with it is refused (kStrict).
enum class ConditionRules { kStrict, kSdk };

// Levels of nesting that a condition may have.
inline constexpr int kMaxConditionDepth = 32;

class ConditionNode;

// Immutable; thread-safe.
class Condition {
 public:
  // `saved_groups` is an object of arrays by name, or null. INVALID_ARGUMENT names the path and what is
  // allowed.
  static absl::StatusOr<Condition> Compile(const nlohmann::json& condition,
                                           const nlohmann::json& saved_groups, ConditionRules rules);
  Condition(Condition&&) noexcept;
  Condition& operator=(Condition&&) noexcept;
  ~Condition();

  bool Matches(const AttributeSource& attributes) const;

 private:
  explicit Condition(std::unique_ptr<const ConditionNode> root);

  std::unique_ptr<const ConditionNode> root_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_CONDITION_H_
