// A set of JSON values, for `$in` and the saved groups.
#ifndef ESPALIER_ROUTER_EXPERIMENT_VALUE_SET_H_
#define ESPALIER_ROUTER_EXPERIMENT_VALUE_SET_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attributes.h"

namespace espalier {

// Immutable; thread-safe. A look-up costs one hash, however long the list is (arrays and objects in the list
// are searched one by one).
class ValueSet {
 public:
  // With `ignore_case`, strings are folded to lower case here and there.
  ValueSet(const nlohmann::json& list, bool ignore_case);

  // Equality is of value and type: "2" is not 2.
  bool Contains(const AttributeValue& value) const;

 private:
  bool ContainsText(std::string_view text) const;

  const bool ignore_case_;
  absl::flat_hash_set<std::string> strings_;
  absl::flat_hash_set<double> numbers_;
  bool has_null_ = false;
  bool has_bool_[2] = {false, false};
  std::vector<nlohmann::json> nodes_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_VALUE_SET_H_
