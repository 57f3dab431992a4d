#include "models/repository/model_catalog.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "models/base/strings.h"

namespace espalier {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();
constexpr char kChampion[] = "champion";

// A number as version folders write it: decimal, positive, without leading zeros.
std::optional<int64_t> ParseVersionNumber(std::string_view text) {
  int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (version <= 0 || text.front() == '0') return std::nullopt;
  return version;
}

size_t IndexOf(const std::vector<ModelHandle>& ready, int64_t version) {
  const auto found =
      std::lower_bound(ready.begin(), ready.end(), version,
                       [](const ModelHandle& handle, int64_t number) { return handle->version < number; });
  if (found == ready.end() || (*found)->version != version) return kNone;
  return found - ready.begin();
}

std::vector<ModelHandle> SortByVersion(std::vector<ModelHandle> ready) {
  std::sort(ready.begin(), ready.end(),
            [](const ModelHandle& a, const ModelHandle& b) { return a->version < b->version; });
  return ready;
}

}  // namespace

CatalogModel::CatalogModel(std::string name, std::vector<ModelHandle> ready,
                           std::map<int64_t, std::string> known, std::map<std::string, int64_t> labels)
    : name_(std::move(name)),
      ready_(SortByVersion(std::move(ready))),
      known_(std::move(known)),
      labels_(std::move(labels)),
      default_(FindDefault()) {}

size_t CatalogModel::FindDefault() const {
  const auto champion = labels_.find(kChampion);
  if (champion != labels_.end()) return IndexOf(ready_, champion->second);
  return ready_.empty() ? kNone : ready_.size() - 1;
}

const ModelHandle* CatalogModel::Default() const { return default_ == kNone ? nullptr : &ready_[default_]; }

const ModelHandle* CatalogModel::FindVersion(int64_t version) const {
  const size_t index = IndexOf(ready_, version);
  return index == kNone ? nullptr : &ready_[index];
}

absl::StatusOr<const ModelHandle*> CatalogModel::Resolve(std::string_view version) const {
  if (version.empty()) {
    if (default_ != kNone) return &ready_[default_];
    if (labels_.contains(kChampion)) return ResolveLabel(kChampion);
    return NothingReady();
  }
  if (const std::optional<int64_t> number = ParseVersionNumber(version)) return ResolveNumber(*number);
  return ResolveLabel(std::string(version));
}

absl::StatusOr<const ModelHandle*> CatalogModel::ResolveNumber(int64_t version) const {
  if (const ModelHandle* handle = FindVersion(version)) return handle;
  const auto known = known_.find(version);
  if (known == known_.end()) {
    return Error(absl::StatusCode::kNotFound, "model \"", name_, "\" has no version ", version, "; it has ",
                 WhatThereIs());
  }
  return Error(absl::StatusCode::kUnavailable, "version ", version, " of model \"", name_,
               "\" is not ready: ", known->second);
}

absl::StatusOr<const ModelHandle*> CatalogModel::ResolveLabel(const std::string& label) const {
  const auto found = labels_.find(label);
  if (found == labels_.end()) {
    return Error(absl::StatusCode::kNotFound, "model \"", name_, "\" has no version or label \"", label,
                 "\"; it has ", WhatThereIs());
  }
  if (const ModelHandle* handle = FindVersion(found->second)) return handle;
  const auto known = known_.find(found->second);
  return Error(absl::StatusCode::kUnavailable, "label \"", label, "\" of model \"", name_,
               "\" names version ", found->second, ", which is not ready: ",
               known == known_.end() ? "the repository does not have it" : known->second);
}

absl::Status CatalogModel::NothingReady() const {
  if (known_.empty()) {
    return Error(absl::StatusCode::kNotFound, "model \"", name_, "\" has no version");
  }
  const auto& [version, reason] = *known_.rbegin();
  return Error(absl::StatusCode::kUnavailable, "no version of model \"", name_, "\" is ready; version ",
               version, ": ", reason);
}

std::string CatalogModel::WhatThereIs() const {
  std::vector<int64_t> versions;
  for (const ModelHandle& handle : ready_) versions.push_back(handle->version);
  for (const auto& [version, reason] : known_) versions.push_back(version);
  std::sort(versions.begin(), versions.end());
  std::string text = versions.empty() ? "no versions" : "versions ";
  for (size_t i = 0; i < versions.size(); ++i) text += StrCat(i == 0 ? "" : ", ", versions[i]);
  const char* separator = "; labels ";
  for (const auto& [label, version] : labels_) text += StrCat(std::exchange(separator, ", "), label);
  return text;
}

ModelCatalog::ModelCatalog(std::vector<CatalogModel>&& models) {
  for (CatalogModel& model : models) {
    std::string name = model.name();
    models_.emplace(std::move(name), std::move(model));
  }
}

const CatalogModel* ModelCatalog::Find(std::string_view name) const {
  const auto found = models_.find(ToAbsl(name));
  return found == models_.end() ? nullptr : &found->second;
}

}  // namespace espalier
