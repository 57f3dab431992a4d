// Fills a protobuf message from a document, field by field, by the message's own description.
#ifndef ESPALIER_ROUTER_EXPERIMENT_MESSAGE_READER_H_
#define ESPALIER_ROUTER_EXPERIMENT_MESSAGE_READER_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "router/experiment/document_node.h"

namespace espalier {

// Reads the map `node` into `out`. Keys are field names; enumerations are spelled in lower case; a Duration
// is a text like "24h", a Timestamp an RFC 3339 text, an espalier.v1.Range a list of two numbers, a Struct
// any map. INVALID_ARGUMENT names `path` + field, value and what is allowed.
absl::Status ReadMessage(const DocumentNode& node, const std::string& path, google::protobuf::Message& out);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_MESSAGE_READER_H_
