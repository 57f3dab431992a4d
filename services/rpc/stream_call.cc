#include "services/rpc/stream_call.h"

#include <utility>
#include <vector>

#include "models/base/strings.h"
#include "services/front/wire.h"
#include "services/rpc/grpc_status.h"

namespace espalier {
namespace {

// ModelStreamInferResponse and the field of ModelInferResponse that names the request.
constexpr uint32_t kErrorMessage = 1;
constexpr uint32_t kInferResponse = 2;
constexpr uint32_t kResponseId = 3;

grpc::Status Ending() { return {grpc::StatusCode::UNAVAILABLE, "the server is shutting down"}; }

}  // namespace

void OpenStreams::Proceed(bool) {
  ending_ = true;
  for (StreamCall* call : calls_) call->EndIfIdle();
}

StreamCall::StreamCall(CallContext context) : context_(context) {
  context_.service.RequestModelStreamInfer(&call_, &stream_, &context_.queue, &context_.queue, this);
}

void StreamCall::Proceed(bool ok) {
  switch (state_) {
    case State::kWaiting:
      ok ? Arrive() : delete this;  // not ok: the server is shutting down
      return;
    case State::kReading:
      ok ? Begin() : Finish(grpc::Status::OK);
      return;
    case State::kAnswering:
      if (!ok) {
        Finish(grpc::Status::OK);
      } else if (context_.streams.ending_) {
        Finish(Ending());
      } else {
        Read();
      }
      return;
    case State::kFinishing:
      if (--tags_out_ == 0) Release();
      return;
  }
}

void StreamCall::Arrive() {
  if (!context_.stopping) Await(context_);
  context_.streams.calls_.insert(this);
  if (context_.streams.ending_) {
    Finish(Ending());
  } else {
    Read();
  }
}

void StreamCall::Read() {
  state_ = State::kReading;
  request_.Clear();
  stream_.Read(&request_, this);
}

void StreamCall::Finish(const grpc::Status& status) {
  state_ = State::kFinishing;
  ++tags_out_;
  stream_.Finish(status, this);
}

void StreamCall::EndIfIdle() {
  if (state_ != State::kReading) return;
  ++tags_out_;  // the read's, which comes back without a message
  Finish(Ending());
}

void StreamCall::Release() {
  context_.streams.calls_.erase(this);
  delete this;
}

void StreamCall::Begin() {
  state_ = State::kAnswering;
  if (request_.Length() < kLargeRequestBytes) {
    Answer(context_.lane);
    return;
  }
  const std::string_view bytes = Contiguous(request_, slice_);
  context_.pool.Submit(InferRequest::PeekRows(bytes), [this](RequestLane& lane) { Answer(lane); });
}

void StreamCall::Answer(RequestLane& lane) {
  SliceSink reply;
  const std::string_view bytes = Contiguous(request_, slice_);
  const absl::Status status = lane.Infer(bytes, GrpcMetadata(call_), reply);
  frame_.clear();
  WireWriter frame(frame_);
  if (status.ok()) {
    // The frame's header is a slice of its own, so that the reply is not copied.
    grpc::ByteBuffer body = reply.Take();
    std::vector<grpc::Slice> slices;
    (void)body.Dump(&slices);
    frame.Header(kInferResponse, body.Length());
    slices.insert(slices.begin(), grpc::Slice(frame_));
    stream_.Write(grpc::ByteBuffer(slices.data(), slices.size()), this);
    return;
  }
  frame.Bytes(kErrorMessage, ErrorText(Message(status)));
  const std::string_view id = InferRequest::PeekId(bytes);
  if (!id.empty()) {
    frame.Header(kInferResponse, WireWriter::BytesSize(id.size()));
    frame.Bytes(kResponseId, id);
  }
  const grpc::Slice slice(frame_);
  stream_.Write(grpc::ByteBuffer(&slice, 1), this);
}

}  // namespace espalier
