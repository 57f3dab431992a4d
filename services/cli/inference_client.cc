#include "services/cli/inference_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <chrono>

#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr int kMaxResponseBytes = 64 << 20;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

void AddServerOptions(CLI::App* verb, InferenceServer& server) {
  verb->add_option("--server", server.address, "HOST:PORT of the inference port")
      ->envname("ESPALIER_SERVER")
      ->capture_default_str();
  verb->add_option("--timeout", server.timeout_seconds, "Seconds to wait for the answer")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
}

InferenceClient::InferenceClient(const InferenceServer& server)
    : server_(server), stub_(inference::GRPCInferenceService::NewStub(Connect(server.address))) {}

void InferenceClient::SetDeadline(grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::microseconds(static_cast<int64_t>(server_.timeout_seconds * 1e6)));
}

absl::Status InferenceClient::Convert(const grpc::Status& status) const {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  return Error(code, "server ", server_.address, ": ", absl::StatusCodeToString(code), ": ",
               status.error_message());
}

}  // namespace espalier
