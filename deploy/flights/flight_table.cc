#include "deploy/flights/flight_table.h"

#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "models/base/csv.h"
#include "models/base/file.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// Where the columns stand in the file.
struct Columns {
  size_t id = 0, tail_number = 0, departs = 0, known = 0, late = 0;
  std::vector<size_t> features;
};

absl::StatusOr<Columns> FindColumns(const std::vector<std::string>& header,
                                    const std::vector<std::string>& features) {
  Columns columns;
  const std::pair<const char*, size_t*> fixed[] = {{"flight_id", &columns.id},
                                                   {"tail_number", &columns.tail_number},
                                                   {"departs", &columns.departs},
                                                   {"known", &columns.known},
                                                   {"late", &columns.late}};
  for (const auto& [name, column] : fixed) {
    const auto found = FindColumn(header, name);
    if (!found) return InvalidArgument("no column ", name);
    *column = *found;
  }
  for (const std::string& name : features) {
    const auto found = FindColumn(header, name);
    if (!found) return InvalidArgument("no column ", name);
    columns.features.push_back(*found);
  }
  return columns;
}

// A number that may not be missing.
absl::StatusOr<double> Required(std::string_view text) {
  const std::optional<double> value = ParseNumber(text);
  if (!value || std::isnan(*value)) return InvalidArgument("'", text, "' is not a number");
  return *value;
}

absl::Status AddFlight(const std::vector<std::string_view>& fields, const Columns& columns,
                       FlightTable& table) {
  Flight flight{std::string(fields[columns.id]), std::string(fields[columns.tail_number]), {}, 0};
  ESPALIER_ASSIGN_OR_RETURN(flight.times.departs, Required(fields[columns.departs]));
  ESPALIER_ASSIGN_OR_RETURN(flight.times.known, Required(fields[columns.known]));
  ESPALIER_ASSIGN_OR_RETURN(flight.late, Required(fields[columns.late]));
  for (const size_t column : columns.features) {
    const std::optional<double> value = ParseNumber(fields[column]);
    if (!value) return InvalidArgument("'", fields[column], "' is not a number");
    table.values.push_back(static_cast<float>(*value));
  }
  table.flights.push_back(std::move(flight));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FlightTable> ReadFlightTable(const std::string& path, const std::vector<std::string>& features,
                                            size_t limit) {
  ESPALIER_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  CsvReader reader(bytes);
  std::vector<std::string_view> fields;
  reader.Next(fields);
  const std::vector<std::string> header(fields.begin(), fields.end());
  const absl::StatusOr<Columns> columns = FindColumns(header, features);
  if (!columns.ok()) return Annotate(columns.status(), path);
  FlightTable table;
  table.features = features;
  while (table.flights.size() < limit && reader.Next(fields)) {
    const absl::Status status =
        fields.size() == header.size()
            ? AddFlight(fields, *columns, table)
            : InvalidArgument(fields.size(), " fields; the header has ", header.size());
    if (!status.ok()) return Annotate(status, StrCat(path, " line ", reader.line()));
  }
  if (!reader.status().ok()) return Annotate(reader.status(), path);
  return table;
}

}  // namespace espalier
