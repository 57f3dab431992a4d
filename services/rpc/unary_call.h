// Any other unary method on a completion queue, with generated messages: for calls whose cost does not
// matter.
//
//   UnaryCall<Service, Request, Response>::Await(service, &Service::RequestServerLive, queue, stopping,
//       [](const Request& request, const grpc::ServerContext& call, auto done) { done(OkStatus(), response);
//       });
//
// The service is one of raw_services.h: bytes that are no Request are answered with INVALID_ARGUMENT here.
#ifndef ESPALIER_SERVICES_RPC_UNARY_CALL_H_
#define ESPALIER_SERVICES_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "models/base/strings.h"
#include "services/rpc/call_tag.h"
#include "services/rpc/grpc_status.h"

namespace espalier {

// How a raw service awaits a call.
template <typename Service>
using RawMethod = void (Service::*)(grpc::ServerContext*, grpc::ByteBuffer*,
                                    grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>*,
                                    grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);

// One call from its arrival to its end; deletes itself. The handler calls `done` once, on any thread.
template <typename Service, typename Request, typename Response>
class UnaryCall final : public CallTag {
 public:
  using Done = std::function<void(const absl::Status&, const Response&)>;
  using Handler = std::function<void(const Request&, const grpc::ServerContext&, Done)>;
  using Method = RawMethod<Service>;

  // `stopping` is set on the queue's own thread when nothing may be awaited any more.
  static void Await(Service& service, Method method, grpc::ServerCompletionQueue& queue, const bool& stopping,
                    Handler handler) {
    new UnaryCall(service, method, queue, stopping, std::move(handler));
  }

  void Proceed(bool ok) override {
    if (arrived_ || !ok) {
      delete this;
      return;
    }
    arrived_ = true;
    if (!stopping_) Await(service_, method_, queue_, stopping_, handler_);
    if (!grpc::SerializationTraits<Request>::Deserialize(&bytes_, &request_).ok()) {
      Finish(InvalidArgument("the request is no ", Request::descriptor()->full_name()), {});
      return;
    }
    handler_(request_, call_,
             [this](const absl::Status& status, const Response& response) { Finish(status, response); });
  }

 private:
  UnaryCall(Service& service, Method method, grpc::ServerCompletionQueue& queue, const bool& stopping,
            Handler handler)
      : service_(service), method_(method), queue_(queue), stopping_(stopping), handler_(std::move(handler)) {
    (service_.*method_)(&call_, &bytes_, &responder_, &queue_, &queue_, this);
  }

  void Finish(const absl::Status& status, const Response& response) {
    grpc::Status end = ToGrpc(status);
    grpc::ByteBuffer reply;
    bool owned = false;
    if (end.ok()) end = grpc::SerializationTraits<Response>::Serialize(response, &reply, &owned);
    if (end.ok()) {
      responder_.Finish(reply, end, this);
    } else {
      responder_.FinishWithError(end, this);
    }
  }

  Service& service_;
  const Method method_;
  grpc::ServerCompletionQueue& queue_;
  const bool& stopping_;
  const Handler handler_;
  bool arrived_ = false;
  grpc::ServerContext call_;
  grpc::ByteBuffer bytes_;
  Request request_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> responder_{&call_};
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_UNARY_CALL_H_
