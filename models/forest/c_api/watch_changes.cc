#include "models/forest/c_api/watch_changes.h"

#include <map>
#include <set>

#include "espalier/watch.h"

namespace espalier {
namespace {

using Versions = std::map<int64_t, ModelHandle>;
using Labels = std::map<std::string, int64_t>;

Versions VersionsOf(const CatalogModel* model) {
  Versions versions;
  if (model == nullptr) return versions;
  for (const ModelHandle& handle : model->ready()) versions.emplace(handle->version, handle);
  return versions;
}

Labels LabelsOf(const CatalogModel* model) { return model == nullptr ? Labels() : model->labels(); }

void AddVersions(const std::string& model, const Versions& before, const Versions& after,
                 std::vector<WatchChange>& changes) {
  for (const auto& [version, handle] : after) {
    const auto found = before.find(version);
    if (found != before.end() && found->second == handle) continue;
    changes.push_back({ESPALIER_WATCH_LOADED, model, version, handle->sha256});
  }
  for (const auto& [version, handle] : before) {
    if (!after.contains(version)) changes.push_back({ESPALIER_WATCH_UNLOADED, model, version, ""});
  }
}

void AddLabels(const std::string& model, const Labels& before, const Labels& after,
               std::vector<WatchChange>& changes) {
  for (const auto& [label, version] : after) {
    const auto found = before.find(label);
    if (found != before.end() && found->second == version) continue;
    changes.push_back({ESPALIER_WATCH_LABEL, model, version, label});
  }
  for (const auto& [label, version] : before) {
    if (!after.contains(label)) changes.push_back({ESPALIER_WATCH_LABEL, model, 0, label});
  }
}

}  // namespace

std::vector<WatchChange> ChangesBetween(const ModelCatalog& before, const ModelCatalog& after) {
  std::set<std::string> names;
  for (const ModelCatalog* catalog : {&before, &after}) {
    for (const auto& [name, model] : catalog->models()) names.insert(name);
  }
  std::vector<WatchChange> changes;
  for (const std::string& name : names) {
    const CatalogModel* const old_model = before.Find(name);
    const CatalogModel* const new_model = after.Find(name);
    AddVersions(name, VersionsOf(old_model), VersionsOf(new_model), changes);
    AddLabels(name, LabelsOf(old_model), LabelsOf(new_model), changes);
  }
  return changes;
}

}  // namespace espalier
