// Fuzzes the request path: whatever the bytes are, the lane answers with a valid reply or with a status that
// a client's request may get, and never reads outside of them.
#include <cstdint>
#include <cstdlib>

#include "tests/testing/front_fixture.h"

namespace {

espalier::Front& TheFront() {
  static auto* const front = [] {
    using espalier::MakeModel;
    using espalier::StumpEnsemble;
    espalier::RequestLane::Options options;
    options.limits.max_rows = 1000;
    auto* made = new espalier::Front(options);
    made->Serve({MakeModel("m", 1, StumpEnsemble({"a", "b"}, 0, 0.5f, 1.0f, 1.5f)),
                 MakeModel("m", 2, StumpEnsemble({"a", "b"}, 1, 0.5f, 2.0f, 2.5f))},
                {{"champion", 1}});
    espalier::v1::Experiment experiment;
    experiment.set_experiment("e");
    experiment.set_model("m");
    experiment.mutable_unit()->set_attribute("user_id");
    for (const int version : {1, 2}) {
      auto& variant = *experiment.add_variants();
      variant.set_key(version == 1 ? "control" : "new");
      variant.set_version(version);
      variant.set_weight(0.5);
      variant.set_control(version == 1);
    }
    made->Route({experiment});
    return made;
  }();
  return *front;
}

bool IsClientsFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kNotFound ||
         code == absl::StatusCode::kResourceExhausted || code == absl::StatusCode::kUnimplemented;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  TheFront().RenewLane();
  const absl::StatusOr<inference::ModelInferResponse> response =
      TheFront().InferBytes(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!response.ok() && !IsClientsFault(response.status().code())) std::abort();
  // What this parser takes, protobuf's own takes too, but for text that is not UTF-8.
  TheFront().exposures.Drain(1 << 20, [](const espalier::Exposure& exposure) {
    if (exposure.scores.size() != exposure.rows * sizeof(float)) std::abort();
  });
  return 0;
}
