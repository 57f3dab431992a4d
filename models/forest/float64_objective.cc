#include "models/forest/float64_objective.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/field_text.h"

namespace espalier {
namespace {

std::optional<std::string_view> FindParameter(const Ensemble& ensemble, std::string_view name) {
  for (const auto& [key, value] : ensemble.objective_parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

absl::Status Unknown(std::string_view name) {
  return Error(absl::StatusCode::kUnimplemented, "objective ", Quoted(name), " is not known");
}

// LightGBM adds the digits after the point, as an integer over a power of ten, to those before it. That is
// not always the nearest number.
absl::StatusOr<double> ParseAsLightGbm(std::string_view field, std::string_view text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size() ||
      !std::isfinite(value)) {
    return InvalidArgument(field, " ", Quoted(text), ": must be a number");
  }
  const size_t point = text.find('.');
  if (point == std::string_view::npos || text.find_first_not_of("0123456789.") != std::string_view::npos) {
    return value;
  }
  const auto digits = [](std::string_view part) {
    double sum = 0;
    for (const char c : part) sum = (c - '0') + sum * 10.0;
    return sum;
  };
  const std::string_view fraction = text.substr(point + 1);
  double power = 1;
  for (size_t i = 0; i < fraction.size(); ++i) power *= 10.0;
  const double sum = digits(text.substr(0, point)) + digits(fraction) / power;
  return std::isfinite(sum) ? sum : value;
}

double Sigmoid(double margin, double scale) { return 1.0 / (1.0 + std::exp(-scale * margin)); }

void Softmax(const double* margins, size_t count, double* values) {
  double largest = margins[0];
  for (size_t i = 1; i < count; ++i) largest = std::max(margins[i], largest);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    values[i] = std::exp(margins[i] - largest);
    sum += values[i];
  }
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

int32_t Largest(const double* values, size_t count) {
  return static_cast<int32_t>(std::max_element(values, values + count) - values);
}

}  // namespace

absl::StatusOr<Float64Objective> Float64Objective::Create(const Ensemble& ensemble) {
  return ensemble.dialect == Dialect::kLightGbm ? ForLightGbm(ensemble) : ForScikitLearn(ensemble);
}

absl::StatusOr<Float64Objective> Float64Objective::ForLightGbm(const Ensemble& ensemble) {
  struct Rule {
    std::string_view name;
    Link link;
    Classes classes = Classes::kNone;
    bool may_be_square = false;
  };
  // The last two are the older names of the cross entropies; `custom` has an objective that the file does not
  // hold.
  static constexpr Rule kRules[] = {
      {"regression", Link::kIdentity, Classes::kNone, true},
      {"regression_l1", Link::kIdentity, Classes::kNone, true},
      {"huber", Link::kIdentity},
      {"fair", Link::kIdentity, Classes::kNone, true},
      {"poisson", Link::kExp},
      {"quantile", Link::kIdentity, Classes::kNone, true},
      {"mape", Link::kIdentity, Classes::kNone, true},
      {"gamma", Link::kExp},
      {"tweedie", Link::kExp},
      {"binary", Link::kSigmoid, Classes::kValueAboveHalf},
      {"multiclass", Link::kSoftmax, Classes::kLargestValue},
      {"multiclassova", Link::kSigmoid, Classes::kLargestValue},
      {"cross_entropy", Link::kSigmoid},
      {"cross_entropy_lambda", Link::kLog1pExp},
      {"lambdarank", Link::kIdentity},
      {"rank_xendcg", Link::kIdentity},
      {"custom", Link::kIdentity},
      {"xentropy", Link::kSigmoid},
      {"xentlambda", Link::kLog1pExp},
  };
  const auto* const rule = std::find_if(std::begin(kRules), std::end(kRules), [&](const Rule& candidate) {
    return candidate.name == ensemble.objective;
  });
  if (rule == std::end(kRules)) return Unknown(ensemble.objective);
  Float64Objective objective;
  objective.num_outputs_ = ensemble.num_outputs;
  objective.link_ = rule->link;
  objective.classes_ = rule->classes;
  if (rule->may_be_square && FindParameter(ensemble, "sqrt").has_value()) {
    objective.link_ = Link::kSignedSquare;
  }
  if (rule->name == "binary" || rule->name == "multiclassova") {
    const std::string_view sigmoid = FindParameter(ensemble, "sigmoid").value_or("");
    ESPALIER_ASSIGN_OR_RETURN(objective.scale_, ParseAsLightGbm("objective, sigmoid", sigmoid));
    if (!(objective.scale_ > 0)) return InvalidArgument("objective, sigmoid ", sigmoid, ": must be > 0");
  }
  const bool several = rule->classes == Classes::kLargestValue;
  if (several) {
    const std::string_view classes = FindParameter(ensemble, "num_class").value_or("");
    ESPALIER_RETURN_IF_ERROR(
        ParseInteger("objective, num_class", classes, ensemble.num_outputs, ensemble.num_outputs).status());
  } else if (ensemble.num_outputs != 1 && rule->name != "custom") {
    return InvalidArgument("num_tree_per_iteration ", ensemble.num_outputs, ": must be 1 with objective ",
                           rule->name);
  }
  return objective;
}

absl::StatusOr<Float64Objective> Float64Objective::ForScikitLearn(const Ensemble& ensemble) {
  Float64Objective objective;
  objective.num_outputs_ = ensemble.num_outputs;
  const std::string_view name = ensemble.objective;
  if (name == "identity") return objective;
  if (name == "exp") {
    objective.link_ = Link::kExp;
  } else if (name == "softmax") {
    objective.link_ = Link::kSoftmax;
    objective.classes_ = Classes::kLargestMargin;
  } else if (name == "probabilities") {
    objective.classes_ = Classes::kLargestValue;
  } else if (name == "logistic") {
    objective.link_ = Link::kTwoClasses;
    const bool zero_is_one = FindParameter(ensemble, "class_of_zero").value_or("0") == "1";
    objective.classes_ = zero_is_one ? Classes::kMarginAtLeastZero : Classes::kMarginAboveZero;
    ESPALIER_ASSIGN_OR_RETURN(objective.scale_,
                              ParseAsLightGbm("scale", FindParameter(ensemble, "scale").value_or("1")));
    if (ensemble.num_outputs != 1) {
      return InvalidArgument("outputs ", ensemble.num_outputs, ": must be 1 with objective logistic");
    }
  } else {
    return Unknown(name);
  }
  return objective;
}

void Float64Objective::ToValues(const double* margins, size_t rows, double* values) const {
  const size_t width = num_outputs_;
  const size_t count = rows * width;
  switch (link_) {
    case Link::kIdentity:
      std::copy_n(margins, count, values);
      break;
    case Link::kSignedSquare:
      std::transform(margins, margins + count, values, [](double x) { return ((x > 0) - (x < 0)) * x * x; });
      break;
    case Link::kExp:
      std::transform(margins, margins + count, values, [](double x) { return std::exp(x); });
      break;
    case Link::kSigmoid:
      std::transform(margins, margins + count, values, [this](double x) { return Sigmoid(x, scale_); });
      break;
    case Link::kTwoClasses:
      for (size_t i = 0; i < rows; ++i) {
        const double probability = Sigmoid(margins[i], scale_);
        values[2 * i] = 1 - probability;
        values[2 * i + 1] = probability;
      }
      break;
    case Link::kSoftmax:
      for (size_t i = 0; i < rows; ++i) Softmax(margins + i * width, width, values + i * width);
      break;
    case Link::kLog1pExp:
      std::transform(margins, margins + count, values, [](double x) { return std::log1p(std::exp(x)); });
      break;
  }
}

void Float64Objective::ToClasses(const double* margins, const double* values, size_t rows,
                                 int32_t* classes) const {
  const size_t width = ValueWidth();
  for (size_t i = 0; i < rows; ++i) {
    switch (classes_) {
      case Classes::kNone:
        classes[i] = 0;
        break;
      case Classes::kValueAboveHalf:
        classes[i] = values[i] > 0.5 ? 1 : 0;
        break;
      case Classes::kMarginAboveZero:
        classes[i] = margins[i] > 0 ? 1 : 0;
        break;
      case Classes::kMarginAtLeastZero:
        classes[i] = margins[i] >= 0 ? 1 : 0;
        break;
      case Classes::kLargestValue:
        classes[i] = Largest(values + i * width, width);
        break;
      case Classes::kLargestMargin:
        classes[i] = Largest(margins + i * width, width);
        break;
    }
  }
}

}  // namespace espalier
