#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "router/experiment/validate.h"

namespace espalier {
namespace {

using espalier::v1::Experiment;

bool IsRunning(const Experiment& document) {
  return document.state() == Experiment::RUNNING || document.state() == Experiment::STATE_UNSPECIFIED;
}

absl::Status CheckOneLayer(const Experiment& first, const Experiment& second) {
  const auto wrong = [&](std::string_view what) {
    return InvalidArgument("experiment \"", second.experiment(), "\": layer: ", what, "; experiment \"",
                           first.experiment(), "\" already runs on model \"", first.model(),
                           "\", and running experiments on one model share one layer with disjoint ranges");
  };
  if (!second.has_layer()) return wrong("is missing");
  if (!first.has_layer()) return wrong("is missing in the other experiment");
  if (first.layer().name() != second.layer().name()) {
    return wrong(StrCat("\"", second.layer().name(), "\" is not \"", first.layer().name(), "\""));
  }
  return absl::OkStatus();
}

// The ranges of one layer that were claimed so far, by their start.
class LayerClaims {
 public:
  absl::Status Claim(const Experiment& document) {
    for (const auto& range : document.layer().ranges()) {
      ESPALIER_RETURN_IF_ERROR(Claim(document, range));
    }
    return absl::OkStatus();
  }

 private:
  struct Owner {
    double end;
    const Experiment* experiment;
  };

  absl::Status Claim(const Experiment& document, const espalier::v1::Range& range) {
    auto after = claims_.lower_bound(range.end());
    if (after != claims_.begin()) {
      const auto& [start, owner] = *std::prev(after);
      if (owner.end > range.start()) {
        return InvalidArgument("experiment \"", document.experiment(), "\": layer.ranges: [",
                               ShowNumber(range.start()), ", ", ShowNumber(range.end()), "] of layer \"",
                               document.layer().name(), "\" overlaps [", ShowNumber(start), ", ",
                               ShowNumber(owner.end), "] of experiment \"", owner.experiment->experiment(),
                               "\"");
      }
    }
    claims_.emplace(range.start(), Owner{range.end(), &document});
    return absl::OkStatus();
  }

  std::map<double, Owner> claims_;
};

}  // namespace

absl::Status ValidateTogether(const std::vector<Experiment>& documents) {
  absl::flat_hash_set<std::string> keys;
  absl::flat_hash_map<std::string, const Experiment*> by_model;
  absl::flat_hash_map<std::string, LayerClaims> layers;
  for (const Experiment& document : documents) {
    if (!keys.insert(document.experiment()).second) {
      return InvalidArgument("experiment \"", document.experiment(), "\": the key stands twice");
    }
    if (!IsRunning(document)) continue;
    const auto [first, is_first] = by_model.emplace(document.model(), &document);
    if (!is_first) ESPALIER_RETURN_IF_ERROR(CheckOneLayer(*first->second, document));
    if (document.has_layer()) {
      ESPALIER_RETURN_IF_ERROR(layers[document.layer().name()].Claim(document));
    }
  }
  return absl::OkStatus();
}

}  // namespace espalier
