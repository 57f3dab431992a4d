#include "models/forest/objective.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/strings/escaping.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

// Bytes of an unknown name that an error repeats; it is a file's, and may hold anything.
constexpr size_t kShownName = 64;

constexpr float kEpsilon = 1e-6f;  // XGBoost's kRtEps

// {3, 2, 0} of "3.2.0". What is not said (all of it, or the last part in a binary file) counts as the newest.
std::array<int, 3> ParseVersion(std::string_view text) {
  std::array<int, 3> version = {1000, 1000, 1000};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int& part : version) {
    const auto [next, error] = std::from_chars(at, end, part);
    if (error != std::errc() || next == end || *next != '.') break;
    at = next + 1;
  }
  return version;
}

float Sigmoid(float margin) {
  constexpr float kAvoidDivisionByZero = 1e-16f;
  const float exponent = std::min(-margin, 88.7f);
  return 1.0f / (std::exp(exponent) + 1.0f + kAvoidDivisionByZero);
}

float Logit(float probability) { return -std::log(1.0f / probability - 1.0f); }

float Softplus(float x) { return x > 0.0f ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

float InverseSoftplus(float y) {
  y = std::max(y, kEpsilon);
  return y + std::log(-std::expm1(-y));
}

// The first of the largest.
size_t Largest(const float* margins, size_t count) {
  size_t best = 0;
  for (size_t i = 1; i < count; ++i) {
    if (margins[i] > margins[best]) best = i;
  }
  return best;
}

void Softmax(const float* margins, size_t count, float* values) {
  float largest = margins[0];
  for (size_t i = 1; i < count; ++i) largest = std::fmax(margins[i], largest);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    values[i] = std::exp(margins[i] - largest);
    sum += values[i];
  }
  for (size_t i = 0; i < count; ++i) values[i] /= static_cast<float>(sum);
}

// An insertion sort, as XGBoost 3.4 uncrosses quantiles.
void SortAscending(const float* margins, size_t count, float* values) {
  for (size_t i = 0; i < count; ++i) {
    const float value = margins[i];
    size_t position = i;
    for (; position > 0 && values[position - 1] > value; --position) values[position] = values[position - 1];
    values[position] = value;
  }
}

// Expectiles: the first is free, each further one lies a positive gap above.
void AddSoftplusGaps(const float* margins, size_t count, float* values) {
  float value = margins[0];
  values[0] = value;
  for (size_t i = 1; i < count; ++i) {
    value += kEpsilon + Softplus(margins[i]);
    values[i] = value;
  }
}

}  // namespace

const Objective::Rule* Objective::FindRule(std::string_view name) {
  using enum Link;
  static constexpr Rule kRules[] = {
      {"reg:squarederror", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"reg:linear", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"reg:squaredlogerror", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"reg:pseudohubererror", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"reg:absoluteerror", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"reg:quantileerror", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"reg:expectileerror", kSoftplusGaps, BaseLink::kSoftplusGaps, Classes::kNone},
      {"reg:logistic", kLogistic, BaseLink::kLogit, Classes::kProbabilityAboveHalf},
      {"binary:logistic", kLogistic, BaseLink::kLogit, Classes::kProbabilityAboveHalf},
      {"binary:logitraw", kIdentity, BaseLink::kIdentity, Classes::kMarginAboveZero},
      {"binary:hinge", kStep, BaseLink::kIdentity, Classes::kMarginAboveZero},
      {"count:poisson", kExp, BaseLink::kLog, Classes::kNone},
      {"reg:gamma", kExp, BaseLink::kLog, Classes::kNone},
      {"reg:tweedie", kExp, BaseLink::kLog, Classes::kNone},
      {"survival:cox", kExp, BaseLink::kLog, Classes::kNone},
      {"survival:aft", kExp, BaseLink::kLog, Classes::kNone},
      {"multi:softmax", kSoftmax, BaseLink::kIdentity, Classes::kLargest},
      {"multi:softprob", kSoftprob, BaseLink::kIdentity, Classes::kLargest},
      {"rank:pairwise", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"rank:ndcg", kIdentity, BaseLink::kIdentity, Classes::kNone},
      {"rank:map", kIdentity, BaseLink::kIdentity, Classes::kNone},
  };
  const Rule* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [name](const Rule& candidate) { return candidate.name == name; });
  return rule == std::end(kRules) ? nullptr : rule;
}

absl::StatusOr<Objective> Objective::Create(const Ensemble& ensemble) {
  const Rule* rule = FindRule(ensemble.objective);
  if (rule == nullptr) {
    const std::string_view name = std::string_view(ensemble.objective).substr(0, kShownName);
    return Error(absl::StatusCode::kUnimplemented, "objective \"", absl::CHexEscape(ToAbsl(name)),
                 "\" is not known");
  }
  Objective objective(rule->name, rule->link, rule->base, rule->classes, ensemble.num_outputs);
  // What changed between versions of XGBoost; a file is read as the version that wrote it.
  using Version = std::array<int, 3>;
  const Version version = ParseVersion(ensemble.version);
  if (rule->base == BaseLink::kLogit && version >= Version{3, 2, 0})
    objective.base_ = BaseLink::kBoundedLogit;
  if (rule->name == "binary:logitraw" && version < Version{1, 3, 1}) objective.base_ = BaseLink::kLogit;
  // XGBoost says exp(x), which is in float where it is built with CUDA, as its wheels of all versions are,
  // and in double where it is not, as Debian 12's library is. A file tells the version alone, and 1.7.4 is
  // that.
  if (rule->name == "survival:aft" && version == Version{1, 7, 4}) objective.link_ = Link::kExpInDouble;
  if (rule->name == "reg:quantileerror" && version >= Version{3, 4, 0}) objective.link_ = Link::kSorted;
  if (version < Version{1, 0, 0}) {
    objective.base_is_margin_ = rule->link == Link::kLogistic || rule->link == Link::kExp;
    // The others' stored margin is the margin.
    if (!objective.base_is_margin_) objective.base_ = BaseLink::kIdentity;
  }
  return objective;
}

absl::StatusOr<std::vector<float>> Objective::BaseMargins(std::span<const float> base_score) const {
  if (base_score.size() != 1 && base_score.size() != num_outputs_) {
    return InvalidArgument("base_score has ", base_score.size(), " values, allowed are 1 or ", num_outputs_,
                           " (one an output)");
  }
  std::vector<float> margins(num_outputs_, base_score[0]);
  std::copy(base_score.begin(), base_score.end(), margins.begin());
  if (base_is_margin_) ToValues(margins.data(), 1, margins.data());
  for (size_t i = margins.size(); i-- > 0;) {
    const float score = margins[i];
    switch (base_) {
      case BaseLink::kIdentity:
        break;
      case BaseLink::kLogit:
        if (!(score > 0.0f && score < 1.0f)) {
          return InvalidArgument("base_score ", score, " of objective ", name_, " must lie in (0, 1)");
        }
        margins[i] = Logit(score);
        break;
      case BaseLink::kBoundedLogit:
        if (!(score >= 0.0f && score <= 1.0f)) {
          return InvalidArgument("base_score ", score, " of objective ", name_, " must lie in [0, 1]");
        }
        margins[i] = Logit(std::min(std::max(score, kEpsilon), 1.0f - kEpsilon));
        break;
      case BaseLink::kLog:
        margins[i] = std::log(score);
        break;
      case BaseLink::kSoftplusGaps:
        if (i > 0) margins[i] = InverseSoftplus(score - margins[i - 1] - kEpsilon);
        break;
    }
    if (!std::isfinite(margins[i])) {
      return InvalidArgument("base_score ", score, " of objective ", name_, " gives no finite margin");
    }
  }
  return margins;
}

size_t Objective::ValueWidth() const { return link_ == Link::kSoftmax ? 1 : num_outputs_; }

bool Objective::HasClasses() const { return classes_ != Classes::kNone; }

size_t Objective::ClassWidth() const { return classes_ == Classes::kLargest ? 1 : num_outputs_; }

void Objective::ToValues(const float* margins, size_t rows, float* values) const {
  const size_t width = num_outputs_;
  const size_t count = rows * width;
  switch (link_) {
    case Link::kIdentity:
      if (values != margins) std::memcpy(values, margins, count * sizeof(float));
      break;
    case Link::kLogistic:
      std::transform(margins, margins + count, values, Sigmoid);
      break;
    case Link::kStep:
      std::transform(margins, margins + count, values, [](float x) { return x > 0.0f ? 1.0f : 0.0f; });
      break;
    case Link::kExp:
      std::transform(margins, margins + count, values, [](float x) { return std::exp(x); });
      break;
    case Link::kExpInDouble:
      std::transform(margins, margins + count, values,
                     [](float x) { return static_cast<float>(std::exp(static_cast<double>(x))); });
      break;
    case Link::kSoftmax:
      for (size_t i = 0; i < rows; ++i) values[i] = static_cast<float>(Largest(margins + i * width, width));
      break;
    case Link::kSoftprob:
      for (size_t i = 0; i < rows; ++i) Softmax(margins + i * width, width, values + i * width);
      break;
    case Link::kSorted:
      for (size_t i = 0; i < rows; ++i) SortAscending(margins + i * width, width, values + i * width);
      break;
    case Link::kSoftplusGaps:
      for (size_t i = 0; i < rows; ++i) AddSoftplusGaps(margins + i * width, width, values + i * width);
      break;
  }
}

void Objective::ToClasses(const float* margins, size_t rows, int32_t* classes) const {
  const size_t width = num_outputs_;
  if (classes_ == Classes::kLargest) {
    for (size_t i = 0; i < rows; ++i) classes[i] = static_cast<int32_t>(Largest(margins + i * width, width));
    return;
  }
  const bool probability = classes_ == Classes::kProbabilityAboveHalf;
  std::transform(margins, margins + rows * width, classes,
                 [probability](float x) { return probability ? Sigmoid(x) > 0.5f : x > 0.0f; });
}

}  // namespace espalier
