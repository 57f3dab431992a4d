// The request path's bytes and metadata, as gRPC holds them.
#ifndef ESPALIER_SERVICES_RPC_GRPC_BUFFERS_H_
#define ESPALIER_SERVICES_RPC_GRPC_BUFFERS_H_

#include <grpc/slice.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <optional>
#include <string_view>

#include "services/front/request_lane.h"

namespace espalier {

// The headers of a call; the map behind them is made when the first one is asked for.
class GrpcMetadata final : public MetadataSource {
 public:
  explicit GrpcMetadata(const grpc::ServerContextBase& context) : context_(context) {}

  std::optional<std::string_view> Find(std::string_view name) const override {
    const auto& metadata = context_.client_metadata();
    const auto found = metadata.find(grpc::string_ref(name.data(), name.size()));
    if (found == metadata.end()) return std::nullopt;
    return std::string_view(found->second.data(), found->second.size());
  }

 private:
  const grpc::ServerContextBase& context_;
};

// Receives a reply in a gRPC slice, behind an optional prefix.
class SliceSink final : public ReplySink {
 public:
  std::byte* Allocate(size_t size) override {
    slice_ = grpc::Slice(grpc_slice_malloc(size), grpc::Slice::STEAL_REF);
    return reinterpret_cast<std::byte*>(const_cast<uint8_t*>(slice_.begin()));
  }

  // The reply that was written; moves it out.
  grpc::ByteBuffer Take() {
    grpc::ByteBuffer buffer(&slice_, 1);
    slice_ = grpc::Slice();
    return buffer;
  }

 private:
  grpc::Slice slice_;
};

// The bytes of a received message: in place when gRPC read it in one piece, else joined. `slice` keeps them
// alive.
inline std::string_view Contiguous(const grpc::ByteBuffer& buffer, grpc::Slice& slice) {
  if (!buffer.Valid()) return {};
  if (!buffer.TrySingleSlice(&slice).ok() && !buffer.DumpToSingleSlice(&slice).ok()) return {};
  return {reinterpret_cast<const char*>(slice.begin()), slice.size()};
}

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_GRPC_BUFFERS_H_
