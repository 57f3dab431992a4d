#include "router/c_api/request_attributes.h"

#include <cstring>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/attribute_value.h"
#include "router/experiment/json_text.h"

namespace espalier {
namespace {

using nlohmann::json;

// More than any request has; a larger count was never set.
constexpr size_t kMaxAttributes = 1'000'000;

absl::Status Wrong(size_t index, std::string_view field, std::string_view why) {
  return InvalidArgument("espalier_request.attributes[", index, "].", field, " ", why);
}

absl::Status Check(const espalier_attribute& attribute, size_t index) {
  if (attribute.name == nullptr) return Wrong(index, "name", "is NULL");
  if (attribute.type < ESPALIER_TEXT || attribute.type > ESPALIER_TEXTS) {
    return Wrong(index, "type",
                 StrCat("is ", attribute.type, ", must be ESPALIER_TEXT (0) to ESPALIER_TEXTS (4)"));
  }
  if (attribute.type == ESPALIER_TEXT && attribute.text == nullptr) return Wrong(index, "text", "is NULL");
  if (attribute.type == ESPALIER_BOOLEAN && attribute.integer != 0 && attribute.integer != 1) {
    return Wrong(index, "integer", StrCat("is ", attribute.integer, ", must be 0 or 1 for ESPALIER_BOOLEAN"));
  }
  if (attribute.type != ESPALIER_TEXTS) return absl::OkStatus();
  if (attribute.num_texts > kMaxAttributes) {
    return Wrong(index, "num_texts",
                 StrCat("is ", attribute.num_texts, ", at most ", kMaxAttributes, " are allowed"));
  }
  if (attribute.num_texts != 0 && attribute.texts == nullptr) return Wrong(index, "texts", "is NULL");
  for (size_t i = 0; i < attribute.num_texts; ++i) {
    if (attribute.texts[i] == nullptr) return Wrong(index, StrCat("texts[", i, "]"), "is NULL");
  }
  return absl::OkStatus();
}

absl::StatusOr<json> ParseObject(std::string_view text) {
  absl::StatusOr<json> object = ParseJson(text);
  if (!object.ok()) return Annotate(object.status(), "espalier_request.attributes_json");
  if (!object->is_object()) return InvalidArgument("espalier_request.attributes_json: must be a JSON object");
  return object;
}

json ListOf(const espalier_attribute& attribute) {
  json list = json::array();
  for (size_t i = 0; i < attribute.num_texts; ++i) list.push_back(attribute.texts[i]);
  return list;
}

}  // namespace

std::string_view CallerText(const char* text, size_t size) {
  if (text == nullptr) return {};
  return size == 0 ? std::string_view(text) : std::string_view(text, size);
}

absl::StatusOr<RequestAttributes> RequestAttributes::Create(const espalier_request& request) {
  if (request.num_attributes > kMaxAttributes) {
    return InvalidArgument("espalier_request.num_attributes is ", request.num_attributes, ", at most ",
                           kMaxAttributes, " are allowed");
  }
  if (request.num_attributes != 0 && request.attributes == nullptr) {
    return InvalidArgument("espalier_request.attributes is NULL");
  }
  RequestAttributes result({request.attributes, request.num_attributes});
  for (size_t i = 0; i < request.num_attributes; ++i) {
    const espalier_attribute& attribute = request.attributes[i];
    ESPALIER_RETURN_IF_ERROR(Check(attribute, i));
    if (attribute.type != ESPALIER_TEXTS) continue;
    result.texts_.resize(i + 1);
    result.texts_[i] = ListOf(attribute);
  }
  if (request.attributes_json == nullptr) return result;
  ESPALIER_ASSIGN_OR_RETURN(result.json_,
                            ParseObject(CallerText(request.attributes_json, request.attributes_json_size)));
  return result;
}

AttributeValue RequestAttributes::Find(std::string_view name) const {
  for (size_t i = attributes_.size(); i-- > 0;) {
    if (name == attributes_[i].name) return Value(i);
  }
  return JsonAttributes(json_).Find(name);
}

AttributeValue RequestAttributes::Value(size_t index) const {
  const espalier_attribute& attribute = attributes_[index];
  switch (attribute.type) {
    case ESPALIER_INTEGER:
      return attribute.integer;
    case ESPALIER_NUMBER:
      return attribute.number;
    case ESPALIER_BOOLEAN:
      return attribute.integer != 0;
    case ESPALIER_TEXTS:
      return &texts_[index];
    default:
      return CallerText(attribute.text, attribute.text_size);
  }
}

}  // namespace espalier
