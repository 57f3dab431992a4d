#include "services/serve/server.h"

#include <prometheus/exposer.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/config/config_model_builder.h"
#include "models/repository/model_manager.h"
#include "router/experiment/compiled_experiment.h"
#include "services/events/sqlite_event_log.h"
#include "services/experiments/experiment_directory.h"
#include "services/front/serving_plan.h"
#include "services/rpc/connection_gate.h"
#include "services/rpc/grpc_server.h"
#include "services/serve/metrics_collector.h"

namespace espalier {
namespace {

// The signals that the main thread waits for.
sigset_t AwaitedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

absl::Status MakeDataDirectory(const ServeOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.data, error);
  if (error)
    return Error(absl::StatusCode::kFailedPrecondition, "--data ", options.data, ": ", error.message());
  return absl::OkStatus();
}

// Where metrics are served: its HTTP library, as Debian builds it, knows IPv4 alone.
absl::StatusOr<std::string> MetricsHost(const ServeOptions& options) {
  if (options.bind == "::1") return std::string("127.0.0.1");
  if (options.bind == "::") return std::string("0.0.0.0");
  if (options.bind.find(':') == std::string::npos) return options.bind;
  return InvalidArgument("--bind ", options.bind,
                         ": metrics are served over IPv4 alone; of IPv6, ::1 and :: can be bound to");
}

// The Prometheus endpoint. Its HTTP library throws when the port is taken, and does not say so: the port is
// tried first.
absl::StatusOr<std::unique_ptr<prometheus::Exposer>> OpenMetrics(const std::string& host, int port) {
  ESPALIER_RETURN_IF_ERROR(ConnectionGate::Listen({.address = host, .port = port}).status());
  const std::string address = StrCat(host, ":", port);
  try {
    return std::make_unique<prometheus::Exposer>(address, 1);
  } catch (const std::exception& error) {
    return Error(absl::StatusCode::kUnavailable, "metrics on ", address, " cannot be served: ", error.what());
  }
}

std::string MetricsAddress(const std::string& host, int port, const prometheus::Exposer& exposer) {
  const std::vector<int> ports = exposer.GetListeningPorts();
  return StrCat(host, ":", ports.empty() ? port : ports.front());
}

absl::Status Announce(const ServeOptions& options, const std::string& grpc, const std::string& metrics) {
  std::cout << "gRPC (Open Inference Protocol, health, reflection, outcomes) on " << grpc << "\n"
            << "metrics on http://" << metrics << "/metrics\n"
            << std::flush;
  if (options.ready_file.empty()) return absl::OkStatus();
  const nlohmann::ordered_json ready = {
      {"pid", getpid()}, {"grpc", grpc}, {"http", ""}, {"metrics", metrics}, {"admin", ""}};
  return WriteFileAtomically(options.ready_file, ready.dump() + "\n");
}

// The outcome window of a running experiment, for the event log.
std::optional<int64_t> WindowMicros(const Snapshot<RoutingTable>& routing, std::string_view key) {
  const std::shared_ptr<const RoutingTable> table = routing.Get();
  for (const auto& experiment : table->experiments()) {
    if (experiment->key() != key || !experiment->document().outcome().has_window()) continue;
    const google::protobuf::Duration& window = experiment->document().outcome().window();
    return window.seconds() * 1'000'000 + window.nanos() / 1000;
  }
  return std::nullopt;
}

// Experiments from a directory, or none.
struct Experiments {
  std::unique_ptr<ExperimentDirectory> directory;
  Snapshot<RoutingTable> none{std::make_shared<const RoutingTable>()};

  Snapshot<RoutingTable>& table() { return directory == nullptr ? none : directory->table(); }
};

absl::Status OpenExperiments(const ServeOptions& options, Experiments& experiments) {
  if (options.experiments.empty()) return absl::OkStatus();
  ESPALIER_ASSIGN_OR_RETURN(experiments.directory,
                            ExperimentDirectory::Create({.directory = options.experiments,
                                                         .state_file = options.data + "/experiments.json",
                                                         .poll_millis = options.poll_millis}));
  return absl::OkStatus();
}

GrpcServerOptions ServerOptions(const ServeOptions& options) {
  return {.bind = options.bind,
          .port = options.grpc_port,
          .threads = options.threads,
          .max_connections = options.max_connections,
          .max_streams = options.max_streams,
          .allow_repository_control = options.allow_repository_control,
          .drain_grace = std::chrono::milliseconds(options.drain_grace_millis),
          .lane = {.limits = {.max_message_bytes = options.max_message_bytes, .max_rows = options.max_rows},
                   .log_features = options.log_features}};
}

// Returns on SIGTERM or SIGINT.
void WaitForEnd(ModelManager& models, Experiments& experiments) {
  const sigset_t signals = AwaitedSignals();
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) return;
    spdlog::info("reload signal=SIGHUP");
    models.Poll();
    if (experiments.directory == nullptr) continue;
    // The directory says in the log what is wrong with it; the generation that runs stays.
    (void)experiments.directory->Poll();
  }
}

}  // namespace

absl::Status Serve(const ServeOptions& options) {
  const sigset_t signals = AwaitedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  ESPALIER_ASSIGN_OR_RETURN(const std::string metrics_host, MetricsHost(options));
  ESPALIER_RETURN_IF_ERROR(MakeDataDirectory(options));

  LoadCounts loads;
  ModelManager::Options repository = ServedRepository(options.models);
  repository.poll_millis = options.poll_millis;
  repository.on_load = [&loads](std::string_view, int64_t, const absl::Status& result) {
    ++(result.ok() ? loads.succeeded : loads.failed);
  };
  ESPALIER_ASSIGN_OR_RETURN(const std::unique_ptr<ModelManager> models,
                            ModelManager::Create(std::move(repository)));
  Experiments experiments;
  ESPALIER_RETURN_IF_ERROR(OpenExperiments(options, experiments));
  ESPALIER_ASSIGN_OR_RETURN(
      const std::unique_ptr<SqliteEventLog> events,
      SqliteEventLog::Open({.directory = options.data, .window_micros = [&experiments](std::string_view key) {
                              return WindowMicros(experiments.table(), key);
                            }}));
  EventIdGenerator event_ids(options.front_number, events->last_event_id());
  models->Poll();
  const ServingPlanKeeper plan(models->catalog(), experiments.table());

  ESPALIER_ASSIGN_OR_RETURN(const std::unique_ptr<prometheus::Exposer> exposer,
                            OpenMetrics(metrics_host, options.metrics_port));
  ESPALIER_ASSIGN_OR_RETURN(
      const std::unique_ptr<GrpcServer> server,
      GrpcServer::Start(
          ServerOptions(options),
          {.manager = *models, .plan = plan.plan(), .event_ids = event_ids, .events = *events}));
  const auto metrics = std::make_shared<MetricsCollector>(*server, *events, loads);
  exposer->RegisterCollectable(metrics);
  models->Start();
  if (experiments.directory != nullptr) experiments.directory->Start();
  ESPALIER_RETURN_IF_ERROR(
      Announce(options, server->address(), MetricsAddress(metrics_host, options.metrics_port, *exposer)));

  WaitForEnd(*models, experiments);
  spdlog::info("drain reason=signal");
  server->Drain();
  const absl::Status flushed = events->Flush();
  spdlog::info("stopped");
  return flushed;
}

}  // namespace espalier
