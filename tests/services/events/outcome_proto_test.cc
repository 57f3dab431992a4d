#include "services/events/outcome_proto.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace espalier {
namespace {

using testing::ElementsAre;

espalier::v1::Outcome Message(const std::string& event_id) {
  espalier::v1::Outcome message;
  message.set_event_id(event_id);
  message.set_row(3);
  message.set_name("late");
  message.set_value(0.5);
  message.set_correct(true);
  return message;
}

TEST(OutcomeProtoTest, ReadsEveryField) {
  espalier::v1::ReportRequest request;
  *request.add_outcomes() = Message("42");
  request.mutable_outcomes(0)->mutable_event_time()->set_seconds(1'700'000'000);
  request.mutable_outcomes(0)->mutable_event_time()->set_nanos(123'456'789);
  const OutcomeReport report = FromProto(request);
  ASSERT_EQ(report.outcomes.size(), 1u);
  const Outcome& outcome = report.outcomes[0];
  EXPECT_EQ(outcome.event_id, 42u);
  EXPECT_EQ(outcome.row, 3u);
  EXPECT_EQ(outcome.name, "late");
  EXPECT_EQ(outcome.value, 0.5);
  EXPECT_EQ(outcome.time_micros, 1'700'000'000'123'456);
  EXPECT_TRUE(outcome.correct);
}

TEST(OutcomeProtoTest, MalformedItemsAreRefusedByThemselves) {
  espalier::v1::ReportRequest request;
  for (const char* id : {"1", "x", "2", "-3", "4"}) *request.add_outcomes() = Message(id);
  request.mutable_outcomes(4)->mutable_event_time()->set_nanos(-1);
  const OutcomeReport report = FromProto(request);
  ASSERT_EQ(report.outcomes.size(), 2u);
  EXPECT_EQ(report.outcomes[1].event_id, 2u);
  const espalier::v1::ReportResponse response =
      ToProto(report.items, {absl::NotFoundError("event 1 is unknown"), absl::OkStatus()});
  std::vector<int> codes;
  for (const google::rpc::Status& result : response.results()) codes.push_back(result.code());
  EXPECT_THAT(codes, ElementsAre(5, 3, 0, 3, 3));
  EXPECT_EQ(response.results(0).message(), "event 1 is unknown");
}

TEST(OutcomeProtoTest, NeverAcknowledgesWhatTheLogDidNot) {
  const espalier::v1::ReportResponse response =
      ToProto({absl::OkStatus(), absl::OkStatus()}, {absl::OkStatus()});
  ASSERT_EQ(response.results_size(), 2);
  EXPECT_EQ(response.results(0).code(), 0);
  EXPECT_NE(response.results(1).code(), 0);
}

TEST(OutcomeProtoTest, WrittenAndReadAgainIsTheSame) {
  for (const std::optional<int64_t> time : {std::optional<int64_t>(), std::optional<int64_t>(-1),
                                            std::optional<int64_t>(1'700'000'000'123'456)}) {
    Outcome outcome;
    outcome.event_id = (uint64_t{1} << 63) - 1;
    outcome.row = 7;
    outcome.name = "revenue";
    outcome.value = -1.25;
    outcome.time_micros = time;
    espalier::v1::ReportRequest request;
    *request.add_outcomes() = ToProto(outcome);
    const OutcomeReport report = FromProto(request);
    ASSERT_EQ(report.outcomes.size(), 1u);
    EXPECT_EQ(report.outcomes[0].event_id, outcome.event_id);
    EXPECT_EQ(report.outcomes[0].row, outcome.row);
    EXPECT_EQ(report.outcomes[0].name, outcome.name);
    EXPECT_EQ(report.outcomes[0].value, outcome.value);
    EXPECT_EQ(report.outcomes[0].time_micros, outcome.time_micros);
  }
}

}  // namespace
}  // namespace espalier
