// google.protobuf.Struct as JSON, for conditions.
#ifndef ESPALIER_ROUTER_EXPERIMENT_STRUCT_JSON_H_
#define ESPALIER_ROUTER_EXPERIMENT_STRUCT_JSON_H_

#include "google/protobuf/struct.pb.h"
#include "nlohmann/json_fwd.hpp"

namespace espalier {

// The object that `fields` holds; protobuf bounds its nesting.
nlohmann::json ToJson(const google::protobuf::Struct& fields);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_STRUCT_JSON_H_
