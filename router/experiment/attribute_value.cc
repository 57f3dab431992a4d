#include "router/experiment/attribute_value.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using nlohmann::json;

constexpr std::string_view kWhitespace = " \t\n\r\f\v";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kWhitespace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhitespace) - first + 1);
}

double ParseNumber(std::string_view text) {
  text = Trim(text);
  if (text.empty()) return 0;
  if (text.front() == '+' && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size() && std::isfinite(number);
  return whole ? number : std::numeric_limits<double>::quiet_NaN();
}

// Lays the shortest digits out as ECMAScript's Number::toString does.
class NumberWriter {
 public:
  NumberWriter(double number, NumberBuffer& buffer) : out_(buffer), begin_(buffer) {
    char scientific[32];
    const char* end =
        std::to_chars(scientific, scientific + sizeof(scientific), number, std::chars_format::scientific).ptr;
    const char* at = scientific;
    if (*at == '-') Put(*at++);
    for (; *at != 'e'; ++at) {
      if (*at != '.') digits_[count_++] = *at;
    }
    at += at[1] == '+' ? 2 : 1;
    std::from_chars(at, end, exponent_);
  }

  std::string_view Write() {
    if (exponent_ >= 21 || exponent_ < -6) {
      Scientific();
    } else if (exponent_ < 0) {
      Put("0.");
      Zeros(-exponent_ - 1);
      Digits(0, count_);
    } else {
      const int whole = std::min(exponent_ + 1, count_);
      Digits(0, whole);
      Zeros(exponent_ + 1 - whole);
      if (whole < count_) {
        Put('.');
        Digits(whole, count_);
      }
    }
    return {begin_, static_cast<size_t>(out_ - begin_)};
  }

 private:
  void Put(char c) { *out_++ = c; }
  void Put(const char* text) {
    while (*text != '\0') Put(*text++);
  }
  void Zeros(int count) {
    while (count-- > 0) Put('0');
  }
  void Digits(int from, int to) {
    for (int i = from; i < to; ++i) Put(digits_[i]);
  }
  void Scientific() {
    Put(digits_[0]);
    if (count_ > 1) {
      Put('.');
      Digits(1, count_);
    }
    Put(exponent_ > 0 ? "e+" : "e-");
    out_ = std::to_chars(out_, out_ + 4, std::abs(exponent_)).ptr;
  }

  char* out_;
  const char* begin_;
  char digits_[20];
  int count_ = 0;
  int exponent_ = 0;
};

struct NumberOf {
  double operator()(std::monostate) const { return 0; }
  double operator()(bool value) const { return value ? 1 : 0; }
  double operator()(int64_t value) const { return static_cast<double>(value); }
  double operator()(double value) const { return value; }
  double operator()(std::string_view value) const { return ParseNumber(value); }
  double operator()(const json* node) const {
    return node->is_null() ? 0 : std::numeric_limits<double>::quiet_NaN();
  }
};

struct TruthOf {
  bool operator()(std::monostate) const { return false; }
  bool operator()(bool value) const { return value; }
  bool operator()(int64_t value) const { return value != 0; }
  bool operator()(double value) const { return value != 0 && !std::isnan(value); }
  bool operator()(std::string_view value) const { return !value.empty(); }
  bool operator()(const json* node) const { return !node->is_null(); }
};

struct TextOf {
  NumberBuffer& buffer;

  std::optional<std::string_view> operator()(std::monostate) const { return std::nullopt; }
  std::optional<std::string_view> operator()(bool value) const { return value ? "true" : "false"; }
  std::optional<std::string_view> operator()(int64_t value) const {
    const char* end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
    return std::string_view(buffer, static_cast<size_t>(end - buffer));
  }
  std::optional<std::string_view> operator()(double value) const { return NumberText(value, buffer); }
  std::optional<std::string_view> operator()(std::string_view value) const { return value; }
  std::optional<std::string_view> operator()(const json*) const { return std::nullopt; }
};

}  // namespace

AttributeValue FromJson(const json& node) {
  switch (node.type()) {
    case json::value_t::null:
      return std::monostate();
    case json::value_t::boolean:
      return node.get<bool>();
    case json::value_t::number_integer:
      return node.get<int64_t>();
    case json::value_t::number_unsigned: {
      const auto number = node.get<uint64_t>();
      if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return static_cast<double>(number);
      return static_cast<int64_t>(number);
    }
    case json::value_t::number_float:
      return node.get<double>();
    case json::value_t::string:
      return std::string_view(node.get_ref<const std::string&>());
    default:
      return &node;
  }
}

std::string_view NumberText(double number, NumberBuffer& buffer) {
  if (number == 0) return "0";
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return NumberWriter(number, buffer).Write();
}

std::optional<std::string_view> AttributeText(const AttributeValue& value, NumberBuffer& buffer) {
  return std::visit(TextOf{buffer}, value);
}

double AttributeNumber(const AttributeValue& value) { return std::visit(NumberOf{}, value); }

bool AttributeTruth(const AttributeValue& value) { return std::visit(TruthOf{}, value); }

bool IsNull(const AttributeValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return true;
  const auto* node = std::get_if<const json*>(&value);
  return node != nullptr && (*node)->is_null();
}

const json* AsArray(const AttributeValue& value) {
  const auto* node = std::get_if<const json*>(&value);
  return node != nullptr && (*node)->is_array() ? *node : nullptr;
}

const json* AsObject(const AttributeValue& value) {
  const auto* node = std::get_if<const json*>(&value);
  return node != nullptr && (*node)->is_object() ? *node : nullptr;
}

AttributeValue JsonAttributes::Find(std::string_view name) const {
  if (!object_.is_object()) return std::monostate();
  const auto found = object_.find(name);
  return found == object_.end() ? AttributeValue() : FromJson(*found);
}

}  // namespace espalier
