#include "services/rpc/grpc_status.h"

namespace espalier {
namespace {

constexpr std::string_view kCut = "...";

// Bytes that `byte` takes in the header grpc-message.
size_t EncodedSize(unsigned char byte) { return byte >= 0x20 && byte <= 0x7e && byte != '%' ? 1 : 3; }

bool ContinuesCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

std::string ErrorText(std::string_view message) {
  size_t encoded = 0;
  // Where the text may be cut: the last beginning of a character that leaves room for the dots.
  size_t cut = 0;
  for (size_t i = 0; i < message.size(); ++i) {
    if (!ContinuesCharacter(message[i]) && encoded + kCut.size() <= kMaxErrorBytes) cut = i;
    encoded += EncodedSize(static_cast<unsigned char>(message[i]));
    if (encoded > kMaxErrorBytes) return std::string(message.substr(0, cut)).append(kCut);
  }
  return std::string(message);
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), ErrorText(Message(status)));
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace espalier
