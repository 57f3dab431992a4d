// A connection to a server's inference port, for the verbs that are its clients.
#ifndef ESPALIER_SERVICES_CLI_INFERENCE_CLIENT_H_
#define ESPALIER_SERVICES_CLI_INFERENCE_CLIENT_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "proto/inference/inference.grpc.pb.h"

namespace espalier {

struct InferenceServer {
  std::string address = "127.0.0.1:8001";
  double timeout_seconds = 60;
};

// Gives `verb` the options --server (or the variable ESPALIER_SERVER) and --timeout. `server` outlives it.
void AddServerOptions(CLI::App* verb, InferenceServer& server);

class InferenceClient {
 public:
  explicit InferenceClient(const InferenceServer& server);

  // Calls one method of the service, waiting at most the server's timeout. An error names the server and the
  // code.
  //
  //   inference::RepositoryIndexResponse response;
  //   client.Call(&inference::GRPCInferenceService::Stub::RepositoryIndex, request, response);
  template <typename Request, typename Response>
  absl::Status Call(grpc::Status (inference::GRPCInferenceService::Stub::*method)(grpc::ClientContext*,
                                                                                  const Request&, Response*),
                    const Request& request, Response& response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return Convert((stub_.get()->*method)(&context, request, &response));
  }

 private:
  void SetDeadline(grpc::ClientContext& context) const;
  absl::Status Convert(const grpc::Status& status) const;

  const InferenceServer server_;
  const std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_INFERENCE_CLIENT_H_
