// Many request threads while models and experiments are swapped: what the thread sanitizer looks at, without
// a transport.
#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "tests/testing/front_fixture.h"

namespace espalier {
namespace {

espalier::v1::Experiment Split(double treatment) {
  espalier::v1::Experiment experiment;
  experiment.set_experiment("e");
  experiment.set_model("m");
  experiment.mutable_unit()->set_attribute("user_id");
  for (const int64_t version : {1, 2}) {
    auto& variant = *experiment.add_variants();
    variant.set_key("v" + std::to_string(version));
    variant.set_version(version);
    variant.set_weight(version == 2 ? treatment : 1 - treatment);
    variant.set_control(version == 1);
  }
  return experiment;
}

TEST(RequestThreadsTest, EveryAnswerMatchesTheVersionThatItNamesWhileAllIsSwapped) {
  Front front;
  const auto serve = [&front](int round) {
    const auto offset = static_cast<float>(round % 2);
    front.Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f + 10 * offset, 1.5f)),
                 MakeModel("m", 2, StumpEnsemble({"a", "b"}, 0, 0.5f, 2.0f + 10 * offset, 2.5f))});
  };
  serve(0);
  front.Route({Split(0.5)});

  std::atomic<bool> done{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      EventIdGenerator ids(static_cast<uint32_t>(t));
      RequestLane lane({.clock = &front.clock}, front.plan(), ids, nullptr);
      MapMetadata metadata;
      for (int i = 0; !done.load() || i < 200; ++i) {
        inference::ModelInferRequest request = MatrixRequest("m", 1, 2, {0, 0});
        (*request.mutable_parameters())["user_id"].set_string_param("u" + std::to_string(i % 100));
        StringSink sink;
        ASSERT_TRUE(lane.Infer(request.SerializeAsString(), metadata, sink).ok());
        inference::ModelInferResponse response;
        ASSERT_TRUE(response.ParseFromString(sink.bytes));
        const float value = RawFloats(response)[0];
        const float expected = response.model_version() == "1" ? 1.0f : 2.0f;
        ASSERT_TRUE(value == expected || value == expected + 10) << value;
        ++answered;
      }
    });
  }
  for (int round = 0; round < 100; ++round) {
    serve(round);
    front.Route({Split(round % 2 == 0 ? 0.25 : 0.75)});
    std::map<RequestLabels, RequestTotals> totals;
    front.lane().metrics().AddTo(totals);
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(answered.load(), 600);
}

}  // namespace
}  // namespace espalier
