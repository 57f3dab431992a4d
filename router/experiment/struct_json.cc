#include "router/experiment/struct_json.h"

#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using nlohmann::json;

json ValueToJson(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return value.bool_value();
    case google::protobuf::Value::kNumberValue:
      return value.number_value();
    case google::protobuf::Value::kStringValue:
      return value.string_value();
    case google::protobuf::Value::kStructValue:
      return ToJson(value.struct_value());
    case google::protobuf::Value::kListValue: {
      json list = json::array();
      for (const auto& element : value.list_value().values()) list.push_back(ValueToJson(element));
      return list;
    }
    default:
      return nullptr;
  }
}

}  // namespace

json ToJson(const google::protobuf::Struct& fields) {
  json object = json::object();
  for (const auto& [name, value] : fields.fields()) object[name] = ValueToJson(value);
  return object;
}

}  // namespace espalier
