// absl::Status and grpc::Status have the same codes.
#ifndef ESPALIER_SERVICES_RPC_GRPC_STATUS_H_
#define ESPALIER_SERVICES_RPC_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace espalier {

inline grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message()));
}

inline absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_GRPC_STATUS_H_
