#include "router/experiment/value_test.h"

#include <utility>

#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "re2/re2.h"
#include "router/experiment/attribute_value.h"
#include "router/experiment/lower_case.h"
#include "router/experiment/value_set.h"
#include "router/experiment/version_text.h"

namespace espalier {
namespace {

using nlohmann::json;

class Constant final : public ValueTest {
 public:
  explicit Constant(bool result) : result_(result) {}
  bool Test(const AttributeValue&) const override { return result_; }

 private:
  const bool result_;
};

class Not final : public ValueTest {
 public:
  explicit Not(ValueTestPtr test) : test_(std::move(test)) {}
  bool Test(const AttributeValue& value) const override { return !test_->Test(value); }

 private:
  const ValueTestPtr test_;
};

// A set of one: the same equality.
class In final : public ValueTest {
 public:
  In(const json& list, bool ignore_case, bool any_element)
      : set_(list, ignore_case), any_element_(any_element) {}

  bool Test(const AttributeValue& value) const override {
    const json* elements = any_element_ ? AsArray(value) : nullptr;
    if (elements == nullptr) return set_.Contains(value);
    for (const json& element : *elements) {
      if (set_.Contains(FromJson(element))) return true;
    }
    return false;
  }

 private:
  const ValueSet set_;
  const bool any_element_;
};

class TextLiteral final : public ValueTest {
 public:
  TextLiteral(const std::string& expected, bool ignore_case)
      : expected_(ignore_case ? std::string(LowerCase(expected).text()) : expected),
        ignore_case_(ignore_case) {}

  bool Test(const AttributeValue& value) const override {
    NumberBuffer buffer;
    const auto text = AttributeText(value, buffer);
    if (!text.has_value()) return false;
    return ignore_case_ ? LowerCase(*text).text() == expected_ : *text == expected_;
  }

 private:
  const std::string expected_;
  const bool ignore_case_;
};

class NumberLiteral final : public ValueTest {
 public:
  explicit NumberLiteral(double expected) : expected_(expected) {}
  bool Test(const AttributeValue& value) const override {
    return !IsNull(value) && AttributeNumber(value) == expected_;
  }

 private:
  const double expected_;
};

class BoolLiteral final : public ValueTest {
 public:
  explicit BoolLiteral(bool expected) : expected_(expected) {}
  bool Test(const AttributeValue& value) const override {
    return !IsNull(value) && AttributeTruth(value) == expected_;
  }

 private:
  const bool expected_;
};

class Order final : public ValueTest {
 public:
  Order(Ordering ordering, const json& bound)
      : ordering_(ordering), node_(bound), bound_(FromJson(node_)), number_(AttributeNumber(bound_)) {}

  bool Test(const AttributeValue& value) const override {
    const auto* text = std::get_if<std::string_view>(&value);
    const auto* bound = std::get_if<std::string_view>(&bound_);
    if (text != nullptr && bound != nullptr) return Compare(*text, *bound);
    return Compare(AttributeNumber(value), number_);
  }

 private:
  // False for NaN, whatever the ordering.
  template <typename T>
  bool Compare(const T& a, const T& b) const {
    switch (ordering_) {
      case Ordering::kLess:
        return a < b;
      case Ordering::kLessOrEqual:
        return a <= b;
      case Ordering::kGreater:
        return a > b;
      case Ordering::kGreaterOrEqual:
        return a >= b;
    }
    return false;
  }

  const Ordering ordering_;
  const json node_;
  const AttributeValue bound_;
  const double number_;
};

// Only strings and numbers are versions; anything else counts as "0".
std::string_view VersionOf(const AttributeValue& value, NumberBuffer& buffer) {
  if (IsNull(value) || std::holds_alternative<bool>(value)) return "0";
  return AttributeText(value, buffer).value_or("0");
}

class Version final : public ValueTest {
 public:
  Version(VersionRelation relation, const json& version) : relation_(relation) {
    NumberBuffer buffer;
    padded_ = PaddedVersionText(VersionOf(FromJson(version), buffer));
  }

  bool Test(const AttributeValue& value) const override {
    NumberBuffer buffer;
    const int order = CompareVersion(VersionOf(value, buffer), padded_);
    switch (relation_) {
      case VersionRelation::kEqual:
        return order == 0;
      case VersionRelation::kNotEqual:
        return order != 0;
      case VersionRelation::kLess:
        return order < 0;
      case VersionRelation::kLessOrEqual:
        return order <= 0;
      case VersionRelation::kGreater:
        return order > 0;
      case VersionRelation::kGreaterOrEqual:
        return order >= 0;
    }
    return false;
  }

 private:
  const VersionRelation relation_;
  std::string padded_;
};

class Regex final : public ValueTest {
 public:
  explicit Regex(std::unique_ptr<const RE2> pattern) : pattern_(std::move(pattern)) {}
  bool Test(const AttributeValue& value) const override {
    NumberBuffer buffer;
    const auto text = AttributeText(value, buffer);
    return text.has_value() && RE2::PartialMatch(re2::StringPiece(text->data(), text->size()), *pattern_);
  }

 private:
  const std::unique_ptr<const RE2> pattern_;
};

class Exists final : public ValueTest {
 public:
  bool Test(const AttributeValue& value) const override { return !IsNull(value); }
};

std::string_view TypeName(const AttributeValue& value) {
  if (IsNull(value)) return "null";
  if (std::holds_alternative<bool>(value)) return "boolean";
  if (std::holds_alternative<std::string_view>(value)) return "string";
  if (AsArray(value) != nullptr) return "array";
  return AsObject(value) != nullptr ? "object" : "number";
}

class Type final : public ValueTest {
 public:
  explicit Type(std::string type) : type_(std::move(type)) {}
  bool Test(const AttributeValue& value) const override { return TypeName(value) == type_; }

 private:
  const std::string type_;
};

// JavaScript's spelling of what RE2 spells otherwise: \uXXXX as \x{XXXX}, (?<name>...) as (?P<name>...).
std::string ToRe2(std::string_view pattern) {
  std::string result;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("\\u") && rest.size() >= 6) {
      result += StrCat("\\x{", rest.substr(2, 4), "}");
      i += 5;
    } else if (rest.front() == '\\' && rest.size() >= 2) {
      result += rest.substr(0, 2);
      ++i;
    } else if (rest.starts_with("(?<") && rest.size() > 3 && rest[3] != '=' && rest[3] != '!') {
      result += "(?P<";
      i += 2;
    } else {
      result += rest.front();
    }
  }
  return result;
}

}  // namespace

ValueTestPtr ConstantTest(bool result) { return std::make_unique<Constant>(result); }

ValueTestPtr NotTest(ValueTestPtr test) { return std::make_unique<Not>(std::move(test)); }

ValueTestPtr EqualTest(const json& expected) {
  return std::make_unique<In>(json::array({expected}), /*ignore_case=*/false, /*any_element=*/false);
}

ValueTestPtr LiteralTest(const json& expected, bool ignore_case) {
  if (expected.is_string()) {
    return std::make_unique<TextLiteral>(expected.get_ref<const std::string&>(), ignore_case);
  }
  if (expected.is_number()) return std::make_unique<NumberLiteral>(expected.get<double>());
  if (expected.is_boolean()) return std::make_unique<BoolLiteral>(expected.get<bool>());
  return EqualTest(expected);
}

ValueTestPtr InTest(const json& list, bool ignore_case) {
  return std::make_unique<In>(list, ignore_case, /*any_element=*/true);
}

ValueTestPtr OrderTest(Ordering ordering, const json& bound) {
  return std::make_unique<Order>(ordering, bound);
}

ValueTestPtr VersionTest(VersionRelation relation, const json& version) {
  return std::make_unique<Version>(relation, version);
}

absl::StatusOr<ValueTestPtr> RegexTest(std::string_view pattern, bool ignore_case) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!ignore_case);
  options.set_max_mem(1 << 20);
  auto compiled = std::make_unique<const RE2>(ToRe2(pattern), options);
  if (!compiled->ok()) return InvalidArgument(compiled->error());
  return std::make_unique<Regex>(std::move(compiled));
}

ValueTestPtr ExistsTest() { return std::make_unique<Exists>(); }

ValueTestPtr TypeTest(const std::string& type) { return std::make_unique<Type>(type); }

}  // namespace espalier
