#include "router/experiment/condition_node.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"

namespace espalier {
namespace {

using nlohmann::json;

class All final : public ConditionNode {
 public:
  explicit All(std::vector<ConditionNodePtr> nodes) : nodes_(std::move(nodes)) {}
  bool Matches(const AttributeSource& attributes) const override {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [&](const ConditionNodePtr& node) { return node->Matches(attributes); });
  }

 private:
  const std::vector<ConditionNodePtr> nodes_;
};

class Any final : public ConditionNode {
 public:
  explicit Any(std::vector<ConditionNodePtr> nodes) : nodes_(std::move(nodes)) {}
  bool Matches(const AttributeSource& attributes) const override {
    return nodes_.empty() || std::any_of(nodes_.begin(), nodes_.end(), [&](const ConditionNodePtr& node) {
             return node->Matches(attributes);
           });
  }

 private:
  const std::vector<ConditionNodePtr> nodes_;
};

class Not final : public ConditionNode {
 public:
  explicit Not(ConditionNodePtr node) : node_(std::move(node)) {}
  bool Matches(const AttributeSource& attributes) const override { return !node_->Matches(attributes); }

 private:
  const ConditionNodePtr node_;
};

class Path final : public ConditionNode {
 public:
  Path(std::string_view path, ValueTestPtr test) : test_(std::move(test)) {
    size_t dot = path.find('.');
    first_ = path.substr(0, dot);
    while (dot != std::string_view::npos) {
      path.remove_prefix(dot + 1);
      dot = path.find('.');
      rest_.emplace_back(path.substr(0, dot));
    }
  }

  bool Matches(const AttributeSource& attributes) const override {
    AttributeValue value = attributes.Find(first_);
    for (const std::string& name : rest_) value = Step(value, name);
    return test_->Test(value);
  }

 private:
  // A key of an object; of an array its length, or an index as JavaScript writes it, without leading zeros.
  static AttributeValue Step(const AttributeValue& value, const std::string& name) {
    if (const json* object = AsObject(value); object != nullptr) return JsonAttributes(*object).Find(name);
    const json* array = AsArray(value);
    if (array != nullptr && name == "length") return static_cast<int64_t>(array->size());
    size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool is_index =
        error == std::errc() && end == name.data() + name.size() && (name.size() == 1 || name.front() != '0');
    return array != nullptr && is_index && index < array->size() ? FromJson((*array)[index])
                                                                 : AttributeValue();
  }

  std::string first_;
  std::vector<std::string> rest_;
  const ValueTestPtr test_;
};

class AllOfValue final : public ValueTest {
 public:
  explicit AllOfValue(std::vector<ValueTestPtr> tests) : tests_(std::move(tests)) {}
  bool Test(const AttributeValue& value) const override {
    return std::all_of(tests_.begin(), tests_.end(),
                       [&](const ValueTestPtr& test) { return test->Test(value); });
  }

 private:
  const std::vector<ValueTestPtr> tests_;
};

class Size final : public ValueTest {
 public:
  explicit Size(ValueTestPtr test) : test_(std::move(test)) {}
  bool Test(const AttributeValue& value) const override {
    const json* array = AsArray(value);
    return array != nullptr && test_->Test(static_cast<int64_t>(array->size()));
  }

 private:
  const ValueTestPtr test_;
};

class AnyElement final : public ValueTest {
 public:
  AnyElement(ValueTestPtr test, bool skip_null) : test_(std::move(test)), skip_null_(skip_null) {}
  bool Test(const AttributeValue& value) const override {
    const json* array = AsArray(value);
    return array != nullptr && std::any_of(array->begin(), array->end(), [this](const json& element) {
             return !(skip_null_ && element.is_null()) && test_->Test(FromJson(element));
           });
  }

 private:
  const ValueTestPtr test_;
  const bool skip_null_;
};

class AnyObject final : public ValueTest {
 public:
  explicit AnyObject(ConditionNodePtr node) : node_(std::move(node)) {}
  bool Test(const AttributeValue& value) const override {
    const json* array = AsArray(value);
    return array != nullptr && std::any_of(array->begin(), array->end(), [this](const json& element) {
             return !element.is_null() && node_->Matches(JsonAttributes(element));
           });
  }

 private:
  const ConditionNodePtr node_;
};

}  // namespace

ConditionNodePtr AllNodes(std::vector<ConditionNodePtr> nodes) {
  return std::make_unique<All>(std::move(nodes));
}

ConditionNodePtr AnyNode(std::vector<ConditionNodePtr> nodes) {
  return std::make_unique<Any>(std::move(nodes));
}

ConditionNodePtr NotNode(ConditionNodePtr node) { return std::make_unique<Not>(std::move(node)); }

ConditionNodePtr PathNode(std::string_view path, ValueTestPtr test) {
  return std::make_unique<Path>(path, std::move(test));
}

ValueTestPtr AllTests(std::vector<ValueTestPtr> tests) {
  return std::make_unique<AllOfValue>(std::move(tests));
}

ValueTestPtr SizeTest(ValueTestPtr test) { return std::make_unique<Size>(std::move(test)); }

ValueTestPtr AnyElementTest(ValueTestPtr test, bool skip_null) {
  return std::make_unique<AnyElement>(std::move(test), skip_null);
}

ValueTestPtr AnyObjectTest(ConditionNodePtr node) { return std::make_unique<AnyObject>(std::move(node)); }

}  // namespace espalier
