// Any other unary method on a completion queue, with generated messages: for calls whose cost does not
// matter.
//
//   UnaryCall<Service, Request, Response>::Await(service, &Service::RequestServerLive, queue, stopping,
//       [](const Request& request, const grpc::ServerContext& call, auto done) { done(OkStatus(), response);
//       });
#ifndef ESPALIER_SERVICES_RPC_UNARY_CALL_H_
#define ESPALIER_SERVICES_RPC_UNARY_CALL_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "services/rpc/call_tag.h"
#include "services/rpc/grpc_status.h"

namespace espalier {

// One call from its arrival to its end; deletes itself. The handler calls `done` once, on any thread.
template <typename Service, typename Request, typename Response>
class UnaryCall final : public CallTag {
 public:
  using Done = std::function<void(const absl::Status&, const Response&)>;
  using Handler = std::function<void(const Request&, const grpc::ServerContext&, Done)>;
  using Method = void (Service::*)(grpc::ServerContext*, Request*, grpc::ServerAsyncResponseWriter<Response>*,
                                   grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*);

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
    handler_(request_, call_, [this](const absl::Status& status, const Response& response) {
      if (status.ok()) {
        responder_.Finish(response, grpc::Status::OK, this);
      } else {
        responder_.FinishWithError(ToGrpc(status), this);
      }
    });
  }

 private:
  UnaryCall(Service& service, Method method, grpc::ServerCompletionQueue& queue, const bool& stopping,
            Handler handler)
      : service_(service), method_(method), queue_(queue), stopping_(stopping), handler_(std::move(handler)) {
    (service_.*method_)(&call_, &request_, &responder_, &queue_, &queue_, this);
  }

  Service& service_;
  const Method method_;
  grpc::ServerCompletionQueue& queue_;
  const bool& stopping_;
  const Handler handler_;
  bool arrived_ = false;
  grpc::ServerContext call_;
  Request request_;
  grpc::ServerAsyncResponseWriter<Response> responder_{&call_};
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_RPC_UNARY_CALL_H_
