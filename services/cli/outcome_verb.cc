#include "services/cli/outcome_verb.h"

#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/csv.h"
#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "proto/espalier/v1/outcomes.grpc.pb.h"
#include "router/events/event_id.h"
#include "services/cli/print_json.h"

namespace espalier {
namespace {

using espalier::v1::ReportRequest;
using espalier::v1::ReportResponse;

constexpr int kPerRequest = 5000;
constexpr auto kDeadline = std::chrono::seconds(30);

struct OutcomeOptions {
  std::string event_id;
  std::string name;
  std::string value;
  uint32_t row = 0;
  std::string time;
  std::string csv;
  bool correct = false;
  std::string server = "127.0.0.1:8001";
  bool json = false;
};

// An outcome as it was given, and where.
struct Item {
  espalier::v1::Outcome outcome;
  std::string where;
};

absl::StatusOr<double> ReadValue(std::string_view text) {
  const std::optional<double> value = ParseNumber(text);
  if (!value.has_value() || !std::isfinite(*value)) {
    return InvalidArgument("value \"", text, "\" must be a finite number");
  }
  return *value;
}

absl::Status SetTime(const std::string& text, espalier::v1::Outcome& outcome) {
  if (text.empty()) return absl::OkStatus();
  if (google::protobuf::util::TimeUtil::FromString(text, outcome.mutable_event_time()))
    return absl::OkStatus();
  return InvalidArgument("event_time \"", text, "\" must be like 2013-07-01T12:30:00Z");
}

absl::StatusOr<uint32_t> ReadRow(std::string_view text) {
  uint32_t row = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), row);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("row \"", text, "\" must be a number of 0 or more");
  }
  return row;
}

absl::StatusOr<espalier::v1::Outcome> MakeOutcome(const std::string& event_id, const std::string& name,
                                                  std::string_view value, const std::string& time,
                                                  bool correct) {
  ESPALIER_RETURN_IF_ERROR(ParseEventId(event_id).status());
  espalier::v1::Outcome outcome;
  outcome.set_event_id(event_id);
  outcome.set_name(name);
  ESPALIER_ASSIGN_OR_RETURN(const double number, ReadValue(value));
  outcome.set_value(number);
  ESPALIER_RETURN_IF_ERROR(SetTime(time, outcome));
  outcome.set_correct(correct);
  return outcome;
}

// Columns event_id, name and value, and optionally row and event_time.
class OutcomeTable {
 public:
  static absl::StatusOr<OutcomeTable> Create(const std::vector<std::string_view>& header_fields) {
    const std::vector<std::string> header(header_fields.begin(), header_fields.end());
    OutcomeTable table;
    for (const std::string& name : header) {
      if (name != "event_id" && name != "name" && name != "value" && name != "row" && name != "event_time") {
        return InvalidArgument("column \"", name,
                               "\" is unknown; allowed are event_id, name, value, row, event_time");
      }
      if (std::count(header.begin(), header.end(), name) > 1) {
        return InvalidArgument("column ", name, " stands twice");
      }
    }
    for (const char* needed : {"event_id", "name", "value"}) {
      if (!FindColumn(header, needed).has_value()) return InvalidArgument("column ", needed, " is missing");
    }
    table.event_id_ = *FindColumn(header, "event_id");
    table.name_ = *FindColumn(header, "name");
    table.value_ = *FindColumn(header, "value");
    table.row_ = FindColumn(header, "row");
    table.time_ = FindColumn(header, "event_time");
    table.width_ = header.size();
    return table;
  }

  absl::StatusOr<espalier::v1::Outcome> Read(const std::vector<std::string_view>& fields,
                                             bool correct) const {
    if (fields.size() != width_) {
      return InvalidArgument(fields.size(), " fields, the header has ", width_);
    }
    const std::string time = time_.has_value() ? std::string(fields[*time_]) : std::string();
    ESPALIER_ASSIGN_OR_RETURN(espalier::v1::Outcome outcome,
                              MakeOutcome(std::string(fields[event_id_]), std::string(fields[name_]),
                                          fields[value_], time, correct));
    if (row_.has_value() && !fields[*row_].empty()) {
      ESPALIER_ASSIGN_OR_RETURN(const uint32_t row, ReadRow(fields[*row_]));
      outcome.set_row(row);
    }
    return outcome;
  }

 private:
  size_t event_id_ = 0;
  size_t name_ = 0;
  size_t value_ = 0;
  std::optional<size_t> row_;
  std::optional<size_t> time_;
  size_t width_ = 0;
};

absl::StatusOr<std::vector<Item>> ReadItems(const OutcomeOptions& options) {
  std::vector<Item> items;
  if (options.csv.empty()) {
    absl::StatusOr<espalier::v1::Outcome> outcome =
        MakeOutcome(options.event_id, options.name, options.value, options.time, options.correct);
    if (!outcome.ok()) return UsageError(Message(outcome.status()));
    outcome->set_row(options.row);
    items.push_back({*std::move(outcome), options.event_id});
    return items;
  }
  ESPALIER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.csv));
  CsvReader reader(bytes);
  std::vector<std::string_view> fields;
  if (!reader.Next(fields)) {
    return InvalidArgument(options.csv, ": ",
                           reader.status().ok() ? "is empty" : std::string(Message(reader.status())));
  }
  absl::StatusOr<OutcomeTable> table = OutcomeTable::Create(fields);
  if (!table.ok()) return Annotate(table.status(), options.csv);
  while (reader.Next(fields)) {
    const std::string where = StrCat(options.csv, " line ", reader.line());
    absl::StatusOr<espalier::v1::Outcome> outcome = table->Read(fields, options.correct);
    if (!outcome.ok()) return Annotate(outcome.status(), where);
    items.push_back({*std::move(outcome), where});
  }
  if (!reader.status().ok()) return Annotate(reader.status(), options.csv);
  return items;
}

absl::Status ToStatus(const std::string& server, const grpc::Status& status) {
  return status.ok() ? absl::OkStatus()
                     : Error(static_cast<absl::StatusCode>(status.error_code()), server, ": ",
                             status.error_message());
}

// What the server said, by code, and the first refusal.
struct Summary {
  std::map<std::string, uint64_t> counts;
  uint64_t refused = 0;
  std::string first_refusal;
};

absl::StatusOr<Summary> Report(const OutcomeOptions& options, const std::vector<Item>& items) {
  const auto channel = grpc::CreateChannel(options.server, grpc::InsecureChannelCredentials());
  const auto stub = espalier::v1::Outcomes::NewStub(channel);
  Summary summary;
  for (size_t first = 0; first < items.size(); first += kPerRequest) {
    const size_t last = std::min(items.size(), first + kPerRequest);
    ReportRequest request;
    for (size_t i = first; i < last; ++i) *request.add_outcomes() = items[i].outcome;
    ReportResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kDeadline);
    ESPALIER_RETURN_IF_ERROR(ToStatus(options.server, stub->Report(&context, request, &response)));
    if (response.results_size() != request.outcomes_size()) {
      return absl::InternalError("the server answered another number of outcomes than it was sent");
    }
    for (size_t i = first; i < last; ++i) {
      const google::rpc::Status& result = response.results(static_cast<int>(i - first));
      ++summary.counts[absl::StatusCodeToString(static_cast<absl::StatusCode>(result.code()))];
      if (result.code() == 0) continue;
      if (summary.refused++ == 0) summary.first_refusal = StrCat(items[i].where, ": ", result.message());
    }
  }
  return summary;
}

absl::Status RunOutcome(const OutcomeOptions& options) {
  const bool single = !options.event_id.empty() && !options.name.empty() && !options.value.empty();
  if (options.csv.empty() != single) {
    return UsageError("give either EVENT_ID NAME VALUE or --csv FILE");
  }
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<Item> items, ReadItems(options));
  ESPALIER_ASSIGN_OR_RETURN(const Summary summary, Report(options, items));
  if (options.json) {
    PrintJson(nlohmann::json{{"outcomes", items.size()}, {"results", summary.counts}});
  } else {
    for (const auto& [code, count] : summary.counts) std::cout << code << " " << count << "\n";
  }
  if (summary.refused == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, summary.refused, " of ", items.size(),
               " outcomes were refused; the first: ", summary.first_refusal);
}

}  // namespace

void AddOutcomeVerb(Cli& cli) {
  CLI::App* verb =
      cli.AddVerb("outcome", "Reports what happened after a prediction.",
                  "espalier outcome 7130316800000000000 late 1\n  espalier outcome --csv outcomes.csv");
  auto options = std::make_shared<OutcomeOptions>();
  verb->add_option("EVENT_ID", options->event_id, "the reply's espalier_event_id");
  verb->add_option("NAME", options->name, "which outcome, [a-z0-9_-]{1,64}");
  verb->add_option("VALUE", options->value, "a number");
  verb->add_option("--row", options->row, "row of the request, for a batch")->capture_default_str();
  verb->add_option("--time", options->time, "when it happened, as 2013-07-01T12:30:00Z; absent: now");
  verb->add_option("--csv", options->csv, "columns event_id, name, value, and optionally row and event_time")
      ->type_name("FILE");
  verb->add_flag("--correct", options->correct, "replaces outcomes that were reported before");
  verb->add_option("--server", options->server, "the server's inference port")
      ->envname("ESPALIER_SERVER")
      ->capture_default_str();
  verb->add_flag("--json", options->json, "prints one JSON object");
  cli.OnRun(verb, [options] { return RunOutcome(*options); });
}

}  // namespace espalier
