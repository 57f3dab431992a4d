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

bool WantedByList(const VersionPolicy& policy, int64_t version) {
  if (policy.kind != VersionPolicy::Kind::kSpecific) return true;
  return std::find(policy.specific.begin(), policy.specific.end(), version) != policy.specific.end();
}

std::set<int64_t> Wanted(const VersionPolicy& policy, const Situations& versions) {
  std::set<int64_t> wanted;
  const bool latest = policy.kind == VersionPolicy::Kind::kLatest;
  if (latest) wanted = Latest(policy.latest, versions);
  for (const auto& [number, version] : versions) {
    if (!MayServe(version)) continue;
    if (version.pinned || (!latest && WantedByList(policy, number))) wanted.insert(number);
  }
  return wanted;
}

}  // namespace

LoadPlan PlanLoads(const VersionPolicy& policy, const Situations& versions) {
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
