#include "services/rpc/grpc_server.h"

#include <google/protobuf/empty.pb.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_builder.h>
#include <sys/socket.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <type_traits>
#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/events/outcome_proto.h"
#include "services/rpc/health.h"
#include "services/rpc/serving_thread.h"
#include "services/rpc/stream_call.h"
#include "services/rpc/unary_call.h"

namespace espalier {
namespace {

// Calls that wait on each queue before the first one arrives; under load every call in progress holds one.
constexpr int kWaitingCalls = 64;
constexpr int kMaxMetadataBytes = 16 << 10;

// How long clients have to leave once they were told to.
constexpr std::chrono::seconds kLeaveTime{1};

bool IsLoopback(const std::string& peer) {
  return peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:[::1]") ||
         peer.starts_with("ipv6:%5B::1%5D") || peer.starts_with("unix:");
}

// One thread for calls that block: loading a version takes as long as it takes.
class BlockingThread {
 public:
  BlockingThread() : thread_([this] { Run(); }) {}
  ~BlockingThread() { Stop(); }

  // Runs what was submitted, then ends the thread.
  void Stop() {
    if (!thread_.joinable()) return;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  void Submit(std::function<void()> work) {
    {
      MutexLock lock(mutex_);
      queue_.push_back(std::move(work));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    for (;;) {
      std::function<void()> work;
      {
        MutexLock lock(mutex_);
        lock.Wait(changed_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class AsyncGrpcServer final : public GrpcServer {
 public:
  AsyncGrpcServer(const GrpcServerOptions& options, GrpcServerParts parts)
      : options_(options),
        parts_(parts),
        control_(parts.manager, [this] { return Totals(); }),
        health_({"inference.GRPCInferenceService", "espalier.v1.Outcomes"}) {}

  ~AsyncGrpcServer() override {
    if (!drained_ && server_ != nullptr) Drain();
  }

  absl::Status Listen();

  const std::string& address() const override { return gate_->address(); }
  void Drain() override;
  std::map<RequestLabels, RequestTotals> Totals() const override;
  uint64_t queued_rows() const override { return pool_ == nullptr ? 0 : pool_->queued_rows(); }

 private:
  // A lane whose requests may be predicted by `threads` threads each.
  std::unique_ptr<RequestLane> NewLane(uint32_t threads) {
    RequestLane::Options options = options_.lane;
    options.threads = threads;
    return std::make_unique<RequestLane>(options, parts_.plan, parts_.event_ids, &parts_.events.NewQueue());
  }

  void Arm(const CallContext& context);
  void ArmInference(const CallContext& context);
  void ArmRepository(const CallContext& context);
  void ArmHealth(const CallContext& context);
  void ArmOutcomes(const CallContext& context);
  absl::Status CheckRepositoryControl(const grpc::ServerContext& call) const;

  // Awaits a method of `service`, whose handler may answer later.
  template <typename Request, typename Response, typename Service, typename Handler>
  void ArmHandler(const CallContext& context, std::type_identity_t<Service>& service,
                  RawMethod<Service> method, Handler handler) {
    UnaryCall<Service, Request, Response>::Await(service, method, context.queue, context.stopping,
                                                 std::move(handler));
  }

  // Awaits a method of `service` whose answer is made at once by `answer(request) -> StatusOr<Response>`.
  template <typename Request, typename Service, typename Answer>
  void ArmDirect(const CallContext& context, std::type_identity_t<Service>& service,
                 RawMethod<Service> method, Answer answer) {
    using Response = typename std::invoke_result_t<Answer, const Request&>::value_type;
    ArmHandler<Request, Response, Service>(
        context, service, method, [answer](const Request& request, const grpc::ServerContext&, auto done) {
          const absl::StatusOr<Response> response = answer(request);
          done(response.status(), response.ok() ? *response : Response());
        });
  }

  // Awaits a method that is part of the wire and not of this server, whatever its messages are.
  template <typename Service>
  void ArmRefused(const CallContext& context, RawMethod<Service> method, std::string_view what) {
    using google::protobuf::Empty;
    ArmDirect<Empty, Service>(context, service_, method, [what](const Empty&) -> absl::StatusOr<Empty> {
      return Error(absl::StatusCode::kUnimplemented, what, " is not supported by this server");
    });
  }

  const GrpcServerOptions options_;
  const GrpcServerParts parts_;
  InferenceControl control_;
  Health health_;
  BlockingThread blocking_;
  RawInferenceService service_;
  RawOutcomesService outcomes_;
  RawHealthService health_service_;
  std::unique_ptr<ConnectionGate> gate_;
  std::unique_ptr<ComputePool> pool_;
  std::vector<std::unique_ptr<ServingThread>> threads_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  bool drained_ = false;
};

void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder& builder) {
  // Room for the frame around a message of the allowed size; the lane gives the precise answer.
  const uint64_t receive = std::min<uint64_t>(options.lane.limits.max_message_bytes, INT32_MAX);
  builder.SetMaxReceiveMessageSize(static_cast<int>(receive));
  builder.SetMaxSendMessageSize(INT32_MAX);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

absl::Status AsyncGrpcServer::Listen() {
  ESPALIER_ASSIGN_OR_RETURN(gate_, ConnectionGate::Listen({.address = options_.bind,
                                                           .port = options_.port,
                                                           .max_connections = options_.max_connections}));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetLimits(options_, builder);
  builder.RegisterService(&service_);
  builder.RegisterService(&outcomes_);
  builder.RegisterService(&health_service_);
  // Reflection alone is synchronous; it needs no more than one thread.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 1);
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const int count = options_.threads > 0 ? options_.threads : cores;
  std::vector<std::unique_ptr<RequestLane>> pool_lanes;
  for (int i = 0; i < count; ++i) {
    threads_.push_back(std::make_unique<ServingThread>(builder.AddCompletionQueue(), NewLane(1)));
    pool_lanes.push_back(NewLane(static_cast<uint32_t>(cores)));
  }
  pool_ = std::make_unique<ComputePool>(std::move(pool_lanes));
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC could not start the server");
  for (const auto& thread : threads_) {
    thread->Start(service_, *pool_, [this](const CallContext& context) { Arm(context); });
  }
  gate_->Start([this](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.listener_fd = -1;
    connection.fd = fd;
    acceptor_->HandleNewConnection(&connection);
  });
  return absl::OkStatus();
}

void AsyncGrpcServer::Arm(const CallContext& context) {
  for (int i = 0; i < kWaitingCalls; ++i) new InferCall(context);
  StreamCall::Await(context);
  ArmInference(context);
  ArmRepository(context);
  ArmHealth(context);
  ArmOutcomes(context);
}

void AsyncGrpcServer::ArmInference(const CallContext& context) {
  using S = RawInferenceService;
  ArmDirect<inference::ServerLiveRequest>(
      context, service_, &S::RequestServerLive,
      [](const inference::ServerLiveRequest&) -> absl::StatusOr<inference::ServerLiveResponse> {
        inference::ServerLiveResponse response;
        response.set_live(true);
        return response;
      });
  ArmDirect<inference::ServerReadyRequest>(
      context, service_, &S::RequestServerReady,
      [this](const inference::ServerReadyRequest&) -> absl::StatusOr<inference::ServerReadyResponse> {
        inference::ServerReadyResponse response;
        response.set_ready(control_.Ready() &&
                           health_.Get("") == grpc::health::v1::HealthCheckResponse::SERVING);
        return response;
      });
  ArmDirect<inference::ModelReadyRequest>(
      context, service_, &S::RequestModelReady,
      [this](const auto& r) -> absl::StatusOr<inference::ModelReadyResponse> {
        return control_.ModelReady(r);
      });
  ArmDirect<inference::ServerMetadataRequest>(
      context, service_, &S::RequestServerMetadata,
      [this](const inference::ServerMetadataRequest&) -> absl::StatusOr<inference::ServerMetadataResponse> {
        return control_.ServerMetadata();
      });
  ArmDirect<inference::ModelMetadataRequest>(context, service_, &S::RequestModelMetadata,
                                             [this](const auto& r) { return control_.ModelMetadata(r); });
  ArmDirect<inference::ModelConfigRequest>(context, service_, &S::RequestModelConfig,
                                           [this](const auto& r) { return control_.ModelConfig(r); });
  ArmDirect<inference::ModelStatisticsRequest>(context, service_, &S::RequestModelStatistics,
                                               [this](const auto& r) { return control_.ModelStatistics(r); });
  ArmRefused(context, &S::RequestSystemSharedMemoryStatus, "shared memory");
  ArmRefused(context, &S::RequestSystemSharedMemoryRegister, "shared memory");
  ArmRefused(context, &S::RequestSystemSharedMemoryUnregister, "shared memory");
  ArmRefused(context, &S::RequestCudaSharedMemoryStatus, "device memory");
  ArmRefused(context, &S::RequestCudaSharedMemoryRegister, "device memory");
  ArmRefused(context, &S::RequestCudaSharedMemoryUnregister, "device memory");
  ArmRefused(context, &S::RequestTraceSetting, "request tracing");
  ArmRefused(context, &S::RequestLogSettings, "changing log settings by request");
}

absl::Status AsyncGrpcServer::CheckRepositoryControl(const grpc::ServerContext& call) const {
  if (options_.allow_repository_control || IsLoopback(call.peer())) return absl::OkStatus();
  return Error(
      absl::StatusCode::kPermissionDenied,
      "models are loaded and unloaded from this host only; start the server with --allow-repository-control "
      "to allow it from others");
}

void AsyncGrpcServer::ArmRepository(const CallContext& context) {
  using S = RawInferenceService;
  ArmDirect<inference::RepositoryIndexRequest>(
      context, service_, &S::RequestRepositoryIndex,
      [this](const auto& r) -> absl::StatusOr<inference::RepositoryIndexResponse> {
        return control_.RepositoryIndex(r);
      });
  ArmHandler<inference::RepositoryModelLoadRequest, inference::RepositoryModelLoadResponse>(
      context, service_, &S::RequestRepositoryModelLoad,
      [this](const inference::RepositoryModelLoadRequest& request, const grpc::ServerContext& call,
             auto done) {
        if (const absl::Status allowed = CheckRepositoryControl(call); !allowed.ok())
          return done(allowed, {});
        blocking_.Submit([this, &request, done] { done(control_.RepositoryModelLoad(request), {}); });
      });
  ArmHandler<inference::RepositoryModelUnloadRequest, inference::RepositoryModelUnloadResponse>(
      context, service_, &S::RequestRepositoryModelUnload,
      [this](const inference::RepositoryModelUnloadRequest& request, const grpc::ServerContext& call,
             auto done) {
        if (const absl::Status allowed = CheckRepositoryControl(call); !allowed.ok())
          return done(allowed, {});
        blocking_.Submit([this, &request, done] { done(control_.RepositoryModelUnload(request), {}); });
      });
}

void AsyncGrpcServer::ArmHealth(const CallContext& context) {
  using grpc::health::v1::HealthCheckRequest;
  using grpc::health::v1::HealthCheckResponse;
  ArmDirect<HealthCheckRequest>(
      context, health_service_, &RawHealthService::RequestCheck,
      [this](const HealthCheckRequest& request) -> absl::StatusOr<HealthCheckResponse> {
        HealthCheckResponse response;
        response.set_status(health_.Get(request.service()));
        if (response.status() != HealthCheckResponse::SERVICE_UNKNOWN) return response;
        return Error(absl::StatusCode::kNotFound, "service '", request.service(), "' is unknown");
      });
  health_.AwaitWatch(health_service_, context.queue, context.stopping);
}

void AsyncGrpcServer::ArmOutcomes(const CallContext& context) {
  ArmHandler<v1::ReportRequest, v1::ReportResponse>(
      context, outcomes_, &RawOutcomesService::RequestReport,
      [this](const espalier::v1::ReportRequest& request, const grpc::ServerContext&, auto done) {
        OutcomeReport report = FromProto(request);
        parts_.events.Report(std::move(report.outcomes), [items = std::move(report.items),
                                                          done](const std::vector<absl::Status>& statuses) {
          done(absl::OkStatus(), ToProto(items, statuses));
        });
      });
}

void AsyncGrpcServer::Drain() {
  drained_ = true;
  health_.Set(false);
  options_.wait(options_.drain_grace);
  gate_->Dismiss();
  health_.Close();
  for (const auto& thread : threads_) thread->EndStreams();
  // From Shutdown on gRPC refuses calls; by then nobody should be sending any.
  gate_->AwaitEmpty(kLeaveTime);
  server_->Shutdown(std::chrono::system_clock::now() + options_.drain_timeout);
  // Whoever still holds a call answers it now, while its queue takes the answer.
  pool_->Stop();
  blocking_.Stop();
  (void)parts_.events.Flush();
  for (const auto& thread : threads_) thread->Stop();
}

std::map<RequestLabels, RequestTotals> AsyncGrpcServer::Totals() const {
  std::map<RequestLabels, RequestTotals> totals;
  for (const auto& thread : threads_) thread->lane().metrics().AddTo(totals);
  if (pool_ != nullptr) {
    for (const auto& lane : pool_->lanes()) lane->metrics().AddTo(totals);
  }
  return totals;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options,
                                                              GrpcServerParts parts) {
  auto server = std::make_unique<AsyncGrpcServer>(options, parts);
  ESPALIER_RETURN_IF_ERROR(server->Listen());
  return server;
}

}  // namespace espalier
