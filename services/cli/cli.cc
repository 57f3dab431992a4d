#include "services/cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr absl::string_view kUsagePayload = "espalier/usage";

// The control character at text[at] and how many bytes it has: C0, DEL, or C1 in UTF-8. None: 0 bytes.
struct Control {
  unsigned char code = 0;
  size_t bytes = 0;
};

Control ControlAt(std::string_view text, size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x20 || first == 0x7f) return {first, 1};
  if (first != 0xc2 || at + 1 == text.size()) return {};
  const auto second = static_cast<unsigned char>(text[at + 1]);
  return second >= 0x80 && second < 0xa0 ? Control{second, 2} : Control{};
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string line;
  for (size_t i = 0; i < text.size();) {
    const Control control = ControlAt(text, i);
    if (control.bytes == 0) {
      line += text[i];
    } else if (control.code == '\n') {
      line += ' ';
    } else {
      line += fmt::format("\\x{:02x}", control.code);
    }
    i += std::max<size_t>(control.bytes, 1);
  }
  return line;
}

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

std::string Cli::UnknownVerb(int argc, char** argv) const {
  const CLI::App* app = &app_;
  for (int i = 1; i < argc && argv[i][0] != '-'; ++i) {
    const auto verbs = app->get_subcommands([](const CLI::App*) { return true; });
    if (verbs.empty()) return {};
    const auto found = std::find_if(verbs.begin(), verbs.end(),
                                    [&](const CLI::App* verb) { return verb->check_name(argv[i]); });
    if (found == verbs.end()) return StrCat("'", argv[i], "' is no verb of '", app->get_name(), "'");
    app = *found;
  }
  return {};
}

int Cli::Main(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app_.exit(success);
  } catch (const CLI::ParseError& error) {
    const std::string unknown = UnknownVerb(argc, argv);
    std::cerr << "espalier: " << Printable(unknown.empty() ? error.what() : unknown) << " (see --help)\n";
    return 2;
  }
  if (!run_) {
    std::cerr << "espalier: a subcommand is required (see --help)\n";
    return 2;
  }
  const absl::Status status = run_();
  if (status.ok()) return 0;
  std::cerr << "espalier: " << Printable(Message(status)) << "\n";
  return status.GetPayload(kUsagePayload).has_value() ? 2 : 1;
}

}  // namespace espalier
