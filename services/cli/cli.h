// How verbs of the program are declared and how they end: exit 0, 1 (failure) or 2 (usage), errors as one
// line on stderr.
//
//   void AddAssign(Cli& cli) {
//     CLI::App* verb = cli.AddVerb("assign", "Shows the variant ...", "espalier assign --experiment e.yaml
//     --unit u1"); auto options = std::make_shared<AssignOptions>(); verb->add_option("--unit",
//     options->unit, "...")->required(); cli.OnRun(verb, [options] { return RunAssign(*options); });
//   }
#ifndef ESPALIER_SERVICES_CLI_CLI_H_
#define ESPALIER_SERVICES_CLI_CLI_H_

#include <functional>
#include <string>
#include <string_view>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace espalier {

// An error in how the program was called: exit 2 rather than 1.
absl::Status UsageError(std::string_view message);

// `text` as a terminal may see it: on one line, control characters as \x1b.
std::string Printable(std::string_view text);

class Cli {
 public:
  Cli();

  // Adds a verb (or, with `parent`, a verb's verb) whose --help ends with `example`.
  CLI::App* AddVerb(const std::string& name, const std::string& description, const std::string& example,
                    CLI::App* parent = nullptr);

  // What the verb does once its options are parsed.
  void OnRun(CLI::App* verb, std::function<absl::Status()> run);

  // Parses, runs, prints the error if there is one, and returns the exit code.
  int Main(int argc, char** argv);

 private:
  // What is wrong with the words before the options, if something is.
  std::string UnknownVerb(int argc, char** argv) const;

  CLI::App app_;
  std::function<absl::Status()> run_;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_CLI_H_
