// The quickstart's load client: replays flights through a server in the order in which they happened, reports
// each outcome when it became known, and shows how the verdict evolves.
//
//   flights-replay --input replay.csv --features day_of_week,distance,... --server 127.0.0.1:8001
//       --status-command "espalier experiment status delay-model-v2 --json" --summary summary.json
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "deploy/flights/flight_table.h"
#include "deploy/flights/replay_schedule.h"
#include "deploy/flights/replay_session.h"
#include "deploy/flights/replay_summary.h"
#include "deploy/flights/verdict_table.h"
#include "fmt/format.h"
#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

struct ReplayOptions {
  std::string input;
  std::vector<std::string> features;
  ReplaySession::Options session{"127.0.0.1:8001", "flight-delay", "tail_number", "late"};
  size_t limit = SIZE_MAX;
  size_t look_every = 10'000;
  std::string status_command;
  std::string summary;
};

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Replays and looks at the status every so many flights.
class Replay {
 public:
  Replay(const ReplayOptions& options, const FlightTable& table)
      : options_(options), table_(table), session_(options.session, table) {}

  absl::Status Run() {
    std::vector<FlightTimes> times;
    for (const Flight& flight : table_.flights) times.push_back(flight.times);
    ReplaySchedule schedule(times);
    if (!options_.status_command.empty()) PrintHeader(std::cout);
    SteadyClock::time_point start = SteadyClock::now();
    while (const std::optional<ReplayEvent> event = schedule.Next()) {
      if (event->kind == ReplayEvent::Kind::kTell) {
        ESPALIER_RETURN_IF_ERROR(session_.Tell(event->flight));
        continue;
      }
      ESPALIER_RETURN_IF_ERROR(session_.Ask(event->flight));
      if (!IsLook(++asked_)) continue;
      seconds_ += SecondsSince(start);
      ESPALIER_RETURN_IF_ERROR(Look(event->time));
      start = SteadyClock::now();
    }
    ESPALIER_RETURN_IF_ERROR(session_.Settle());
    seconds_ += SecondsSince(start);
    return asked_ == 0 ? InvalidArgument(options_.input, " has no flights")
                       : Look(table_.flights.back().times.departs);
  }

  absl::Status Report() const {
    ESPALIER_ASSIGN_OR_RETURN(const std::vector<VariantSummary> variants,
                              SummariseReplay(table_, session_.answers()));
    std::cout << fmt::format("{} flights in {:.1f} s: {:.0f} predictions and {:.0f} outcomes a second\n",
                             asked_, seconds_, asked_ / seconds_,
                             session_.outcomes_acknowledged() / seconds_);
    for (const VariantSummary& v : variants) {
      std::cout << fmt::format("  {:<8} version {}: {} flights, Brier {:.4f}, AUC {:.4f}\n", v.variant,
                               v.version, v.flights, v.evaluation.brier, v.evaluation.auc);
    }
    if (options_.summary.empty()) return absl::OkStatus();
    return WriteFileAtomically(options_.summary, SummaryJson(variants));
  }

 private:
  // Every so many flights, and a few times before the first of these, when most is still open.
  bool IsLook(size_t flights) const {
    const size_t every = options_.look_every;
    return flights % every == 0 || flights == every / 10 || flights == every / 5 || flights == every / 2;
  }

  // Everything told so far is settled first, so that a row of the table depends on the flights alone.
  absl::Status Look(int64_t time) {
    if (options_.status_command.empty()) {
      std::cout << fmt::format("{} flights in {:.1f} s\n", asked_, seconds_) << std::flush;
      return absl::OkStatus();
    }
    ESPALIER_RETURN_IF_ERROR(session_.Settle());
    ESPALIER_ASSIGN_OR_RETURN(const std::string output, RunCommand(options_.status_command));
    ESPALIER_ASSIGN_OR_RETURN(VerdictRow row, ParseStatus(output));
    row.flights = asked_;
    row.time = time;
    PrintRow(row, std::cout);
    if (decided_after_ == 0 && row.decided()) decided_after_ = asked_;
    return absl::OkStatus();
  }

  std::string SummaryJson(const std::vector<VariantSummary>& variants) const {
    nlohmann::ordered_json json = {{"flights", asked_},
                                   {"seconds", seconds_},
                                   {"outcomes", session_.outcomes_acknowledged()},
                                   {"decided_after", decided_after_}};
    for (const VariantSummary& v : variants) {
      json["variants"].push_back({{"key", v.variant},
                                  {"version", v.version},
                                  {"flights", v.flights},
                                  {"auc", v.evaluation.auc},
                                  {"log_loss", v.evaluation.log_loss},
                                  {"brier", v.evaluation.brier},
                                  {"unit_flights", v.unit_flights},
                                  {"unit_brier", v.unit_brier}});
    }
    return json.dump(2) + "\n";
  }

  const ReplayOptions& options_;
  const FlightTable& table_;
  ReplaySession session_;
  size_t asked_ = 0;
  // Flights after which a look first showed a decision; 0: none did.
  size_t decided_after_ = 0;
  // Of replaying, without the looks.
  double seconds_ = 0;
};

absl::Status RunReplay(const ReplayOptions& options) {
  ESPALIER_ASSIGN_OR_RETURN(const FlightTable table,
                            ReadFlightTable(options.input, options.features, options.limit));
  Replay replay(options, table);
  ESPALIER_RETURN_IF_ERROR(replay.Run());
  return replay.Report();
}

int Main(int argc, char** argv) {
  CLI::App app("Replays flights through a server in the order in which they happened.", "flights-replay");
  ReplayOptions options;
  app.add_option("--input", options.input, "Prepared flights (prepare.py)")->required();
  app.add_option("--features", options.features, "Columns to send, by name")->delimiter(',')->required();
  app.add_option("--server", options.session.server, "Inference port")->capture_default_str();
  app.add_option("--model", options.session.model, "Model to ask")->capture_default_str();
  app.add_option("--unit", options.session.unit, "Parameter that carries the tail number")
      ->capture_default_str();
  app.add_option("--outcome", options.session.outcome, "Outcome to report")->capture_default_str();
  app.add_option("--in-flight", options.session.in_flight, "Calls under way at a time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--limit", options.limit, "Replay only the first so many flights")
      ->check(CLI::PositiveNumber);
  app.add_option("--every", options.look_every, "Look at the verdict every so many flights")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--status-command", options.status_command, "Prints the experiment's status as JSON");
  app.add_option("--summary", options.summary, "Write what the client measured to this file, as JSON");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = RunReplay(options);
  if (status.ok()) return 0;
  std::cerr << "flights-replay: " << Message(status) << "\n";
  return 1;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  try {
    return espalier::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "flights-replay: " << error.what() << "\n";
    return 1;
  }
}
