#include "services/cli/model_repository_verbs.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/base/file.h"
#include "proto/inference/inference.grpc.pb.h"

namespace espalier {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Answers as a server with model "a" would, and notes what it was asked.
class FakeServer final : public inference::GRPCInferenceService::Service {
 public:
  FakeServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::Status RepositoryIndex(grpc::ServerContext*, const inference::RepositoryIndexRequest*,
                               inference::RepositoryIndexResponse* response) override {
    Add("b", "1", "UNAVAILABLE", "truncated", response);
    Add("a", "10", "READY", "", response);
    Add("a", "9", "READY", "", response);
    return grpc::Status::OK;
  }

  grpc::Status ModelMetadata(grpc::ServerContext*, const inference::ModelMetadataRequest* request,
                             inference::ModelMetadataResponse* response) override {
    asked.push_back("metadata " + request->name() + " " + request->version());
    if (request->name() != "a") return {grpc::StatusCode::NOT_FOUND, "no model \"" + request->name() + "\""};
    response->set_name("a");
    response->set_platform("espalier");
    auto& input = *response->add_inputs();
    input.set_name("input__0");
    input.set_datatype("FP32");
    input.add_shape(-1);
    input.add_shape(2);
    return grpc::Status::OK;
  }

  grpc::Status ModelConfig(grpc::ServerContext*, const inference::ModelConfigRequest* request,
                           inference::ModelConfigResponse* response) override {
    response->mutable_config()->set_name(request->name());
    response->mutable_config()->set_max_batch_size(8);
    return grpc::Status::OK;
  }

  grpc::Status RepositoryModelLoad(grpc::ServerContext*, const inference::RepositoryModelLoadRequest* request,
                                   inference::RepositoryModelLoadResponse*) override {
    return Note("load ", *request);
  }

  grpc::Status RepositoryModelUnload(grpc::ServerContext*,
                                     const inference::RepositoryModelUnloadRequest* request,
                                     inference::RepositoryModelUnloadResponse*) override {
    return Note("unload ", *request);
  }

  std::vector<std::string> asked;

 private:
  static void Add(const std::string& name, const std::string& version, const std::string& state,
                  const std::string& reason, inference::RepositoryIndexResponse* response) {
    auto& model = *response->add_models();
    model.set_name(name);
    model.set_version(version);
    model.set_state(state);
    model.set_reason(reason);
  }

  template <typename Request>
  grpc::Status Note(const std::string& what, const Request& request) {
    std::string text = what + request.model_name();
    const auto version = request.parameters().find("version");
    if (version != request.parameters().end()) text += " " + std::to_string(version->second.int64_param());
    asked.push_back(text);
    return request.model_name() == "a" ? grpc::Status::OK
                                       : grpc::Status(grpc::StatusCode::NOT_FOUND, "no such model");
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome RunProgram(std::vector<std::string> arguments) {
  Cli cli;
  AddModelRepositoryVerbs(cli, cli.AddVerb("model", "Models.", ""));
  arguments.insert(arguments.begin(), {"espalier", "model"});
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = cli.Main(static_cast<int>(argv.size()), argv.data());
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(ModelRepositoryVerbsTest, ListIsATable) {
  FakeServer server;
  const Outcome outcome = RunProgram({"list", "--server", server.address()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "MODEL  VERSION  STATE        REASON\n"
            "a            9  READY\n"
            "a           10  READY\n"
            "b            1  UNAVAILABLE  truncated\n");
}

TEST(ModelRepositoryVerbsTest, ListIsJsonForScripts) {
  FakeServer server;
  const Outcome outcome = RunProgram({"list", "--server", server.address(), "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["models"].size(), 3u);
  EXPECT_EQ(json["models"][2]["state"], "UNAVAILABLE");
  EXPECT_EQ(json["models"][2]["reason"], "truncated");
}

TEST(ModelRepositoryVerbsTest, ShowGathersWhatTheServerSays) {
  FakeServer server;
  Outcome outcome = RunProgram({"show", "a", "--version", "champion", "--server", server.address()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("input     input__0  FP32  [-1,2]"));
  EXPECT_THAT(outcome.out, HasSubstr("version   10  READY\n"));
  EXPECT_THAT(server.asked, ElementsAre("metadata a champion"));
  outcome = RunProgram({"show", "a", "--json", "--server", server.address()});
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["config"]["max_batch_size"], 8);
  EXPECT_EQ(json["versions"].size(), 2u);
}

TEST(ModelRepositoryVerbsTest, LoadAndUnloadSendTheVersion) {
  FakeServer server;
  EXPECT_EQ(RunProgram({"load", "a", "--version", "2", "--server", server.address()}).out,
            "loaded version 2 of a\n");
  EXPECT_EQ(RunProgram({"unload", "a", "--server", server.address()}).out, "unloaded a\n");
  EXPECT_THAT(server.asked, ElementsAre("load a 2", "unload a"));
}

TEST(ModelRepositoryVerbsTest, TheServerIsTakenFromTheEnvironment) {
  FakeServer server;
  setenv("ESPALIER_SERVER", server.address().c_str(), 1);
  EXPECT_EQ(RunProgram({"list"}).code, 0);
  unsetenv("ESPALIER_SERVER");
}

TEST(ModelRepositoryVerbsTest, ErrorsAreOneLineAndSayWho) {
  FakeServer server;
  const Outcome outcome = RunProgram({"load", "b", "--server", server.address()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_EQ(outcome.err, "espalier: server " + server.address() + ": NOT_FOUND: no such model\n");
  const Outcome nobody = RunProgram({"list", "--server", "127.0.0.1:1", "--timeout", "5"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("server 127.0.0.1:1: UNAVAILABLE"));
}

TEST(ModelRepositoryVerbsTest, BadArgumentsAreUsageErrors) {
  EXPECT_EQ(RunProgram({"show"}).code, 2);
  EXPECT_EQ(RunProgram({"load", "a", "--version", "0"}).code, 2);
  EXPECT_EQ(RunProgram({"load", "a", "--version", "champion"}).code, 2);
  EXPECT_EQ(RunProgram({"list", "--timeout", "0"}).code, 2);
  EXPECT_EQ(RunProgram({"label", "a", "champion", "-1", "--models", "x"}).code, 2);
  EXPECT_EQ(RunProgram({"label", "a", "12", "1", "--models", "x"}).code, 2);
  EXPECT_EQ(RunProgram({"label", "a", "champion", "1"}).code, 2);
}

TEST(ModelRepositoryVerbsTest, LabelWritesTheRepositorysFile) {
  const std::string folder = testing::TempDir() + "/label_verb." + std::to_string(getpid());
  std::filesystem::create_directories(folder + "/a/2");
  Outcome outcome = RunProgram({"label", "a", "champion", "2", "--models", folder});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "label champion of a is version 2\n");
  EXPECT_EQ(nlohmann::json::parse(*ReadFile(folder + "/a/labels.json"))["champion"], 2);
  outcome = RunProgram({"label", "a", "champion", "3", "--models", folder});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, EndsWith("model \"a\" has no version 3; it has 2\n"));
  outcome = RunProgram({"label", "a", "champion", "0", "--models", folder, "--json"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(outcome.out)["version"], 0);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace espalier
