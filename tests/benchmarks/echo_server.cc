// The peer of the request-path benchmark: the least that an asynchronous grpc++ server can do with a
// ModelInfer. It returns the request's bytes.
//
//   echo_server THREADS      prints its port, serves until its standard input closes
#include <grpcpp/grpcpp.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proto/inference/inference.grpc.pb.h"

namespace {

using EchoService =
    inference::GRPCInferenceService::WithRawMethod_ModelInfer<inference::GRPCInferenceService::AsyncService>;

class EchoCall {
 public:
  EchoCall(EchoService& service, grpc::ServerCompletionQueue& queue) : service_(service), queue_(queue) {
    Await();
  }

  void Proceed(bool ok) {
    if (finishing_) {
      Await();
    } else if (!ok) {
      delete this;
    } else {
      finishing_ = true;
      responder_->Finish(request_, grpc::Status::OK, this);
    }
  }

 private:
  void Await() {
    finishing_ = false;
    responder_.reset();
    call_.emplace();
    responder_.emplace(&*call_);
    service_.RequestModelInfer(&*call_, &request_, &*responder_, &queue_, &queue_, this);
  }

  EchoService& service_;
  grpc::ServerCompletionQueue& queue_;
  bool finishing_ = false;
  std::optional<grpc::ServerContext> call_;
  std::optional<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> responder_;
  grpc::ByteBuffer request_;
};

void Serve(grpc::ServerCompletionQueue& queue) {
  void* tag;
  bool ok;
  while (queue.Next(&tag, &ok)) static_cast<EchoCall*>(tag)->Proceed(ok);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::stoi(argv[1]) : 2;
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
  for (int i = 0; i < threads; ++i) queues.push_back(builder.AddCompletionQueue());
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  std::vector<std::thread> workers;
  for (const auto& queue : queues) {
    for (int i = 0; i < 64; ++i) new EchoCall(service, *queue);
    workers.emplace_back([&queue] { Serve(*queue); });
  }
  std::cout << port << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
  std::quick_exit(0);
}
