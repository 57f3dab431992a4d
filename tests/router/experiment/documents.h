// Documents for the tests of this folder.
#ifndef ESPALIER_TESTS_ROUTER_EXPERIMENT_DOCUMENTS_H_
#define ESPALIER_TESTS_ROUTER_EXPERIMENT_DOCUMENTS_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/strings.h"
#include "proto/espalier/v1/experiment.pb.h"
#include "router/experiment/attributes.h"

namespace espalier {

// Variants control, t1, t2, ... of `weights`, over `user_id`.
inline v1::Experiment MakeExperiment(const std::string& key, const std::string& model,
                                     const std::vector<double>& weights = {0.5, 0.5}) {
  v1::Experiment document;
  document.set_experiment(key);
  document.set_model(model);
  document.mutable_unit()->set_attribute("user_id");
  for (size_t i = 0; i < weights.size(); ++i) {
    auto* variant = document.add_variants();
    variant->set_key(i == 0 ? "control" : StrCat("t", i));
    variant->set_version(static_cast<int64_t>(i) + 1);
    variant->set_weight(weights[i]);
    variant->set_control(i == 0);
  }
  return document;
}

inline void SetLayer(v1::Experiment& document, const std::string& name, double start, double end) {
  document.mutable_layer()->set_name(name);
  auto* range = document.mutable_layer()->add_ranges();
  range->set_start(start);
  range->set_end(end);
}

// Attributes by name.
class MapAttributes final : public AttributeSource {
 public:
  MapAttributes(std::initializer_list<std::pair<const std::string_view, AttributeValue>> values)
      : values_(values) {}
  AttributeValue Find(std::string_view name) const override {
    const auto found = values_.find(name);
    return found == values_.end() ? AttributeValue() : found->second;
  }

 private:
  std::map<std::string_view, AttributeValue> values_;
};

}  // namespace espalier

#endif  // ESPALIER_TESTS_ROUTER_EXPERIMENT_DOCUMENTS_H_
