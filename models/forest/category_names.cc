#include "models/forest/category_names.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace espalier {

CategoryNames::CategoryNames(std::vector<std::vector<std::string>> names) : features_(names.size()) {
  for (size_t i = 0; i < names.size(); ++i) {
    Feature& feature = features_[i];
    feature.names = std::move(names[i]);
    feature.sorted.resize(feature.names.size());
    std::iota(feature.sorted.begin(), feature.sorted.end(), 0u);
    std::sort(feature.sorted.begin(), feature.sorted.end(),
              [&](uint32_t a, uint32_t b) { return feature.names[a] < feature.names[b]; });
  }
}

const std::vector<std::string>& CategoryNames::Names(uint32_t feature) const {
  static const std::vector<std::string> none;
  return feature < features_.size() ? features_[feature].names : none;
}

std::optional<uint32_t> CategoryNames::Code(uint32_t feature, std::string_view name) const {
  if (!Has(feature)) return std::nullopt;
  const std::vector<std::string>& names = features_[feature].names;
  const std::vector<uint32_t>& sorted = features_[feature].sorted;
  const auto found =
      std::lower_bound(sorted.begin(), sorted.end(), name,
                       [&](uint32_t code, std::string_view text) { return names[code] < text; });
  if (found == sorted.end() || names[*found] != name) return std::nullopt;
  return *found;
}

std::optional<float> CategoryNames::Value(uint32_t feature, std::string_view name) const {
  const std::optional<uint32_t> code = Code(feature, name);
  if (code.has_value()) return static_cast<float>(*code);
  if (name.empty()) return std::numeric_limits<float>::quiet_NaN();
  return std::nullopt;
}

size_t CategoryNames::MemoryBytes() const {
  size_t bytes = features_.capacity() * sizeof(Feature);
  for (const Feature& feature : features_) {
    bytes += feature.names.capacity() * sizeof(std::string) + feature.sorted.capacity() * sizeof(uint32_t);
    for (const std::string& name : feature.names) bytes += name.size() > 15 ? name.capacity() : 0;
  }
  return bytes;
}

}  // namespace espalier
