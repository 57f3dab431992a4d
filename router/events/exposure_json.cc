#include "router/events/exposure_json.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "nlohmann/json.hpp"

namespace espalier {
namespace {

class Line {
 public:
  void Raw(const char* key, std::string_view value) {
    text_ += text_.empty() ? "{\"" : ",\"";
    text_ += key;
    text_ += "\":";
    text_ += value;
  }
  void Text(const char* key, std::string_view value) {
    using nlohmann::json;
    Raw(key, json(value).dump(-1, ' ', false, json::error_handler_t::replace));
  }
  void Number(const char* key, int64_t value) { Raw(key, std::to_string(value)); }
  void Floats(const char* key, std::span<const std::byte> bytes) {
    if (bytes.empty()) return Raw(key, "null");
    Raw(key, "[");
    for (size_t i = 0; i + sizeof(float) <= bytes.size(); i += sizeof(float)) {
      float value;
      std::memcpy(&value, bytes.data() + i, sizeof(value));
      if (i > 0) text_ += ',';
      Float(value);
    }
    text_ += ']';
  }
  std::string Take() && { return std::move(text_) + "}"; }

 private:
  void Float(float value) {
    if (value == 0 && std::signbit(value)) {
      // "-0" would be read as a whole number, which has no sign.
      text_ += "-0.0";
    } else if (std::isfinite(value)) {
      char digits[32];
      text_.append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
    } else {
      text_ += std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    }
  }

  std::string text_;
};

}  // namespace

std::string ExposureJson(const Exposure& exposure) {
  Line line;
  line.Text("event_id", std::to_string(exposure.event_id));
  line.Number("time_micros", exposure.time_micros);
  line.Text("experiment", exposure.experiment);
  line.Number("config_version", exposure.config_version);
  line.Text("unit", exposure.unit);
  line.Number("bucket", exposure.bucket);
  exposure.layer_slot < 0 ? line.Raw("layer_slot", "null") : line.Number("layer_slot", exposure.layer_slot);
  line.Raw("probabilities", exposure.probabilities);
  line.Text("variant_assigned", exposure.variant_assigned);
  line.Text("variant_served", exposure.variant_served);
  line.Text("reason", AssignmentReasonName(exposure.reason));
  line.Text("model", exposure.model);
  line.Number("model_version", exposure.model_version);
  line.Text("sha256", exposure.sha256);
  line.Number("rows", exposure.rows);
  line.Number("latency_micros", exposure.latency_micros);
  line.Number("status", exposure.status);
  line.Floats("scores", exposure.scores);
  line.Floats("features", exposure.features);
  return std::move(line).Take();
}

}  // namespace espalier
