#include "models/training/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// A probability of exactly 0 or 1 costs a finite loss, as in XGBoost's own log-loss.
constexpr double kSmallestProbability = 1e-16;

absl::Status Check(std::span<const float> probabilities, std::span<const float> labels,
                   std::span<const float> weights) {
  if (probabilities.size() != labels.size() || (!weights.empty() && weights.size() != labels.size())) {
    return InvalidArgument(probabilities.size(), " probabilities, ", labels.size(), " labels and ",
                           weights.size(), " weights do not belong together");
  }
  for (size_t i = 0; i < labels.size(); ++i) {
    if (!(probabilities[i] >= 0 && probabilities[i] <= 1) || !(labels[i] >= 0 && labels[i] <= 1)) {
      return InvalidArgument("row ", i, ": probability ", probabilities[i], " and label ", labels[i],
                             " must be from 0 to 1");
    }
  }
  return absl::OkStatus();
}

// The area under the ROC curve by the trapezoidal rule: rows of equal score move along both axes at once.
// Nothing for labels of one class.
double AreaUnderCurve(std::span<const float> scores, std::span<const float> labels,
                      std::span<const float> weights) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  double positives = 0, negatives = 0, area = 0;
  for (size_t i = 0; i < order.size();) {
    const float score = scores[order[i]];
    double tied_positives = 0, tied_negatives = 0;
    for (; i < order.size() && scores[order[i]] == score; ++i) {
      const double weight = weights.empty() ? 1 : weights[order[i]];
      tied_positives += weight * labels[order[i]];
      tied_negatives += weight * (1 - labels[order[i]]);
    }
    area += tied_negatives * (positives + tied_positives / 2);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  return area / (positives * negatives);
}

}  // namespace

absl::StatusOr<BinaryEvaluation> EvaluateBinary(std::span<const float> probabilities,
                                                std::span<const float> labels,
                                                std::span<const float> weights) {
  ESPALIER_RETURN_IF_ERROR(Check(probabilities, labels, weights));
  BinaryEvaluation result;
  double total = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double weight = weights.empty() ? 1 : weights[i];
    const double label = labels[i];
    const double p = probabilities[i];
    result.brier += weight * (p - label) * (p - label);
    result.log_loss -= weight * (label * std::log(std::max(p, kSmallestProbability)) +
                                 (1 - label) * std::log(std::max(1 - p, kSmallestProbability)));
    total += weight;
  }
  result.auc = AreaUnderCurve(probabilities, labels, weights);
  if (!std::isfinite(result.auc)) return InvalidArgument("labels of both classes are needed");
  result.brier /= total;
  result.log_loss /= total;
  return result;
}

}  // namespace espalier
