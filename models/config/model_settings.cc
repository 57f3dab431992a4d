#include "models/config/model_settings.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Real files nest about seven deep.
constexpr int kMaxNesting = 32;
constexpr size_t kMaxReportedErrors = 3;

bool Contains(std::initializer_list<std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsHonoured(std::string_view key) {
  return Contains({"name", "backend", "platform", "max_batch_size", "input", "output", "version_policy",
                   "dynamic_batching", "model_warmup", "default_model_filename", "parameters"},
                  key);
}

bool ConcernsOnlySpeedOrPlacement(std::string_view key) {
  return Contains(
      {"runtime", "instance_group", "optimization", "metric_tags", "model_metrics", "response_cache"}, key);
}

bool ParameterConcernsOnlySpeed(std::string_view key) {
  return Contains({"storage_type", "algo", "threads_per_tree", "blocks_per_sm", "transfer_threshold",
                   "use_experimental_optimizations", "xgboost_allow_unknown_field"},
                  key);
}

// Gathers the parser's complaints as "line:column: message", counted from 1.
class ErrorLines final : public google::protobuf::io::ErrorCollector {
 public:
  // Protobuf 22 took another name and type for it.
#if GOOGLE_PROTOBUF_VERSION >= 4022000
  void RecordError(int line, int column, absl::string_view message) override { Add(line, column, message); }
#else
  void AddError(int line, int column, const std::string& message) override { Add(line, column, message); }
#endif

  std::string Text() const { return lines_.empty() ? "malformed" : absl::StrJoin(lines_, "; "); }

 private:
  void Add(int line, int column, absl::string_view message) {
    if (lines_.size() < kMaxReportedErrors) {
      lines_.push_back(absl::StrCat(line + 1, ":", column + 1, ": ", message));
    }
  }

  std::vector<std::string> lines_;
};

absl::StatusOr<inference::ModelConfig> ParseText(std::string_view text) {
  if (text.size() > kMaxConfigBytes) {
    return InvalidArgument("config.pbtxt has ", text.size(), " bytes; at most ", kMaxConfigBytes,
                           " are allowed");
  }
  ErrorLines errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxNesting);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  inference::ModelConfig config;
  if (!parser.Parse(&input, &config)) return InvalidArgument("config.pbtxt:", errors.Text());
  return config;
}

// Whether `text` is well-formed UTF-8 (RFC 3629): the config is answered over RPC, where strings must be.
bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<uint8_t>(text[i++]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xC2 && lead <= 0xDF   ? 1
                     : lead >> 4 == 0xE             ? 2
                     : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                    : 0;
    if (more == 0 || text.size() - i < static_cast<size_t>(more)) return false;
    const auto second = static_cast<uint8_t>(text[i]);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
        (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
      return false;
    }
    for (int k = 0; k < more; ++k) {
      if ((static_cast<uint8_t>(text[i++]) & 0xC0) != 0x80) return false;
    }
  }
  return true;
}

std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

int Count(const Message& message, const FieldDescriptor* field) {
  return field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
}

// Checks every string below `message`, whose depth the parser has bounded.
absl::Status CheckStrings(const Message& message) {
  const auto* reflection = message.GetReflection();
  for (const FieldDescriptor* field : SetFields(message)) {
    for (int i = 0; i < Count(message, field); ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ESPALIER_RETURN_IF_ERROR(CheckStrings(field->is_repeated()
                                                  ? reflection->GetRepeatedMessage(message, field, i)
                                                  : reflection->GetMessage(message, field)));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
                 !IsUtf8(field->is_repeated() ? reflection->GetRepeatedString(message, field, i)
                                              : reflection->GetString(message, field))) {
        return InvalidArgument("config.pbtxt: ", field->name(), " is not UTF-8");
      }
    }
  }
  return absl::OkStatus();
}

// What dynamic_batching says about queues, where nothing waits.
void NoteQueueKeys(const inference::ModelDynamicBatching& batching, ModelSettings& settings) {
  for (const FieldDescriptor* field : SetFields(batching)) {
    if (Contains(
            {"priority_levels", "default_priority_level", "default_queue_policy", "priority_queue_policy"},
            field->name())) {
      settings.without_effect.push_back(absl::StrCat("dynamic_batching.", field->name()));
    }
  }
}

absl::Status CheckKeys(const inference::ModelConfig& config, ModelSettings& settings) {
  for (const FieldDescriptor* field : SetFields(config)) {
    if (IsHonoured(field->name())) continue;
    if (field->name() == "model_transaction_policy" && !config.model_transaction_policy().decoupled())
      continue;
    if (!ConcernsOnlySpeedOrPlacement(field->name())) {
      return InvalidArgument("config.pbtxt: ", field->name(), " is not supported");
    }
    settings.without_effect.push_back(field->name());
  }
  NoteQueueKeys(config.dynamic_batching(), settings);
  return absl::OkStatus();
}

absl::Status CheckIdentity(std::string_view model, const inference::ModelConfig& config) {
  if (!config.name().empty() && config.name() != model) {
    return InvalidArgument("config.pbtxt: name \"", config.name(), "\" must be that of the folder, \"", model,
                           "\", or absent");
  }
  for (const auto& [key, value] :
       {std::pair("backend", config.backend()), std::pair("platform", config.platform())}) {
    if (!Contains({"", "fil", "espalier"}, value)) {
      return InvalidArgument("config.pbtxt: ", key, " \"", value,
                             "\" is not supported; allowed are \"fil\" and \"espalier\"");
    }
  }
  if (config.max_batch_size() < 0) {
    return InvalidArgument("config.pbtxt: max_batch_size ", config.max_batch_size(), " must be >= 0");
  }
  const std::string& file = config.default_model_filename();
  if (file.find('/') != std::string::npos || file == "." || file == "..") {
    return InvalidArgument("config.pbtxt: default_model_filename \"", file,
                           "\" must be the name of a file in the version's folder");
  }
  return absl::OkStatus();
}

absl::Status CheckVersionPolicy(const inference::ModelVersionPolicy& policy) {
  if (!policy.has_specific()) return absl::OkStatus();
  if (policy.specific().versions().empty()) {
    return InvalidArgument("config.pbtxt: version_policy.specific names no version");
  }
  for (const int64_t version : policy.specific().versions()) {
    if (version <= 0) {
      return InvalidArgument("config.pbtxt: version_policy.specific has version ", version,
                             "; versions are positive");
    }
  }
  return absl::OkStatus();
}

// `tensor` declares nothing but its name, type and dims: everything else would change what is answered.
absl::Status CheckTensor(std::string_view key, const Message& tensor, const std::string& name,
                         inference::DataType type, std::initializer_list<std::string_view> taken) {
  for (const FieldDescriptor* field : SetFields(tensor)) {
    if (!Contains({"name", "data_type", "dims"}, field->name())) {
      return InvalidArgument("config.pbtxt: ", key, " \"", name, "\": ", field->name(), " is not supported");
    }
  }
  if (name.empty() || name.size() > 256) {
    return InvalidArgument("config.pbtxt: ", key, " needs a name of 1 to 256 bytes");
  }
  if (Contains(taken, name)) {
    return InvalidArgument("config.pbtxt: ", key, " \"", name, "\": the name has a meaning of its own");
  }
  if (type != inference::TYPE_FP32) {
    return InvalidArgument("config.pbtxt: ", key, " \"", name, "\": data_type ",
                           inference::DataType_Name(type),
                           " must be TYPE_FP32 (values of other types are converted)");
  }
  return absl::OkStatus();
}

absl::Status CheckTensors(const inference::ModelConfig& config) {
  if (config.input_size() > 1) {
    return InvalidArgument("config.pbtxt: input \"", config.input(1).name(),
                           "\" is one too many; a model has one input tensor");
  }
  if (config.output_size() > 1) {
    return InvalidArgument("config.pbtxt: output \"", config.output(1).name(),
                           "\" is not supported; requests name the further outputs margin, class, leaf and "
                           "contributions");
  }
  for (const inference::ModelInput& input : config.input()) {
    ESPALIER_RETURN_IF_ERROR(CheckTensor("input", input, input.name(), input.data_type(), {"base_margin"}));
  }
  for (const inference::ModelOutput& output : config.output()) {
    ESPALIER_RETURN_IF_ERROR(CheckTensor("output", output, output.name(), output.data_type(),
                                         {"margin", "class", "leaf", "contributions"}));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> ParseBool(std::string_view key, const std::string& value) {
  const std::string lower = absl::AsciiStrToLower(value);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return InvalidArgument("config.pbtxt: parameter ", key, " \"", value, "\" must be true or false");
}

absl::StatusOr<float> ParseThreshold(const std::string& value) {
  float threshold = 0;
  if (!absl::SimpleAtof(value, &threshold) || !std::isfinite(threshold)) {
    return InvalidArgument("config.pbtxt: parameter threshold \"", value, "\" must be a finite number");
  }
  return threshold;
}

absl::Status ApplyParameter(const std::string& key, const std::string& value, ModelSettings& settings) {
  if (key == "model_type") {
    if (!Contains({"xgboost", "xgboost_json", "xgboost_ubj", "lightgbm", "sklearn_json"}, value)) {
      return InvalidArgument(
          "config.pbtxt: parameter model_type \"", value,
          "\" is not supported; allowed are xgboost, xgboost_json, xgboost_ubj, lightgbm and "
          "sklearn_json");
    }
    settings.model_type = value;
  } else if (key == "output_class" || key == "is_classifier") {
    ESPALIER_ASSIGN_OR_RETURN(settings.output_class, ParseBool(key, value));
  } else if (key == "predict_proba") {
    ESPALIER_ASSIGN_OR_RETURN(settings.predict_proba, ParseBool(key, value));
  } else if (key == "threshold") {
    ESPALIER_ASSIGN_OR_RETURN(settings.threshold, ParseThreshold(value));
  } else if (ParameterConcernsOnlySpeed(key)) {
    settings.without_effect.push_back(absl::StrCat("parameters.", key));
  } else {
    return InvalidArgument("config.pbtxt: parameter \"", key, "\" is not supported");
  }
  return absl::OkStatus();
}

absl::Status ApplyParameters(ModelSettings& settings) {
  // In the order of their keys, so that the same file gives the same error.
  std::map<std::string, std::string> parameters;
  for (const auto& [key, value] : settings.config.parameters()) parameters[key] = value.string_value();
  if (parameters.contains("output_class") && parameters.contains("is_classifier")) {
    return InvalidArgument(
        "config.pbtxt: parameters output_class and is_classifier are two names of one thing; give one");
  }
  for (const auto& [key, value] : parameters) {
    ESPALIER_RETURN_IF_ERROR(ApplyParameter(key, value, settings));
  }
  return absl::OkStatus();
}

}  // namespace

ModelSettings DefaultModelSettings(std::string_view model) {
  ModelSettings settings;
  settings.config.set_name(std::string(model));
  return settings;
}

absl::StatusOr<ModelSettings> ReadModelSettings(std::string_view model, std::string_view text) {
  ModelSettings settings;
  ESPALIER_ASSIGN_OR_RETURN(settings.config, ParseText(text));
  ESPALIER_RETURN_IF_ERROR(CheckStrings(settings.config));
  ESPALIER_RETURN_IF_ERROR(CheckKeys(settings.config, settings));
  ESPALIER_RETURN_IF_ERROR(CheckIdentity(model, settings.config));
  ESPALIER_RETURN_IF_ERROR(CheckVersionPolicy(settings.config.version_policy()));
  ESPALIER_RETURN_IF_ERROR(CheckTensors(settings.config));
  ESPALIER_RETURN_IF_ERROR(ApplyParameters(settings));
  settings.config.set_name(std::string(model));
  return settings;
}

}  // namespace espalier
