// CPU of a server per ModelInfer, as a ratio to a bare asynchronous grpc++ echo of the same bytes in the same
// run.
//
//   infer_bench --server echo=HOST:PORT,PID --server NAME=HOST:PORT,PID ... [--in-flight 64] [--connections
//   4]
//               [--slice-seconds 2] [--slices 7] [--model m] [--unit user_id] [--features 40]
//
// Sends single rows of 40 float32 with a unit that changes from call to call. Slices alternate among the
// servers; the figure of each is the median over its slices of (CPU time of the server's process / calls).
// Rate and latency stand beside it.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "proto/inference/inference.pb.h"
#include "tests/benchmarks/process_cpu.h"

namespace espalier {
namespace {

using Clock = std::chrono::steady_clock;

struct Target {
  std::string name;
  std::string address;
  pid_t pid = 0;
  std::vector<double> cpu_micros, rate, p50_micros, p99_micros;
};

struct Load {
  int in_flight = 64;
  int connections = 4;
  double slice_seconds = 2;
};

// "NAME=HOST:PORT,PID"
Target ParseTarget(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t comma = text.find(',');
  return {.name = text.substr(0, equals),
          .address = text.substr(equals + 1, comma - equals - 1),
          .pid = std::stoi(text.substr(comma + 1))};
}

std::vector<grpc::ByteBuffer> MakeRequests(const std::string& model, const std::string& unit, int features) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<grpc::ByteBuffer> requests;
  for (int i = 0; i < 4096; ++i) {
    inference::ModelInferRequest request;
    request.set_model_name(model);
    if (!unit.empty()) {
      (*request.mutable_parameters())[unit].set_string_param("user-" + std::to_string(random() % 1'000'000));
    }
    auto& input = *request.add_inputs();
    input.set_name("input__0");
    input.set_datatype("FP32");
    input.add_shape(1);
    input.add_shape(features);
    std::vector<float> row(features);
    for (float& value : row) value = normal(random);
    request.add_raw_input_contents(row.data(), row.size() * sizeof(float));
    const grpc::Slice slice(request.SerializeAsString());
    requests.emplace_back(&slice, 1);
  }
  return requests;
}

// One call after the other, `in_flight` of them at a time, all on one completion queue.
class Client {
 public:
  Client(const Target& target, const Load& load, const std::vector<grpc::ByteBuffer>& requests)
      : load_(load), requests_(requests) {
    for (int i = 0; i < load.connections; ++i) {
      grpc::ChannelArguments arguments;
      arguments.SetInt("connection", i);  // channels with equal arguments would share one connection
      stubs_.push_back(std::make_unique<grpc::GenericStub>(
          grpc::CreateCustomChannel(target.address, grpc::InsecureChannelCredentials(), arguments)));
    }
  }

  // Runs for `seconds`; the latencies of its calls in microseconds, or nothing when a call failed.
  std::vector<double> Run(double seconds) {
    std::vector<double> latencies;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    for (int i = 0; i < load_.in_flight; ++i) Send(new Call);
    int open = load_.in_flight;
    void* tag;
    bool ok;
    while (open > 0 && queue_.Next(&tag, &ok)) {
      auto* call = static_cast<Call*>(tag);
      if (!call->status.ok()) {
        std::fprintf(stderr, "call failed: %s\n", call->status.error_message().c_str());
        std::exit(1);
      }
      const auto now = Clock::now();
      latencies.push_back(std::chrono::duration<double, std::micro>(now - call->sent).count());
      delete call;
      if (now < end) {
        Send(new Call);
      } else {
        --open;
      }
    }
    return latencies;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer reply;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
    Clock::time_point sent;
  };

  void Send(Call* call) {
    static const std::string kMethod = "/inference.GRPCInferenceService/ModelInfer";
    const size_t number = next_++;
    call->sent = Clock::now();
    call->reader = stubs_[number % stubs_.size()]->PrepareUnaryCall(
        &call->context, kMethod, requests_[number % requests_.size()], &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->reply, &call->status, call);
  }

  const Load load_;
  const std::vector<grpc::ByteBuffer>& requests_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  size_t next_ = 0;
};

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
}

void Slice(Target& target, Client& client, double seconds) {
  const auto begin = Clock::now();
  const int64_t cpu = ProcessCpuNanos(target.pid);
  const std::vector<double> latencies = client.Run(seconds);
  const double spent = static_cast<double>(ProcessCpuNanos(target.pid) - cpu) * 1e-3;
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
  const auto calls = static_cast<double>(latencies.size());
  target.cpu_micros.push_back(spent / calls);
  target.rate.push_back(calls / elapsed);
  target.p50_micros.push_back(Quantile(latencies, 0.5));
  target.p99_micros.push_back(Quantile(latencies, 0.99));
}

void Print(const std::vector<Target>& targets) {
  const double base = Quantile(targets[0].cpu_micros, 0.5);
  std::printf("%-12s %14s %8s %12s %10s %10s\n", "server", "CPU us/call", "ratio", "calls/s", "p50 us",
              "p99 us");
  for (const Target& target : targets) {
    const double cpu = Quantile(target.cpu_micros, 0.5);
    std::printf("%-12s %14.2f %8.3f %12.0f %10.0f %10.0f\n", target.name.c_str(), cpu, cpu / base,
                Quantile(target.rate, 0.5), Quantile(target.p50_micros, 0.5),
                Quantile(target.p99_micros, 0.5));
  }
}

int Main(int argc, char** argv) {
  CLI::App app("Server CPU per ModelInfer, in ratio to the first server");
  std::vector<std::string> servers;
  Load load;
  std::string model = "m", unit = "user_id";
  int slices = 7, features = 40;
  app.add_option("--server", servers, "NAME=HOST:PORT,PID; the first is the base of the ratio")->required();
  app.add_option("--in-flight", load.in_flight);
  app.add_option("--connections", load.connections);
  app.add_option("--slice-seconds", load.slice_seconds);
  app.add_option("--slices", slices);
  app.add_option("--model", model);
  app.add_option("--unit", unit);
  app.add_option("--features", features);
  CLI11_PARSE(app, argc, argv);

  const std::vector<grpc::ByteBuffer> requests = MakeRequests(model, unit, features);
  std::vector<Target> targets;
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string& server : servers) {
    targets.push_back(ParseTarget(server));
    clients.push_back(std::make_unique<Client>(targets.back(), load, requests));
    clients.back()->Run(0.5);  // connect and warm up
  }
  for (int i = 0; i < slices; ++i) {
    for (size_t t = 0; t < targets.size(); ++t) Slice(targets[t], *clients[t], load.slice_seconds);
  }
  std::printf("in flight %d, connections %d, %d slices of %.1f s each\n", load.in_flight, load.connections,
              slices, load.slice_seconds);
  Print(targets);
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) { return espalier::Main(argc, argv); }
