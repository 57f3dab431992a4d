#include "services/rpc/grpc_server.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/repository/model_manager.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "proto/inference/inference.grpc.pb.h"
#include "tests/testing/front_fixture.h"

namespace espalier {
namespace {

using grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;
using ::testing::Lt;

// Nothing is logged in these tests.
class NoEvents final : public EventLog {
 public:
  ExposureQueue& NewQueue() override { return queue_; }
  void Report(std::vector<Outcome> outcomes, std::function<void(std::vector<absl::Status>)> done) override {
    done(std::vector<absl::Status>(outcomes.size()));
  }
  absl::Status Flush() override { return absl::OkStatus(); }
  EventCounts counts() const override { return {}; }

 private:
  ExposureQueue queue_{size_t{1} << 12};
};

// A client with a connection of its own.
class Client {
 public:
  explicit Client(const std::string& address) {
    static std::atomic<int> number{0};
    grpc::ChannelArguments arguments;
    arguments.SetInt("espalier.test.client", ++number);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    inference_ = inference::GRPCInferenceService::NewStub(channel_);
    health_ = grpc::health::v1::Health::NewStub(channel_);
  }

  grpc::Status Infer() {
    grpc::ClientContext context;
    inference::ModelInferResponse response;
    return inference_->ModelInfer(&context, MatrixRequest("m", 1, 2, {0, 0}), &response);
  }

  HealthCheckResponse::ServingStatus Health() {
    grpc::ClientContext context;
    HealthCheckResponse response;
    EXPECT_TRUE(health_->Check(&context, {}, &response).ok());
    return response.status();
  }

  inference::GRPCInferenceService::Stub& inference() { return *inference_; }
  grpc::health::v1::Health::Stub& health() { return *health_; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> inference_;
  std::unique_ptr<grpc::health::v1::Health::Stub> health_;
};

class GrpcServerTest : public ::testing::Test {
 protected:
  GrpcServerTest() {
    front_.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f))});
    std::filesystem::create_directories(directory_);
    manager_ = *ModelManager::Create({.directory = directory_});
    options_.port = 0;
    options_.threads = 2;
    // Steps the grace: what a test does meanwhile, and then it is over.
    options_.wait = [this](std::chrono::milliseconds) {
      if (during_grace_) during_grace_();
    };
  }

  ~GrpcServerTest() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Start() {
    auto server = GrpcServer::Start(
        options_, {.manager = *manager_, .plan = front_.plan(), .event_ids = event_ids_, .events = events_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  double DrainSeconds() {
    const int64_t start = RealClock().MonotonicNanos();
    server_->Drain();
    return static_cast<double>(RealClock().MonotonicNanos() - start) * 1e-9;
  }

  const std::string directory_ = ::testing::TempDir() + "/grpc_server_test_models";
  Front front_;
  NoEvents events_;
  EventIdGenerator event_ids_{0};
  std::unique_ptr<ModelManager> manager_;
  GrpcServerOptions options_;
  std::function<void()> during_grace_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcServerTest, DuringTheGraceHealthSaysNotServingAndCallsAreAnswered) {
  Start();
  Client client(server_->address());
  EXPECT_EQ(client.Health(), HealthCheckResponse::SERVING);
  grpc::ClientContext context;
  const auto watch = client.health().Watch(&context, {});
  HealthCheckResponse state;
  ASSERT_TRUE(watch->Read(&state));
  EXPECT_EQ(state.status(), HealthCheckResponse::SERVING);
  bool waited = false;
  during_grace_ = [&] {
    waited = true;
    ASSERT_TRUE(watch->Read(&state));
    EXPECT_EQ(state.status(), HealthCheckResponse::NOT_SERVING);
    EXPECT_EQ(client.Health(), HealthCheckResponse::NOT_SERVING);
    EXPECT_TRUE(client.Infer().ok());
    EXPECT_TRUE(Client(server_->address()).Infer().ok());
  };
  server_->Drain();
  EXPECT_TRUE(waited);
  EXPECT_FALSE(watch->Read(&state));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

// Clients that look at nothing but their answers: what they sent before they heard GOAWAY is answered, and
// the first thing that fails is a new connection.
TEST_F(GrpcServerTest, ADrainUnderLoadFailsNoCallOnALiveConnection) {
  Start();
  constexpr int kClients = 8;
  std::atomic<int> warm{0};
  std::vector<std::thread> threads;
  std::vector<grpc::Status> ends(kClients);
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      Client client(server_->address());
      for (int calls = 0; ends[i].ok(); ++calls) {
        ends[i] = client.Infer();
        if (calls == 20) ++warm;
      }
    });
  }
  during_grace_ = [&] {
    while (warm < kClients) std::this_thread::yield();
  };
  const double seconds = DrainSeconds();
  for (std::thread& thread : threads) thread.join();
  for (const grpc::Status& end : ends) {
    EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE) << end.error_message();
    EXPECT_THAT(end.error_message(), HasSubstr("connect"));
  }
  EXPECT_THAT(seconds, Lt(10));
}

TEST_F(GrpcServerTest, IdleStreamsDoNotHoldADrain) {
  Start();
  Client client(server_->address());
  grpc::ClientContext context;
  const auto stream = client.inference().ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(MatrixRequest("m", 1, 2, {0, 0})));
  inference::ModelStreamInferResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_message(), "");
  EXPECT_THAT(DrainSeconds(), Lt(10));
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status end = stream->Finish();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(end.error_message(), HasSubstr("shutting down"));
}

}  // namespace
}  // namespace espalier
