#include "router/stats/sentence.h"

#include <cmath>
#include <cstdio>
#include <optional>
#include <vector>

#include "absl/time/time.h"

#include "models/base/strings.h"

namespace espalier {
namespace {

std::string Format(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

// Four significant digits of the effect, and the bounds with two of their distance from it.
std::string Number(double value) { return std::isfinite(value) ? Format("%.3g", value) : "unknown"; }

std::string PText(double p) { return p < 0.001 ? "p < 0.001" : StrCat("p = ", Format("%.3f", p)); }

std::string EffectText(const VariantResult& variant) {
  std::string text = Number(variant.effect);
  if (variant.effect_bounds.has_value()) {
    text += StrCat(" [", Number(variant.effect_bounds->low), ", ", Number(variant.effect_bounds->high), "]");
  }
  return text;
}

std::string Evidence(const VariantResult& variant) {
  if (!variant.chance_to_win.has_value()) return StrCat(EffectText(variant), ", ", PText(variant.p_adjusted));
  return StrCat(EffectText(variant), ", chance to win ", Format("%.1f", 100 * *variant.chance_to_win), " %");
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) absl::StrAppend(&text, text.empty() ? "" : "; ", part);
  return text;
}

// Where the look that decided is not today's, and whether today still agrees with it.
std::string DecidedEarlier(const MetricResult& metric, const VariantResult& variant) {
  const std::optional<Bounds>& today = variant.effect_bounds;
  if (!variant.p_units.has_value() || !today.has_value()) return {};
  const std::string text = StrCat(" at the look of ", WithCommas(*variant.p_units), " units");
  if (today->low <= 0 && today->high >= 0) return StrCat(text, " (today's interval contains 0)");
  const bool better_today = (today->low > 0) == metric.plan.up_is_better;
  const bool agrees = better_today == (variant.verdict == Verdict::kBetter);
  return agrees ? text : StrCat(text, " (today's interval says the opposite)");
}

// "10m" of 600 seconds.
std::string DurationText(double seconds) {
  return absl::FormatDuration(absl::Floor(absl::Seconds(seconds), absl::Seconds(1)));
}

// What is said of one treatment on one metric; `decided` tells whether it belongs to the news or to what is
// open.
std::string Describe(const AnalysisPlan& plan, const MetricResult& metric, const VariantResult& variant) {
  const std::string& control = plan.variants[plan.control].key;
  switch (variant.verdict) {
    case Verdict::kBetter:
    case Verdict::kWorse:
      return StrCat(variant.key, " is ", VerdictName(variant.verdict), " than ", control, " on ",
                    metric.plan.name, ": ", Evidence(variant), DecidedEarlier(metric, variant));
    case Verdict::kBreach:
      return StrCat(variant.key, " breaches the guardrail ", metric.plan.name, ": ", EffectText(variant),
                    " against a margin of ", Number(metric.plan.margin));
    default:
      return StrCat(variant.key, " on ", metric.plan.name, ": ", Evidence(variant));
  }
}

}  // namespace

std::string WithCommas(uint64_t number) {
  std::string text = std::to_string(number);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(text.begin() + at, ',');
  return text;
}

std::string Sentence(const AnalysisPlan& plan, const AnalysisResult& result) {
  std::vector<std::string> breaches;
  std::vector<std::string> decided;
  std::vector<std::string> open;
  for (const MetricResult& metric : result.metrics) {
    for (const VariantResult& variant : metric.variants) {
      const Verdict verdict = variant.verdict;
      if (verdict == Verdict::kBreach) breaches.push_back(Describe(plan, metric, variant));
      if (metric.plan.role == MetricRole::kGuardrail || verdict == Verdict::kControl) continue;
      (verdict == Verdict::kInconclusive ? open : decided).push_back(Describe(plan, metric, variant));
    }
  }
  std::vector<std::string> parts;
  if (result.too_early) {
    parts.push_back(StrCat("too early to act: it has run ", DurationText(result.seconds), " of at least ",
                           DurationText(plan.min_seconds)));
  }
  if (result.srm.alarm) {
    parts.push_back(StrCat("sample ratio mismatch (", PText(result.srm.p),
                           "): the arms did not get their shares, so trust nothing below"));
  }
  parts.insert(parts.end(), breaches.begin(), breaches.end());
  if (!decided.empty()) parts.push_back(Join(decided));
  if (decided.empty())
    parts.push_back(open.empty() ? "no goal to decide" : StrCat("not decided yet: ", Join(open)));
  return StrCat(Join(parts), " after ", WithCommas(result.units), " units");
}

}  // namespace espalier
