#include "services/cli/cli.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr absl::string_view kUsagePayload = "espalier/usage";

// A message on one line, whatever a library put into it.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

absl::Status UsageError(std::string_view message) {
  absl::Status status = InvalidArgument(message);
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

Cli::Cli() : app_("A gRPC model server for boosted trees with A/B routing.", "espalier") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", ESPALIER_VERSION);
}

CLI::App* Cli::AddVerb(const std::string& name, const std::string& description, const std::string& example,
                       CLI::App* parent) {
  CLI::App* verb = (parent != nullptr ? parent : &app_)->add_subcommand(name, description);
  if (!example.empty()) verb->footer("Example:\n  " + example);
  return verb;
}

void Cli::OnRun(CLI::App* verb, std::function<absl::Status()> run) {
  verb->callback([this, run = std::move(run)] { run_ = run; });
}

int Cli::Main(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app_.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "espalier: " << OneLine(error.what()) << " (see --help)\n";
    return 2;
  }
  if (!run_) {
    std::cerr << "espalier: a subcommand is required (see --help)\n";
    return 2;
  }
  const absl::Status status = run_();
  if (status.ok()) return 0;
  std::cerr << "espalier: " << OneLine(std::string(status.message())) << "\n";
  return status.GetPayload(kUsagePayload).has_value() ? 2 : 1;
}

}  // namespace espalier
