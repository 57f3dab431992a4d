// Which versions of a model to load and which to let go: a pure decision over what is on disk, what serves
// and what was asked.
//
// The rules:
//   - A version that is not on disk, or that was unloaded by request, is let go at once.
//   - The policy says which versions are wanted. `all`: every one. `specific`: those listed.
//     `latest`: the highest of those that can serve: one that was refused takes no place, so that the version
//     before it goes on serving, today and after a restart.
//   - A version that was loaded by request is wanted, whatever the policy.
//   - What is no longer wanted serves until everything wanted has been tried.
#ifndef ESPALIER_MODELS_REPOSITORY_LOAD_PLAN_H_
#define ESPALIER_MODELS_REPOSITORY_LOAD_PLAN_H_

#include <cstdint>
#include <map>
#include <vector>

#include "models/repository/model_builder.h"

namespace espalier {

struct VersionSituation {
  // The version's folder is there.
  bool on_disk = true;
  // Some file of it serves.
  bool serves = false;
  // What is on disk now has been tried: it serves, or was refused.
  bool tried = false;
  // The last try failed.
  bool refused = false;
  // Unloaded by request.
  bool held = false;
  // Loaded by request.
  bool pinned = false;
};

struct LoadPlan {
  // Ascending. After these have been tried, plan again.
  std::vector<int64_t> load;
  // Those that serve and shall not; empty while there is something to load, but for the first rule.
  std::vector<int64_t> unload;
};

LoadPlan PlanLoads(const VersionPolicy& policy, const std::map<int64_t, VersionSituation>& versions);

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_LOAD_PLAN_H_
