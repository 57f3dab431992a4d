// How far a score is from what happened.
#ifndef ESPALIER_ROUTER_STATS_LOSS_H_
#define ESPALIER_ROUTER_STATS_LOSS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace espalier {

enum class Loss : uint8_t { kNone, kBrier, kLogLoss, kSquared, kAbsolute };

// The loss of one score; for kNone the outcome's own value. Brier is the squared distance of a probability,
// so that it and kSquared are one formula; kLogLoss keeps probabilities 1e-15 away from 0 and 1.
inline double LossOf(Loss loss, double score, double outcome) {
  switch (loss) {
    case Loss::kNone:
      return outcome;
    case Loss::kBrier:
    case Loss::kSquared:
      return (score - outcome) * (score - outcome);
    case Loss::kAbsolute:
      return std::abs(score - outcome);
    case Loss::kLogLoss:
      break;
  }
  const double p = std::clamp(score, 1e-15, 1 - 1e-15);
  return -(outcome * std::log(p) + (1 - outcome) * std::log1p(-p));
}

}  // namespace espalier

#endif  // ESPALIER_ROUTER_STATS_LOSS_H_
