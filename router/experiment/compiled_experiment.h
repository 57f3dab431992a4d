// One experiment as the request path sees it: validated, with its targeting compiled and everything that each
// exposure repeats made once.
#ifndef ESPALIER_ROUTER_EXPERIMENT_COMPILED_EXPERIMENT_H_
#define ESPALIER_ROUTER_EXPERIMENT_COMPILED_EXPERIMENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/espalier/v1/experiment.pb.h"
#include "router/experiment/routing_table.h"

namespace espalier {

// What to do when the assigned variant cannot answer (`on_variant_error`).
enum class OnVariantError : uint8_t { kServeControl, kFail };

// Immutable; thread-safe.
class CompiledExperiment {
 public:
  static absl::StatusOr<std::shared_ptr<const CompiledExperiment>> Compile(
      const espalier::v1::Experiment& document);
  virtual ~CompiledExperiment() = default;

  virtual const espalier::v1::Experiment& document() const = 0;
  virtual const std::string& key() const = 0;
  virtual const std::string& model() const = 0;
  // "running", "draft", ...
  virtual const std::string& state() const = 0;
  virtual bool running() const = 0;
  // Increments with every accepted edit; the document's `config_version`, or 1.
  virtual uint32_t config_version() const = 0;
  virtual const std::vector<Variant>& variants() const = 0;
  virtual const Variant& control() const = 0;
  // Probability of each variant for an enrolled unit, in the order of variants(), and the same as JSON text:
  // "[0.5,0.5]".
  virtual const std::vector<double>& probabilities() const = 0;
  virtual const std::string& probabilities_json() const = 0;
  virtual OnVariantError on_variant_error() const = 0;
  // The request parameter that holds the unit.
  virtual const std::string& unit_attribute() const = 0;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_COMPILED_EXPERIMENT_H_
