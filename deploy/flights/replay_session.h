// The load client's end of the two services: asks for predictions, many at a time, and reports outcomes in
// batches.
#ifndef ESPALIER_DEPLOY_FLIGHTS_REPLAY_SESSION_H_
#define ESPALIER_DEPLOY_FLIGHTS_REPLAY_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "deploy/flights/flight_table.h"
#include "grpcpp/grpcpp.h"
#include "proto/espalier/v1/outcomes.grpc.pb.h"
#include "proto/inference/inference.grpc.pb.h"

namespace espalier {

// What the server answered for one flight.
struct Answer {
  // Empty until it is there.
  std::string event_id;
  std::string variant;
  std::string version;
  float score = 0;
};

// Not thread-safe: calls run asynchronously, but what they return is taken by the caller's thread, inside
// Ask, Tell and Settle. The first failure of a call, or an answer without an exposure, is returned by all
// that follow.
class ReplaySession {
 public:
  struct Options {
    std::string server;
    std::string model;
    // Name of the request parameter that carries the tail number.
    std::string unit;
    std::string outcome;
    size_t in_flight = 64;
    size_t outcomes_a_report = 256;
  };

  // `table` outlives the session.
  ReplaySession(Options options, const FlightTable& table);
  ~ReplaySession();

  // Asks for the prediction of a flight: one tensor for each feature, by name. Waits while `in_flight` calls
  // are under way.
  absl::Status Ask(size_t flight);

  // Reports the outcome of a flight that was asked for; waits for its answer if need be, for the report only
  // when the batch is full.
  absl::Status Tell(size_t flight);

  // Waits until everything asked is answered and everything told is acknowledged.
  absl::Status Settle();

  const std::vector<Answer>& answers() const { return answers_; }
  uint64_t outcomes_acknowledged() const { return outcomes_acknowledged_; }

 private:
  struct Call;
  struct InferCall;
  struct ReportCall;

  void SendReport();
  void TakeOne();
  void Fail(const absl::Status& status);
  bool Acceptable(const grpc::Status& status, const std::string& what);

  const Options options_;
  const FlightTable& table_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> inference_;
  std::unique_ptr<v1::Outcomes::Stub> outcomes_;
  grpc::CompletionQueue queue_;
  std::vector<Answer> answers_;
  v1::ReportRequest batch_;
  size_t pending_ = 0;
  uint64_t outcomes_acknowledged_ = 0;
  absl::Status status_;
};

}  // namespace espalier

#endif  // ESPALIER_DEPLOY_FLIGHTS_REPLAY_SESSION_H_
