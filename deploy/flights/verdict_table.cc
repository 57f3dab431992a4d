#include "deploy/flights/verdict_table.h"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <limits>
#include <ostream>

#include "fmt/format.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"

namespace espalier {
namespace {

using Json = nlohmann::json;

// A number that the analysis may not have yet.
double NumberOr(const Json& json, const char* key, double absent) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : absent;
}

VerdictRow RowOf(const Json& status) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  VerdictRow row;
  row.units = NumberOr(status, "units", 0);
  const Json& variants = status.at("metrics").at(0).at("variants");
  row.control = NumberOr(variants.at(0), "mean", kUnknown);
  const Json& treatment = variants.at(1);
  row.treatment = NumberOr(treatment, "mean", kUnknown);
  row.effect = NumberOr(treatment, "effect", kUnknown);
  row.effect_low = NumberOr(treatment, "effect_low", kUnknown);
  row.effect_high = NumberOr(treatment, "effect_high", kUnknown);
  return row;
}

std::string Date(int64_t unix_seconds) {
  const std::time_t seconds = unix_seconds;
  std::tm parts;
  gmtime_r(&seconds, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

}  // namespace

absl::StatusOr<VerdictRow> ParseStatus(const std::string& json) {
  try {
    return RowOf(Json::parse(json));
  } catch (const Json::exception& error) {
    return Error(absl::StatusCode::kInternal, "the status is not as expected (", error.what(), "): ", json);
  }
}

absl::StatusOr<std::string> RunCommand(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return absl::ErrnoToStatus(errno, ToAbsl(StrCat("cannot run ", command)));
  std::string output;
  char buffer[4096];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, got);
  if (pclose(pipe) != 0) return Error(absl::StatusCode::kInternal, "failed: ", command);
  return output;
}

void PrintHeader(std::ostream& out) {
  out << fmt::format("{:>8}  {:<10} {:>6}  {:>8} {:>8}  {:>10}  {:<20}  {}\n", "flights", "until", "tails",
                     "control", "weather", "difference", "95% at any look", "");
}

void PrintRow(const VerdictRow& row, std::ostream& out) {
  const std::string interval = fmt::format("[{:+.5f}, {:+.5f}]", row.effect_low, row.effect_high);
  const char* word = !row.decided() ? "open" : row.effect < 0 ? "weather better" : "weather worse";
  out << fmt::format("{:>8}  {:<10} {:>6.0f}  {:>8.5f} {:>8.5f}  {:>+10.5f}  {:<20}  {}\n", row.flights,
                     Date(row.time), row.units, row.control, row.treatment, row.effect, interval, word)
      << std::flush;
}

}  // namespace espalier
