// Nanoseconds per assignment, with few and with many experiments: it must not depend on those that do not
// concern the model asked for. Budget: 150 ns.
//
//   build/release/tests/benchmarks/assign_bench
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "models/base/strings.h"
#include "router/experiment/attributes.h"
#include "router/experiment/routing_table.h"

namespace {

using espalier::Assignment;
using espalier::AttributeValue;
using espalier::RoutingTable;
using espalier::StrCat;

constexpr int kRequests = 1 << 12;
constexpr int kRounds = 400;

// CPU time of this thread, so that a busy machine does not count.
double CpuNanos() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Two parameters, found by comparing names, as in a request.
class Request final : public espalier::AttributeSource {
 public:
  explicit Request(const std::string& unit) : unit_(unit) {}
  AttributeValue Find(std::string_view name) const override {
    if (name == "user_id") return std::string_view(unit_);
    if (name == "country") return std::string_view("NL");
    return std::monostate();
  }

 private:
  const std::string& unit_;
};

enum class Kind { kPlain, kLayered, kTargeted };

espalier::v1::Experiment MakeExperiment(int index, Kind kind) {
  espalier::v1::Experiment document;
  document.set_experiment(StrCat("experiment-", index));
  document.set_model(StrCat("model-", index));
  document.mutable_unit()->set_attribute("user_id");
  for (const bool control : {true, false}) {
    auto* variant = document.add_variants();
    variant->set_key(control ? "control" : "treatment");
    variant->set_version(control ? 1 : 2);
    variant->set_weight(0.5);
    variant->set_control(control);
  }
  if (kind != Kind::kPlain) {
    document.mutable_layer()->set_name(StrCat("layer-", index));
    document.mutable_layer()->add_ranges()->set_end(1);
    document.mutable_holdout()->set_name("all-year");
    document.mutable_holdout()->set_share(0.05);
  }
  if (kind == Kind::kTargeted) {
    auto& condition = *(*document.mutable_targeting()->mutable_fields())["country"].mutable_struct_value();
    auto& list = *(*condition.mutable_fields())["$in"].mutable_list_value();
    for (const char* country : {"NL", "DE", "FR"}) list.add_values()->set_string_value(country);
  }
  return document;
}

// The best round, in nanoseconds of CPU per request: look-up of the model and assignment.
double Measure(const RoutingTable& table, int experiments, const std::vector<std::string>& units) {
  std::vector<std::string> models;
  for (int i = 0; i < 256; ++i) models.push_back(StrCat("model-", i * 7919 % experiments));
  double best = 1e9;
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double start = CpuNanos();
    for (int i = 0; i < kRequests; ++i) {
      Assignment out;
      const espalier::ModelRoute* route = table.Find(models[static_cast<size_t>(i) % models.size()]);
      route->Assign(Request(units[static_cast<size_t>(i)]), {}, 0, 0, out);
      sum += out.variant_index;
    }
    best = std::min(best, (CpuNanos() - start) / kRequests);
  }
  if (sum == 0) std::printf("nobody was treated\n");
  return best;
}

}  // namespace

int main() {
  std::vector<std::string> units;
  for (int i = 0; i < kRequests; ++i) units.push_back(StrCat("user-", 100000 + i));
  std::printf("%12s %14s %22s %22s\n", "experiments", "plain ns", "layer + holdout ns", "... + targeting ns");
  for (const int experiments : {10, 1'000, 10'000}) {
    std::printf("%12d", experiments);
    for (const Kind kind : {Kind::kPlain, Kind::kLayered, Kind::kTargeted}) {
      std::vector<espalier::v1::Experiment> documents;
      for (int i = 0; i < experiments; ++i) documents.push_back(MakeExperiment(i, kind));
      const auto table = RoutingTable::Create(documents);
      if (!table.ok()) {
        std::printf("%s\n", std::string(espalier::Message(table.status())).c_str());
        return 1;
      }
      std::printf(" %*.0f", kind == Kind::kPlain ? 14 : 22, Measure(**table, experiments, units));
    }
    std::printf("\n");
  }
  return 0;
}
