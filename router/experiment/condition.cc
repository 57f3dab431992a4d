#include "router/experiment/condition.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/condition_node.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr std::string_view kOperators =
    "$eq $ne $lt $lte $gt $gte $in $nin $ini $nini $all $alli $size $elemMatch $exists $type $regex $regexi "
    "$notRegex $notRegexi $not $inGroup $notInGroup $veq $vne $vgt $vgte $vlt $vlte";

// An object all of whose keys begin with a dollar sign, and that has one.
bool IsOperatorObject(const json& node) {
  if (!node.is_object() || node.empty()) return false;
  for (const auto& item : node.items()) {
    if (!item.key().starts_with('$')) return false;
  }
  return true;
}

bool HasOperatorKey(const json& node) {
  if (!node.is_object()) return false;
  for (const auto& item : node.items()) {
    if (item.key().starts_with('$')) return true;
  }
  return false;
}

// Compiles one condition. `path` says where a part stands, for messages: "address.city.$in".
class Compiler {
 public:
  Compiler(const json& saved_groups, ConditionRules rules) : groups_(saved_groups), rules_(rules) {}

  absl::StatusOr<ConditionNodePtr> Object(const json& condition, const std::string& path, int depth);

 private:
  absl::StatusOr<ConditionNodePtr> Entry(const std::string& key, const json& value, const std::string& path,
                                         int depth);
  absl::StatusOr<std::vector<ConditionNodePtr>> List(const json& list, const std::string& path, int depth);
  absl::StatusOr<ValueTestPtr> Value(const json& condition, const std::string& path, int depth,
                                     bool ignore_case = false);
  absl::StatusOr<ValueTestPtr> Operator(const std::string& name, const json& operand, const std::string& path,
                                        int depth);
  absl::StatusOr<ValueTestPtr> Membership(const std::string& name, const json& operand,
                                          const std::string& path);
  absl::StatusOr<ValueTestPtr> Group(bool inside, const json& operand, const std::string& path);
  absl::StatusOr<ValueTestPtr> ContainsAll(bool ignore_case, const json& operand, const std::string& path,
                                           int depth);
  absl::StatusOr<ValueTestPtr> ElementMatch(const json& operand, const std::string& path, int depth);
  absl::StatusOr<ValueTestPtr> Pattern(const std::string& name, const json& operand, const std::string& path);
  absl::StatusOr<ValueTestPtr> Kind(const json& operand, const std::string& path);

  // What makes no sense: refused, or never true.
  absl::StatusOr<ValueTestPtr> Nonsense(const std::string& path, std::string_view allowed) const {
    if (rules_ == ConditionRules::kStrict) return InvalidArgument(path, ": ", allowed);
    return ConstantTest(false);
  }

  bool strict() const { return rules_ == ConditionRules::kStrict; }

  const json& groups_;
  const ConditionRules rules_;
};

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : StrCat(path, ".", key);
}

absl::StatusOr<ConditionNodePtr> Compiler::Object(const json& condition, const std::string& path, int depth) {
  if (depth > kMaxConditionDepth) {
    return InvalidArgument(path, ": conditions may be nested ", kMaxConditionDepth, " levels deep");
  }
  if (!condition.is_object()) {
    return InvalidArgument(path.empty() ? "the condition" : path, ": must be an object of conditions");
  }
  std::vector<ConditionNodePtr> nodes;
  for (const auto& item : condition.items()) {
    ESPALIER_ASSIGN_OR_RETURN(ConditionNodePtr node,
                              Entry(item.key(), item.value(), Join(path, item.key()), depth + 1));
    nodes.push_back(std::move(node));
  }
  if (nodes.size() == 1) return std::move(nodes.front());
  return AllNodes(std::move(nodes));
}

absl::StatusOr<ConditionNodePtr> Compiler::Entry(const std::string& key, const json& value,
                                                 const std::string& path, int depth) {
  if (key == "$not") {
    ESPALIER_ASSIGN_OR_RETURN(ConditionNodePtr node, Object(value, path, depth));
    return NotNode(std::move(node));
  }
  if (key == "$and" || key == "$or" || key == "$nor") {
    ESPALIER_ASSIGN_OR_RETURN(std::vector<ConditionNodePtr> nodes, List(value, path, depth));
    if (key == "$and") return AllNodes(std::move(nodes));
    ConditionNodePtr any = AnyNode(std::move(nodes));
    return key == "$or" ? std::move(any) : NotNode(std::move(any));
  }
  if (strict() && key.starts_with('$')) {
    return InvalidArgument(path, ": is no attribute; here only $and, $or, $nor and $not are allowed");
  }
  ESPALIER_ASSIGN_OR_RETURN(ValueTestPtr test, Value(value, path, depth));
  return PathNode(key, std::move(test));
}

absl::StatusOr<std::vector<ConditionNodePtr>> Compiler::List(const json& list, const std::string& path,
                                                             int depth) {
  if (!list.is_array()) return InvalidArgument(path, ": must be a list of conditions");
  std::vector<ConditionNodePtr> nodes;
  for (size_t i = 0; i < list.size(); ++i) {
    ESPALIER_ASSIGN_OR_RETURN(ConditionNodePtr node, Object(list[i], StrCat(path, "[", i, "]"), depth));
    nodes.push_back(std::move(node));
  }
  return nodes;
}

absl::StatusOr<ValueTestPtr> Compiler::Value(const json& condition, const std::string& path, int depth,
                                             bool ignore_case) {
  if (depth > kMaxConditionDepth) {
    return InvalidArgument(path, ": conditions may be nested ", kMaxConditionDepth, " levels deep");
  }
  if (!IsOperatorObject(condition)) {
    if (strict() && HasOperatorKey(condition)) {
      return InvalidArgument(path, ": mixes operators and other keys; use one or the other");
    }
    return LiteralTest(condition, ignore_case);
  }
  std::vector<ValueTestPtr> tests;
  for (const auto& item : condition.items()) {
    ESPALIER_ASSIGN_OR_RETURN(ValueTestPtr test,
                              Operator(item.key(), item.value(), Join(path, item.key()), depth + 1));
    tests.push_back(std::move(test));
  }
  if (tests.size() == 1) return std::move(tests.front());
  return AllTests(std::move(tests));
}

absl::StatusOr<ValueTestPtr> Compiler::Operator(const std::string& name, const json& operand,
                                                const std::string& path, int depth) {
  static const absl::flat_hash_map<std::string, Ordering> kOrderings = {{"$lt", Ordering::kLess},
                                                                        {"$lte", Ordering::kLessOrEqual},
                                                                        {"$gt", Ordering::kGreater},
                                                                        {"$gte", Ordering::kGreaterOrEqual}};
  static const absl::flat_hash_map<std::string, VersionRelation> kVersions = {
      {"$veq", VersionRelation::kEqual},   {"$vne", VersionRelation::kNotEqual},
      {"$vlt", VersionRelation::kLess},    {"$vlte", VersionRelation::kLessOrEqual},
      {"$vgt", VersionRelation::kGreater}, {"$vgte", VersionRelation::kGreaterOrEqual}};
  if (const auto ordering = kOrderings.find(name); ordering != kOrderings.end()) {
    const bool comparable = operand.is_number() || operand.is_string();
    if (strict() && !comparable) return Nonsense(path, "must be a number or a string");
    return OrderTest(ordering->second, operand);
  }
  if (const auto relation = kVersions.find(name); relation != kVersions.end()) {
    if (strict() && !operand.is_string())
      return Nonsense(path, "must be a version as a string, like \"1.2.3\"");
    return VersionTest(relation->second, operand);
  }
  if (name == "$eq") return EqualTest(operand);
  if (name == "$ne") return NotTest(EqualTest(operand));
  if (name == "$in" || name == "$nin" || name == "$ini" || name == "$nini") {
    return Membership(name, operand, path);
  }
  if (name == "$inGroup" || name == "$notInGroup") return Group(name == "$inGroup", operand, path);
  if (name == "$all" || name == "$alli") return ContainsAll(name == "$alli", operand, path, depth);
  if (name == "$elemMatch") return ElementMatch(operand, path, depth);
  if (name == "$type") return Kind(operand, path);
  if (name.find("egex") != std::string::npos) return Pattern(name, operand, path);
  if (name == "$not") {
    ESPALIER_ASSIGN_OR_RETURN(ValueTestPtr test, Value(operand, path, depth));
    return NotTest(std::move(test));
  }
  if (name == "$size") {
    if (!operand.is_number() && !IsOperatorObject(operand)) {
      return Nonsense(path, "must be a number or an object of operators");
    }
    ESPALIER_ASSIGN_OR_RETURN(ValueTestPtr test, Value(operand, path, depth));
    return SizeTest(std::move(test));
  }
  if (name == "$exists") {
    if (strict() && !operand.is_boolean()) return Nonsense(path, "must be true or false");
    return AttributeTruth(FromJson(operand)) ? ExistsTest() : NotTest(ExistsTest());
  }
  return Nonsense(path, StrCat("is no operator; allowed are ", kOperators));
}

absl::StatusOr<ValueTestPtr> Compiler::Membership(const std::string& name, const json& operand,
                                                  const std::string& path) {
  if (!operand.is_array()) return Nonsense(path, "must be a list of values");
  ValueTestPtr test = InTest(operand, /*ignore_case=*/name == "$ini" || name == "$nini");
  return name == "$in" || name == "$ini" ? std::move(test) : NotTest(std::move(test));
}

absl::StatusOr<ValueTestPtr> Compiler::Group(bool inside, const json& operand, const std::string& path) {
  if (!operand.is_string()) return Nonsense(path, "must be the name of a saved group");
  const auto& name = operand.get_ref<const std::string&>();
  const auto group = groups_.find(name);
  const bool known = group != groups_.end() && group->is_array();
  if (!known && strict()) {
    return InvalidArgument(path, ": names the group \"", name, "\", which saved_groups does not have");
  }
  // A group that is no list holds nobody, and leaves nobody out either, as in GrowthBook's SDKs.
  if (group != groups_.end() && !known) return ConstantTest(false);
  ValueTestPtr test = InTest(known ? *group : json::array(), /*ignore_case=*/false);
  return inside ? std::move(test) : NotTest(std::move(test));
}

absl::StatusOr<ValueTestPtr> Compiler::ContainsAll(bool ignore_case, const json& operand,
                                                   const std::string& path, int depth) {
  if (!operand.is_array()) return Nonsense(path, "must be a list of values");
  std::vector<ValueTestPtr> tests;
  // An empty list still asks for an array.
  tests.push_back(TypeTest("array"));
  for (size_t i = 0; i < operand.size(); ++i) {
    ESPALIER_ASSIGN_OR_RETURN(ValueTestPtr test,
                              Value(operand[i], StrCat(path, "[", i, "]"), depth + 1, ignore_case));
    tests.push_back(AnyElementTest(std::move(test), /*skip_null=*/false));
  }
  return AllTests(std::move(tests));
}

absl::StatusOr<ValueTestPtr> Compiler::ElementMatch(const json& operand, const std::string& path, int depth) {
  if (!operand.is_object()) return Nonsense(path, "must be an object of operators or conditions");
  if (IsOperatorObject(operand)) {
    ESPALIER_ASSIGN_OR_RETURN(ValueTestPtr test, Value(operand, path, depth));
    return AnyElementTest(std::move(test), /*skip_null=*/true);
  }
  ESPALIER_ASSIGN_OR_RETURN(ConditionNodePtr node, Object(operand, path, depth));
  return AnyObjectTest(std::move(node));
}

absl::StatusOr<ValueTestPtr> Compiler::Pattern(const std::string& name, const json& operand,
                                               const std::string& path) {
  const bool inverted = name == "$notRegex" || name == "$notRegexi";
  const bool ignore_case = name == "$regexi" || name == "$notRegexi";
  if (!inverted && !ignore_case && name != "$regex") {
    return Nonsense(path, StrCat("is no operator; allowed are ", kOperators));
  }
  if (!operand.is_string()) return Nonsense(path, "must be a regular expression as a string");
  auto test = RegexTest(operand.get_ref<const std::string&>(), ignore_case);
  if (!test.ok()) {
    return Nonsense(path, StrCat("is no regular expression that RE2 takes: ", Message(test.status())));
  }
  return inverted ? NotTest(*std::move(test)) : *std::move(test);
}

absl::StatusOr<ValueTestPtr> Compiler::Kind(const json& operand, const std::string& path) {
  constexpr std::string_view kAllowed = "must be string, number, boolean, array, object or null";
  if (!operand.is_string()) return Nonsense(path, kAllowed);
  const auto& type = operand.get_ref<const std::string&>();
  for (const std::string_view known : {"string", "number", "boolean", "array", "object", "null"}) {
    if (type == known) return TypeTest(type);
  }
  return Nonsense(path, kAllowed);
}

}  // namespace

absl::StatusOr<Condition> Condition::Compile(const json& condition, const json& saved_groups,
                                             ConditionRules rules) {
  ESPALIER_ASSIGN_OR_RETURN(ConditionNodePtr root, Compiler(saved_groups, rules).Object(condition, "", 0));
  return Condition(std::move(root));
}

Condition::Condition(std::unique_ptr<const ConditionNode> root) : root_(std::move(root)) {}
Condition::Condition(Condition&&) noexcept = default;
Condition& Condition::operator=(Condition&&) noexcept = default;
Condition::~Condition() = default;

bool Condition::Matches(const AttributeSource& attributes) const { return root_->Matches(attributes); }

}  // namespace espalier
