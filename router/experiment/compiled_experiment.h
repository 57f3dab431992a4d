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
#include "router/experiment/assigner.h"
#include "router/experiment/routing_table.h"

namespace espalier {

// What to do when the assigned variant cannot answer (`on_variant_error`).
enum class OnVariantError : uint8_t { kServeControl, kFail };

// Immutable; thread-safe.
class CompiledExperiment {
 public:
  // Validates the document and compiles it; the error names experiment, field, value and what is allowed.
  static absl::StatusOr<std::shared_ptr<const CompiledExperiment>> Compile(
      const espalier::v1::Experiment& document);

  const espalier::v1::Experiment& document() const { return document_; }
  const std::string& key() const { return document_.experiment(); }
  const std::string& model() const { return document_.model(); }
  // "running", "draft", ...
  const std::string& state() const { return state_; }
  bool running() const { return state_ == "running"; }
  // Whether requests for the model are its concern: running, or held or rolled back so that the control
  // answers.
  bool concerns_requests() const { return running() || state_ == "held" || state_ == "rolled_back"; }
  // Increments with every accepted edit; the document's `config_version`, or 1.
  uint32_t config_version() const { return document_.has_config_version() ? document_.config_version() : 1; }
  const std::vector<Variant>& variants() const { return variants_; }
  const Variant& control() const { return variants_[control_index_]; }
  uint32_t control_index() const { return control_index_; }
  // Probability of each variant for an enrolled unit, in the order of variants(), and the same as JSON text:
  // "[0.5,0.5]".
  const std::vector<double>& probabilities() const { return assigner_.probabilities(); }
  const std::string& probabilities_json() const { return probabilities_json_; }
  OnVariantError on_variant_error() const { return on_variant_error_; }
  // The request parameter that holds the unit.
  const std::string& unit_attribute() const { return document_.unit().attribute(); }

  const Assigner& assigner() const { return assigner_; }

 private:
  CompiledExperiment(const espalier::v1::Experiment& document, Assigner assigner);

  const espalier::v1::Experiment document_;
  const Assigner assigner_;
  std::string state_;
  std::vector<Variant> variants_;
  uint32_t control_index_ = 0;
  std::string probabilities_json_;
  OnVariantError on_variant_error_ = OnVariantError::kFail;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_COMPILED_EXPERIMENT_H_
