#include "services/cli/serve_verb.h"

#include <netdb.h>
#include <sys/socket.h>

#include <memory>
#include <string>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "services/serve/server.h"

namespace espalier {
namespace {

// The numeric address that `name` stands for, IPv4 before IPv6; an address stands for itself.
absl::StatusOr<std::string> Resolve(const std::string& name) {
  for (const int family : {AF_INET, AF_INET6}) {
    addrinfo hints = {};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) continue;
    char host[NI_MAXHOST] = {};
    const int error =
        getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof(host), nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    if (error == 0) return std::string(host);
  }
  return UsageError(StrCat("--bind ", name, " is no address, and no name of one"));
}

absl::Status RunServe(ServeOptions options) {
  const std::string asked = options.bind;
  ESPALIER_ASSIGN_OR_RETURN(options.bind, Resolve(asked));
  const bool loopback = options.bind.starts_with("127.") || options.bind == "::1";
  if (!loopback && !options.insecure) {
    return UsageError(StrCat(
        "--bind ", asked, " is not loopback, and this build serves plain text: add --insecure to allow it"));
  }
  return Serve(options);
}

}  // namespace

void AddServeVerb(Cli& cli) {
  CLI::App* verb =
      cli.AddVerb("serve", "Serves models over gRPC, with experiments, in one process",
                  "espalier serve --models models --experiments experiments --data espalier-data");
  auto options = std::make_shared<ServeOptions>();
  verb->add_option("--models", options->models, "Model repository: DIR/<name>/<version>/xgboost.ubj")
      ->required();
  verb->add_option("--experiments", options->experiments, "Directory of experiment documents (YAML, JSON)");
  verb->add_option("--data", options->data, "State: the event log events.db")->capture_default_str();
  verb->add_option("--bind", options->bind, "Address to listen on")->capture_default_str();
  verb->add_flag("--insecure", options->insecure, "Allow plain text on an address that is not loopback");
  const auto port = CLI::Range(0, 65535);
  verb->add_option("--grpc-port", options->grpc_port, "Inference port; 0: any")
      ->check(port)
      ->capture_default_str();
  verb->add_option("--metrics-port", options->metrics_port, "Prometheus port; 0: any")
      ->check(port)
      ->capture_default_str();
  // Ports of surfaces that this build does not have: the flags are accepted, so that one command line fits
  // all builds.
  auto unused = std::make_shared<int>(0);
  verb->add_option("--http-port", *unused, "Web port; not opened by this build")->check(port);
  verb->add_option("--admin-port", *unused, "Admin port; not opened by this build")->check(port);
  verb->add_option("--ready-file", options->ready_file,
                   "Written with pid and addresses when everything is ready");
  verb->add_option("--max-message-bytes", options->max_message_bytes, "Bytes of a request, and of a reply")
      ->check(CLI::Range(uint64_t{1024}, uint64_t{INT32_MAX}))
      ->capture_default_str();
  verb->add_option("--max-rows", options->max_rows, "Rows of a request")
      ->check(CLI::Range(uint64_t{1}, uint64_t{INT32_MAX}))
      ->capture_default_str();
  verb->add_option("--max-streams", options->max_streams, "Concurrent calls of a connection")
      ->check(CLI::Range(1, INT32_MAX))
      ->capture_default_str();
  verb->add_option("--max-connections", options->max_connections,
                   "Open connections; the rest are closed at accept")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Request threads; 0: one a core")
      ->check(CLI::Range(0, 1024));
  verb->add_option("--front-number", options->front_number,
                   "Part of event ids; unique among fronts of one log")
      ->check(CLI::Range(0, 1023))
      ->capture_default_str();
  verb->add_option("--poll-millis", options->poll_millis, "How often the directories are looked at")
      ->check(CLI::Range(int64_t{10}, int64_t{3'600'000}))
      ->capture_default_str();
  verb->add_option("--drain-grace-millis", options->drain_grace_millis,
                   "How long SIGTERM goes on serving once health says NOT_SERVING")
      ->check(CLI::Range(int64_t{0}, int64_t{600'000}))
      ->capture_default_str();
  verb->add_option("--log-features", options->log_features, "Whether exposures carry the features")
      ->capture_default_str();
  verb->add_flag("--allow-repository-control", options->allow_repository_control,
                 "Allow RepositoryModelLoad and Unload from other hosts");
  cli.OnRun(verb, [options, unused] { return RunServe(*options); });
}

}  // namespace espalier
