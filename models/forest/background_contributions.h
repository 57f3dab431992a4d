// SHAP values against a set of background rows: how much each feature moved a row's margin away from the
// background's mean.
//
// What Lundberg et al. ("From local explanations to global understanding with explainable AI for trees",
// 2020) call interventional: a feature that is not known has the value of a background row, whatever the
// known ones are; a row's contributions are the mean over the background rows. Exact. The paper's recursion
// for a pair of rows is done here for sets of background rows: those with which a path has shared the same
// questions walk together, as bits of words, so that the work grows more slowly than the background.
#ifndef ESPALIER_MODELS_FOREST_BACKGROUND_CONTRIBUTIONS_H_
#define ESPALIER_MODELS_FOREST_BACKGROUND_CONTRIBUTIONS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "models/forest/contribution_trees.h"
#include "models/forest/kernel.h"

namespace espalier {

// Values of a background that are kept in memory.
inline constexpr size_t kMaxBackgroundValues = size_t{1} << 24;

// INVALID_ARGUMENT for a background of no rows, or of more than kMaxBackgroundValues values.
absl::Status CheckBackground(const Rows& background, uint32_t num_features);

// `out` and `starts` are as ComputeContributions() has them; the bias is the start of the row plus the mean
// of what the trees add to the background rows. The background has been checked, and is prepared anew in
// every call. The bits of a row do not depend on the other rows. Thread-safe; allocates.
void ComputeBackgroundContributions(const ContributionTrees& trees, const Rows& rows, const Rows& background,
                                    TreeRange range, uint32_t num_features, uint32_t num_outputs,
                                    std::span<const float> starts, float* out);

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_BACKGROUND_CONTRIBUTIONS_H_
