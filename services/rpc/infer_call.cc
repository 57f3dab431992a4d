#include "services/rpc/infer_call.h"

#include "services/rpc/grpc_status.h"

namespace espalier {

InferCall::InferCall(CallContext context) : context_(context) { Await(); }

void InferCall::Await() {
  state_ = State::kWaiting;
  responder_.reset();
  call_.emplace();
  responder_.emplace(&*call_);
  context_.service.RequestModelInfer(&*call_, &request_, &*responder_, &context_.queue, &context_.queue,
                                     this);
}

void InferCall::Proceed(bool ok) {
  if (state_ == State::kWaiting && ok) {
    Begin();
  } else if (state_ == State::kWaiting || context_.stopping) {
    delete this;
  } else {
    slice_ = grpc::Slice();
    Await();
  }
}

void InferCall::Begin() {
  state_ = State::kFinishing;
  if (request_.Length() < kLargeRequestBytes) {
    Answer(context_.lane);
    return;
  }
  const std::string_view bytes = Contiguous(request_, slice_);
  context_.pool.Submit(InferRequest::PeekRows(bytes), [this](RequestLane& lane) { Answer(lane); });
}

void InferCall::Answer(RequestLane& lane) {
  const absl::Status status = lane.Infer(Contiguous(request_, slice_), GrpcMetadata(*call_), reply_);
  request_.Clear();
  if (status.ok()) {
    responder_->Finish(reply_.Take(), grpc::Status::OK, this);
  } else {
    responder_->FinishWithError(ToGrpc(status), this);
  }
}

}  // namespace espalier
