// Experiment documents, YAML and JSON: whatever the bytes are, they are refused, or they route requests.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "nlohmann/json.hpp"
#include "router/experiment/attribute_value.h"
#include "router/experiment/compiled_experiment.h"
#include "router/experiment/document.h"
#include "router/experiment/routing_table.h"

namespace {

using espalier::Assignment;
using espalier::RoutingTable;

void Route(const RoutingTable& table, const espalier::AttributeSource& attributes) {
  for (const auto& experiment : table.experiments()) {
    const espalier::ModelRoute* route = table.Find(experiment->model());
    if (route == nullptr) continue;
    Assignment assignment;
    route->Assign(attributes, "request", 7, 1'700'000'000'000'000, assignment);
    // Something always answers, and it is one of the variants.
    if (assignment.variant == nullptr || assignment.bucket >= 10'000) std::abort();
    if (assignment.experiment == nullptr) continue;
    if (&assignment.experiment->variants()[assignment.variant_index] != assignment.variant) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const nlohmann::json request = nlohmann::json::parse(
      R"({"user_id": "u1", "tail_number": "N12345", "origin": "JFK", "tags": ["a", 1, null], "age": 30, "v": "1.2.3"})");
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto documents = espalier::ParseExperiments(text, data[0] == 'j' ? "f.json" : "f.yaml");
  if (!documents.ok()) {
    if (documents.status().code() != absl::StatusCode::kInvalidArgument) std::abort();
    return 0;
  }
  const auto table = RoutingTable::Create(*documents);
  if (table.ok()) Route(**table, espalier::JsonAttributes(request));
  return 0;
}
