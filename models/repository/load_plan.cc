#include "models/repository/load_plan.h"

#include <algorithm>
#include <set>

namespace espalier {
namespace {

using Situations = std::map<int64_t, VersionSituation>;

bool MayServe(const VersionSituation& version) { return version.on_disk && !version.held; }

// Refused, and nothing of it serves.
bool IsLost(const VersionSituation& version) { return version.tried && version.refused && !version.serves; }

std::set<int64_t> Latest(uint32_t count, const Situations& versions) {
  std::set<int64_t> wanted;
  for (auto it = versions.rbegin(); it != versions.rend() && wanted.size() < std::max(count, 1u); ++it) {
    if (MayServe(it->second) && !IsLost(it->second)) wanted.insert(it->first);
  }
  return wanted;
}

bool WantedByList(const inference::ModelVersionPolicy& policy, int64_t version) {
  if (!policy.has_specific()) return true;
  const auto& listed = policy.specific().versions();
  return std::find(listed.begin(), listed.end(), version) != listed.end();
}

std::set<int64_t> Wanted(const inference::ModelVersionPolicy& policy, const Situations& versions) {
  std::set<int64_t> wanted;
  if (policy.has_latest()) wanted = Latest(policy.latest().num_versions(), versions);
  for (const auto& [number, version] : versions) {
    if (!MayServe(version)) continue;
    if (version.pinned || (!policy.has_latest() && WantedByList(policy, number))) wanted.insert(number);
  }
  return wanted;
}

}  // namespace

LoadPlan PlanLoads(const inference::ModelVersionPolicy& policy, const Situations& versions) {
  const std::set<int64_t> wanted = Wanted(policy, versions);
  LoadPlan plan;
  for (const int64_t number : wanted) {
    if (!versions.at(number).tried) plan.load.push_back(number);
  }
  for (const auto& [number, version] : versions) {
    const bool unwanted = plan.load.empty() && !wanted.contains(number);
    if (version.serves && (unwanted || !MayServe(version))) plan.unload.push_back(number);
  }
  return plan;
}

}  // namespace espalier
