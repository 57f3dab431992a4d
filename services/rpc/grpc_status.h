// absl::Status and grpc::Status have the same codes.
#ifndef ESPALIER_SERVICES_RPC_GRPC_STATUS_H_
#define ESPALIER_SERVICES_RPC_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "models/base/strings.h"

namespace espalier {

// Bytes that an error may take on the wire. A message travels as a header, percent-encoded, and clients
// refuse headers of more than 8 KiB: they would see RESOURCE_EXHAUSTED in place of the error.
inline constexpr size_t kMaxErrorBytes = 1024;

// `message`, UTF-8, or as much of it as fits, with dots behind; cut between characters.
std::string ErrorText(std::string_view message);

// The message is cut to what a header takes.
grpc::Status ToGrpc(const absl::Status& status);

absl::Status FromGrpc(const grpc::Status& status);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_GRPC_STATUS_H_
