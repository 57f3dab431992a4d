#include "services/verdict/report.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "nlohmann/json.hpp"
#include "router/stats/sentence.h"

namespace espalier {
namespace {

using nlohmann::json;

json Number(double value) { return std::isfinite(value) ? json(value) : json(); }
json Low(const std::optional<Bounds>& bounds) { return bounds.has_value() ? Number(bounds->low) : json(); }
json High(const std::optional<Bounds>& bounds) { return bounds.has_value() ? Number(bounds->high) : json(); }

json ToJson(const VariantResult& variant) {
  json object = {{"key", variant.key},
                 {"n", variant.n},
                 {"mean", Number(variant.mean)},
                 {"effect", Number(variant.effect)},
                 {"effect_low", Low(variant.effect_bounds)},
                 {"effect_high", High(variant.effect_bounds)},
                 {"relative", Number(variant.relative)},
                 {"relative_low", Low(variant.relative_bounds)},
                 {"relative_high", High(variant.relative_bounds)},
                 {"p", Number(variant.p)},
                 {"p_adjusted", Number(variant.p_adjusted)},
                 {"p_units", variant.p_units.has_value() ? json(*variant.p_units) : json()},
                 {"verdict", std::string(VerdictName(variant.verdict))}};
  if (variant.chance_to_win.has_value()) object["chance_to_win"] = Number(*variant.chance_to_win);
  if (variant.expected_loss.has_value()) object["expected_loss"] = Number(*variant.expected_loss);
  return object;
}

json ToJson(const MetricResult& metric) {
  json variants = json::array();
  for (const VariantResult& variant : metric.variants) variants.push_back(ToJson(variant));
  return {{"name", metric.plan.name},
          {"type", std::string(MetricTypeName(metric.plan.type))},
          {"role", std::string(MetricRoleName(metric.plan.role))},
          {"variants", std::move(variants)}};
}

std::string Text(double value) { return std::isfinite(value) ? fmt::format("{:.4g}", value) : "-"; }

std::string Text(double value, const std::optional<Bounds>& bounds) {
  if (!bounds.has_value()) return Text(value);
  return fmt::format("{} [{}, {}]", Text(value), Text(bounds->low), Text(bounds->high));
}

// A share in hundredths. Beyond anything that is a change, three digits are enough.
std::string Hundredths(double share) {
  constexpr double kHuge = 1e4;
  return std::abs(share) < kHuge ? fmt::format("{:+.1f}", 100 * share) : fmt::format("{:+.3g}", 100 * share);
}

std::string Percent(double value, const std::optional<Bounds>& bounds) {
  if (!std::isfinite(value)) return "-";
  if (!bounds.has_value()) return Hundredths(value) + " %";
  return fmt::format("{} % [{}, {}]", Hundredths(value), Hundredths(bounds->low), Hundredths(bounds->high));
}

std::string Evidence(const VariantResult& variant) {
  if (variant.chance_to_win.has_value()) return fmt::format("{:.3f}", *variant.chance_to_win);
  if (!std::isfinite(variant.p_adjusted)) return "-";
  return variant.p_adjusted < 0.001 ? "< 0.001" : fmt::format("{:.3f}", variant.p_adjusted);
}

using Row = std::vector<std::string>;

std::string Aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += row.back() + "\n";
  }
  return text;
}

std::string Table(const AnalysisResult& result) {
  const bool bayesian = result.engine == AnalysisEngine::kBayesian;
  std::vector<Row> rows = {{"METRIC", "TYPE", "ROLE", "VARIANT", "UNITS", "MEAN", "EFFECT", "RELATIVE",
                            bayesian ? "CHANCE" : "P", "VERDICT"}};
  for (const MetricResult& metric : result.metrics) {
    for (const VariantResult& variant : metric.variants) {
      rows.push_back({metric.plan.name, std::string(MetricTypeName(metric.plan.type)),
                      std::string(MetricRoleName(metric.plan.role)), variant.key, WithCommas(variant.n),
                      Text(variant.mean), Text(variant.effect, variant.effect_bounds),
                      Percent(variant.relative, variant.relative_bounds), Evidence(variant),
                      std::string(VerdictName(variant.verdict))});
    }
  }
  return Aligned(rows);
}

std::string Heading(const Judgement& judgement) {
  const AnalysisResult& result = judgement.result;
  std::string text = judgement.experiment;
  if (!judgement.state.empty()) {
    text += fmt::format(" ({}, config version {})", judgement.state, judgement.config_version);
  }
  text += fmt::format(": {} engine, alpha {:g}", EngineName(result.engine), result.alpha);
  if (result.engine == AnalysisEngine::kSequential) text += fmt::format(", N* {:g}", result.n_star);
  text += fmt::format("\n{} units, {} exposures; sample ratio chi2 {:.3g} (df {}), p {:.3g}{}\n",
                      WithCommas(result.units), WithCommas(result.exposures), result.srm.chi2, result.srm.df,
                      result.srm.p, result.srm.alarm ? ": ALARM" : "");
  return text;
}

}  // namespace

json ToJson(const Judgement& judgement) {
  const AnalysisResult& result = judgement.result;
  json metrics = json::array();
  for (const MetricResult& metric : result.metrics) metrics.push_back(ToJson(metric));
  const bool logged = !judgement.state.empty();
  return {{"experiment", judgement.experiment},
          {"state", logged ? json(judgement.state) : json()},
          {"config_version", logged ? json(judgement.config_version) : json()},
          {"engine", std::string(EngineName(result.engine))},
          {"alpha", result.alpha},
          {"n_star", result.n_star},
          {"srm",
           {{"chi2", Number(result.srm.chi2)},
            {"df", result.srm.df},
            {"p", result.srm.p},
            {"alarm", result.srm.alarm}}},
          {"units", result.units},
          {"exposures", result.exposures},
          {"too_early", result.too_early},
          {"metrics", std::move(metrics)},
          {"verdict", result.verdict},
          {"notes", judgement.notes}};
}

std::string ToText(const Judgement& judgement) {
  std::string text =
      Heading(judgement) + "\n" + Table(judgement.result) + "\n" + judgement.result.verdict + "\n";
  for (const std::string& note : judgement.notes) text += "note: " + note + "\n";
  return text;
}

}  // namespace espalier
