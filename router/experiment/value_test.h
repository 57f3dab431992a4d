// The leaves of a condition: one question about one attribute.
#ifndef ESPALIER_ROUTER_EXPERIMENT_VALUE_TEST_H_
#define ESPALIER_ROUTER_EXPERIMENT_VALUE_TEST_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "router/experiment/attributes.h"

namespace espalier {

// Immutable; thread-safe. Test does not allocate, but for regular expressions and for case-insensitive texts
// of more than 256 bytes.
class ValueTest {
 public:
  virtual ~ValueTest() = default;
  virtual bool Test(const AttributeValue& value) const = 0;
};

using ValueTestPtr = std::unique_ptr<const ValueTest>;

// Always `result`.
ValueTestPtr ConstantTest(bool result);

// The inverse of `test`.
ValueTestPtr NotTest(ValueTestPtr test);

// Equality of value and type ($eq); arrays and objects are compared deeply, whatever the order of keys.
ValueTestPtr EqualTest(const nlohmann::json& expected);

// A literal in place of operators: the attribute is converted to the literal's type first, but null is equal
// to null only. Texts are compared without regard to case when `ignore_case` is set.
ValueTestPtr LiteralTest(const nlohmann::json& expected, bool ignore_case);

// Membership in the array `list`: of the value, or of any element when it is an array.
ValueTestPtr InTest(const nlohmann::json& list, bool ignore_case);

enum class Ordering { kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// Two strings are compared byte by byte, anything else as numbers.
ValueTestPtr OrderTest(Ordering ordering, const nlohmann::json& bound);

enum class VersionRelation { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// Versions are compared as version_text.h says.
ValueTestPtr VersionTest(VersionRelation relation, const nlohmann::json& version);

// Whether `pattern` is found in the attribute's text; false for null, arrays and objects. JavaScript's \uXXXX
// and
// (?<name>...) are understood; look-around and back-references are INVALID_ARGUMENT, with RE2's reason.
absl::StatusOr<ValueTestPtr> RegexTest(std::string_view pattern, bool ignore_case);

// Whether the attribute is there and not null.
ValueTestPtr ExistsTest();

// `type` is string, number, boolean, array, object or null.
ValueTestPtr TypeTest(const std::string& type);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_VALUE_TEST_H_
