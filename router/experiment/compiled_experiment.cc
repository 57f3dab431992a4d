#include "router/experiment/compiled_experiment.h"

#include <utility>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "nlohmann/json.hpp"
#include "router/experiment/validate.h"

namespace espalier {
namespace {

std::string StateName(espalier::v1::Experiment::State state) {
  switch (state) {
    case espalier::v1::Experiment::DRAFT:
      return "draft";
    case espalier::v1::Experiment::HELD:
      return "held";
    case espalier::v1::Experiment::ROLLED_BACK:
      return "rolled_back";
    case espalier::v1::Experiment::CONCLUDED:
      return "concluded";
    default:
      return "running";
  }
}

double RangesLength(const espalier::v1::Variant& variant) {
  double length = 0;
  for (const auto& range : variant.ranges()) length += range.end() - range.start();
  return length;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const CompiledExperiment>> CompiledExperiment::Compile(
    const espalier::v1::Experiment& document) {
  ESPALIER_RETURN_IF_ERROR(ValidateExperiment(document));
  absl::StatusOr<Assigner> assigner = Assigner::Create(document);
  if (!assigner.ok()) {
    return Annotate(assigner.status(), StrCat("experiment \"", document.experiment(), "\""));
  }
  return std::shared_ptr<const CompiledExperiment>(new CompiledExperiment(document, *std::move(assigner)));
}

CompiledExperiment::CompiledExperiment(const espalier::v1::Experiment& document, Assigner assigner)
    : document_(document), assigner_(std::move(assigner)), state_(StateName(document.state())) {
  for (const auto& variant : document_.variants()) {
    if (variant.control()) control_index_ = static_cast<uint32_t>(variants_.size());
    const double weight = variant.ranges().empty() ? variant.weight() : RangesLength(variant);
    variants_.push_back({variant.key(), Backend{variant.version()}, weight, variant.control()});
  }
  probabilities_json_ = nlohmann::json(probabilities()).dump();
  if (document_.on_variant_error().serve() == espalier::v1::OnVariantError::CONTROL) {
    on_variant_error_ = OnVariantError::kServeControl;
  }
}

}  // namespace espalier
