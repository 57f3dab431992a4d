// The attributes that a caller of the C interface hands over, checked, as the assignment reads them.
#ifndef ESPALIER_ROUTER_C_API_REQUEST_ATTRIBUTES_H_
#define ESPALIER_ROUTER_C_API_REQUEST_ATTRIBUTES_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "espalier/assign.h"
#include "nlohmann/json.hpp"
#include "router/experiment/attributes.h"

namespace espalier {

// Text of the caller's: `size` bytes, or where that is 0 up to the zero byte; empty for NULL.
std::string_view CallerText(const char* text, size_t size);

// A view of espalier_request.attributes and .attributes_json; what they point at outlives it.
class RequestAttributes final : public AttributeSource {
 public:
  // INVALID_ARGUMENT names the attribute and what is wrong with it. Allocates for JSON and ESPALIER_TEXTS.
  static absl::StatusOr<RequestAttributes> Create(const espalier_request& request);

  // Of several attributes with one name the last counts; those of JSON come after all others.
  AttributeValue Find(std::string_view name) const override;

 private:
  explicit RequestAttributes(std::span<const espalier_attribute> attributes) : attributes_(attributes) {}

  AttributeValue Value(size_t index) const;

  std::span<const espalier_attribute> attributes_;
  // Of the attributes with texts, at their index; shorter where the last ones have none.
  std::vector<nlohmann::json> texts_;
  nlohmann::json json_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_C_API_REQUEST_ATTRIBUTES_H_
