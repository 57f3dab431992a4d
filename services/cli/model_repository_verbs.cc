#include "services/cli/model_repository_verbs.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/repository/labels.h"
#include "services/cli/inference_client.h"
#include "services/cli/print_json.h"

namespace espalier {
namespace {

using Json = nlohmann::json;
using Stub = inference::GRPCInferenceService::Stub;
using ModelIndex = inference::RepositoryIndexResponse::ModelIndex;

struct ModelOptions {
  InferenceServer server;
  std::string name;
  std::optional<int64_t> version;
  // Number or label; empty is the default.
  std::string which;
  std::string label;
  int64_t label_version = 0;
  std::string directory;
  bool json = false;
};

void Print(const Json& json) { PrintJson(json, 2); }

// By name, then by version as a number.
std::vector<ModelIndex> Sorted(const inference::RepositoryIndexResponse& response) {
  std::vector<ModelIndex> models(response.models().begin(), response.models().end());
  std::sort(models.begin(), models.end(), [](const ModelIndex& a, const ModelIndex& b) {
    const auto key = [](const ModelIndex& m) {
      return std::tuple(m.name(), m.version().size(), m.version());
    };
    return key(a) < key(b);
  });
  return models;
}

Json ToJson(const ModelIndex& model) {
  return {{"name", model.name()},
          {"version", model.version()},
          {"state", model.state()},
          {"reason", model.reason()}};
}

void PrintTable(const std::vector<ModelIndex>& models) {
  size_t name = 5;
  size_t version = 7;
  for (const ModelIndex& model : models) {
    name = std::max(name, model.name().size());
    version = std::max(version, model.version().size());
  }
  const auto row = [&](std::string_view a, std::string_view b, std::string_view c, std::string_view d) {
    std::string line = fmt::format("{:<{}}  {:>{}}  {:<11}  {}", a, name, b, version, c, d);
    line.erase(line.find_last_not_of(' ') + 1);
    std::cout << line << "\n";
  };
  row("MODEL", "VERSION", "STATE", "REASON");
  for (const ModelIndex& model : models) row(model.name(), model.version(), model.state(), model.reason());
}

absl::StatusOr<std::vector<ModelIndex>> FetchIndex(InferenceClient& client) {
  inference::RepositoryIndexResponse response;
  ESPALIER_RETURN_IF_ERROR(
      client.Call(&Stub::RepositoryIndex, inference::RepositoryIndexRequest(), response));
  return Sorted(response);
}

absl::Status RunList(const ModelOptions& options) {
  InferenceClient client(options.server);
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<ModelIndex> models, FetchIndex(client));
  if (!options.json) {
    PrintTable(models);
    return absl::OkStatus();
  }
  Json json = {{"models", Json::array()}};
  for (const ModelIndex& model : models) json["models"].push_back(ToJson(model));
  Print(json);
  return absl::OkStatus();
}

Json TensorsToJson(
    const google::protobuf::RepeatedPtrField<inference::ModelMetadataResponse::TensorMetadata>& tensors) {
  Json json = Json::array();
  for (const auto& tensor : tensors) {
    json.push_back({{"name", tensor.name()},
                    {"datatype", tensor.datatype()},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())}});
  }
  return json;
}

absl::StatusOr<Json> ConfigToJson(const inference::ModelConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(config, &text, options).ok()) {
    return absl::InternalError("the server's model configuration has no JSON form");
  }
  return Json::parse(text);
}

// Everything that the server says about a model.
absl::StatusOr<Json> Describe(InferenceClient& client, const ModelOptions& options) {
  inference::ModelMetadataRequest metadata_request;
  metadata_request.set_name(options.name);
  metadata_request.set_version(options.which);
  inference::ModelMetadataResponse metadata;
  ESPALIER_RETURN_IF_ERROR(client.Call(&Stub::ModelMetadata, metadata_request, metadata));
  inference::ModelConfigRequest config_request;
  config_request.set_name(options.name);
  config_request.set_version(options.which);
  inference::ModelConfigResponse config;
  ESPALIER_RETURN_IF_ERROR(client.Call(&Stub::ModelConfig, config_request, config));
  ESPALIER_ASSIGN_OR_RETURN(const std::vector<ModelIndex> index, FetchIndex(client));
  Json json = {{"name", metadata.name()},
               {"platform", metadata.platform()},
               {"versions", Json::array()},
               {"inputs", TensorsToJson(metadata.inputs())},
               {"outputs", TensorsToJson(metadata.outputs())}};
  for (const ModelIndex& model : index) {
    if (model.name() != metadata.name()) continue;
    json["versions"].push_back(
        {{"version", model.version()}, {"state", model.state()}, {"reason", model.reason()}});
  }
  ESPALIER_ASSIGN_OR_RETURN(json["config"], ConfigToJson(config.config()));
  return json;
}

void PrintTensors(std::string_view title, const Json& tensors) {
  for (const Json& tensor : tensors) {
    std::cout << fmt::format("{:<9} {}  {}  {}\n", title, tensor["name"].get<std::string>(),
                             tensor["datatype"].get<std::string>(), JsonText(tensor["shape"]));
  }
}

absl::Status RunShow(const ModelOptions& options) {
  InferenceClient client(options.server);
  ESPALIER_ASSIGN_OR_RETURN(const Json json, Describe(client, options));
  if (options.json) {
    Print(json);
    return absl::OkStatus();
  }
  std::cout << fmt::format("model     {}\nplatform  {}\n", json["name"].get<std::string>(),
                           json["platform"].get<std::string>());
  for (const Json& version : json["versions"]) {
    const std::string reason = version["reason"];
    std::cout << fmt::format("version   {}  {}{}{}\n", version["version"].get<std::string>(),
                             version["state"].get<std::string>(), reason.empty() ? "" : "  ", reason);
  }
  PrintTensors("input", json["inputs"]);
  PrintTensors("output", json["outputs"]);
  return absl::OkStatus();
}

// "version 2 of a", or "a" for the whole model.
std::string Subject(const ModelOptions& options) {
  return options.version ? StrCat("version ", *options.version, " of ", options.name) : options.name;
}

void PrintDone(const ModelOptions& options, std::string_view key, std::string_view word) {
  if (!options.json) {
    std::cout << word << " " << Subject(options) << "\n";
    return;
  }
  Json json = {{"model", options.name}, {std::string(key), true}};
  if (options.version) json["version"] = *options.version;
  Print(json);
}

template <typename Request>
Request MakeRequest(const ModelOptions& options) {
  Request request;
  request.set_model_name(options.name);
  if (options.version) (*request.mutable_parameters())["version"].set_int64_param(*options.version);
  return request;
}

absl::Status RunLoad(const ModelOptions& options) {
  inference::RepositoryModelLoadResponse response;
  ESPALIER_RETURN_IF_ERROR(InferenceClient(options.server)
                               .Call(&Stub::RepositoryModelLoad,
                                     MakeRequest<inference::RepositoryModelLoadRequest>(options), response));
  PrintDone(options, "loaded", "loaded");
  return absl::OkStatus();
}

absl::Status RunUnload(const ModelOptions& options) {
  inference::RepositoryModelUnloadResponse response;
  ESPALIER_RETURN_IF_ERROR(InferenceClient(options.server)
                               .Call(&Stub::RepositoryModelUnload,
                                     MakeRequest<inference::RepositoryModelUnloadRequest>(options),
                                     response));
  PrintDone(options, "unloaded", "unloaded");
  return absl::OkStatus();
}

absl::Status RunLabel(const ModelOptions& options) {
  if (!IsLabel(options.label)) {
    return UsageError(
        StrCat("label \"", options.label, "\" must match [a-z0-9_-]{1,64} and not be all digits"));
  }
  ESPALIER_RETURN_IF_ERROR(WriteLabel(options.directory, options.name, options.label, options.label_version));
  if (options.json) {
    Print({{"model", options.name}, {"label", options.label}, {"version", options.label_version}});
  } else if (options.label_version == 0) {
    std::cout << fmt::format("label {} of {} removed\n", options.label, options.name);
  } else {
    std::cout << fmt::format("label {} of {} is version {}\n", options.label, options.name,
                             options.label_version);
  }
  return absl::OkStatus();
}

using Options = std::shared_ptr<ModelOptions>;

CLI::App* AddClientVerb(Cli& cli, CLI::App* model, const std::string& name, const std::string& description,
                        const std::string& example, const Options& options,
                        absl::Status (*run)(const ModelOptions&)) {
  CLI::App* verb = cli.AddVerb(name, description, example, model);
  AddServerOptions(verb, options->server);
  verb->add_flag("--json", options->json, "Print JSON");
  cli.OnRun(verb, [options, run] { return run(*options); });
  return verb;
}

void AddLabel(Cli& cli, CLI::App* model) {
  auto options = std::make_shared<ModelOptions>();
  CLI::App* verb = cli.AddVerb("label", "Moves a label of a model in a repository directory.",
                               "espalier model label flight-delay champion 2 --models models", model);
  verb->add_option("NAME", options->name, "The model")->required();
  verb->add_option("LABEL", options->label, "The label; requests may say it as their version")->required();
  verb->add_option("VERSION", options->label_version, "The version to label; 0 removes the label")
      ->required()
      ->check(CLI::Range(int64_t{0}, INT64_MAX));
  verb->add_option("--models", options->directory, "The repository directory")->required();
  verb->add_flag("--json", options->json, "Print JSON");
  cli.OnRun(verb, [options] { return RunLabel(*options); });
}

}  // namespace

void AddModelRepositoryVerbs(Cli& cli, CLI::App* model) {
  AddClientVerb(cli, model, "list", "Lists the models and versions of a server.", "espalier model list",
                std::make_shared<ModelOptions>(), RunList);

  auto show = std::make_shared<ModelOptions>();
  CLI::App* verb =
      AddClientVerb(cli, model, "show", "Shows tensors, versions and (--json) the configuration.",
                    "espalier model show flight-delay --version champion", show, RunShow);
  verb->add_option("NAME", show->name, "The model")->required();
  verb->add_option("--version", show->which, "Number or label; default: what a request without one gets");

  for (const bool load : {true, false}) {
    auto options = std::make_shared<ModelOptions>();
    const std::string name = load ? "load" : "unload";
    verb = AddClientVerb(
        cli, model, name,
        load ? "Loads a model, or one version of it, from the server's repository."
             : "Unloads a model, or one version of it, until a load, a restart or a changed file.",
        "espalier model " + name + " flight-delay --version 2", options, load ? RunLoad : RunUnload);
    verb->add_option("NAME", options->name, "The model")->required();
    verb->add_option("--version", options->version, "The version; default: the whole model")
        ->check(CLI::Range(int64_t{1}, INT64_MAX));
  }
  AddLabel(cli, model);
}

}  // namespace espalier
