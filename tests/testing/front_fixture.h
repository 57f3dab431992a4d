// A front without transport: models and experiments in memory, requests and replies as protobuf messages.
#ifndef ESPALIER_TESTS_TESTING_FRONT_FIXTURE_H_
#define ESPALIER_TESTS_TESTING_FRONT_FIXTURE_H_

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "models/base/clock.h"
#include "models/base/sha256.h"
#include "models/base/strings.h"
#include "models/repository/model_catalog.h"
#include "proto/inference/inference.pb.h"
#include "router/experiment/routing_table.h"
#include "services/front/request_lane.h"
#include "services/front/serving_plan.h"

namespace espalier {

// One tree that asks `feature` against `threshold`: `low` below it, `high` otherwise, added to a margin of 0.
// With the identity objective the value is the leaf, so that an answer tells which version gave it.
inline Ensemble StumpEnsemble(std::vector<std::string> names, uint32_t feature, float threshold, float low,
                              float high) {
  Ensemble ensemble;
  ensemble.format = "xgboost_json";
  ensemble.objective = "reg:squarederror";
  ensemble.num_features = static_cast<uint32_t>(names.size());
  ensemble.num_iterations = 1;
  ensemble.base_score = {0.0f};
  ensemble.feature_kinds.assign(names.size(), FeatureKind::kNumeric);
  ensemble.feature_names = std::move(names);
  Tree tree;
  tree.nodes.resize(3);
  tree.nodes[0].left = 1;
  tree.nodes[0].right = 2;
  tree.nodes[0].feature = feature;
  tree.nodes[0].value = threshold;
  tree.nodes[0].cover = 2;
  tree.nodes[1].value = low;
  tree.nodes[1].cover = 1;
  tree.nodes[2].value = high;
  tree.nodes[2].cover = 1;
  ensemble.trees.push_back(std::move(tree));
  return ensemble;
}

inline ModelHandle MakeModel(const std::string& name, int64_t version, Ensemble ensemble) {
  auto model = std::make_shared<LoadedModel>();
  model->name = name;
  model->version = version;
  model->version_text = std::to_string(version);
  model->sha256 = Sha256Hex(model->version_text);
  for (uint32_t i = 0; i < ensemble.feature_names.size(); ++i)
    model->feature_index[ensemble.feature_names[i]] = i;
  model->signature.is_probability = ensemble.objective == "binary:logistic";
  model->forest = *Forest::Compile(std::move(ensemble));
  return model;
}

class MapMetadata final : public MetadataSource {
 public:
  std::optional<std::string_view> Find(std::string_view name) const override {
    const auto found = values.find(std::string(name));
    if (found == values.end()) return std::nullopt;
    return found->second;
  }
  std::map<std::string, std::string> values;
};

class StringSink final : public ReplySink {
 public:
  std::byte* Allocate(size_t size) override {
    bytes.assign(size, '\0');
    return reinterpret_cast<std::byte*>(bytes.data());
  }
  std::string bytes;
};

// The in-memory transport: one lane, and what it stands on.
class Front {
 public:
  explicit Front(RequestLane::Options options = {})
      : catalog_(std::make_shared<const ModelCatalog>(std::vector<CatalogModel>{})),
        routing_(std::make_shared<const RoutingTable>()),
        keeper_(catalog_, routing_),
        options_(WithClock(options)),
        lane_(NewLane()) {}

  // Replaces the models.
  void Serve(std::vector<ModelHandle> versions, std::map<std::string, int64_t> labels = {},
             std::map<int64_t, std::string> known = {}) {
    std::map<std::string, std::vector<ModelHandle>> by_name;
    for (ModelHandle& version : versions) by_name[version->name].push_back(std::move(version));
    std::vector<CatalogModel> models;
    for (auto& [name, ready] : by_name) models.emplace_back(name, std::move(ready), known, labels);
    catalog_.Publish(std::make_shared<const ModelCatalog>(std::move(models)));
  }

  void Route(const std::vector<espalier::v1::Experiment>& documents) {
    absl::StatusOr<std::shared_ptr<const RoutingTable>> table = RoutingTable::Create(documents);
    ASSERT_TRUE(table.ok()) << Message(table.status());
    routing_.Publish(*std::move(table));
  }

  absl::StatusOr<inference::ModelInferResponse> Infer(const inference::ModelInferRequest& request) {
    return InferBytes(request.SerializeAsString());
  }

  absl::StatusOr<inference::ModelInferResponse> InferBytes(std::string_view bytes) {
    StringSink sink;
    const absl::Status status = lane_->Infer(bytes, metadata, sink);
    if (!status.ok()) return status;
    inference::ModelInferResponse response;
    if (!response.ParseFromString(sink.bytes))
      return absl::InternalError("the reply is not a ModelInferResponse");
    return response;
  }

  std::unique_ptr<RequestLane> NewLane() {
    return std::make_unique<RequestLane>(options_, keeper_.plan(), event_ids_, &exposures);
  }

  // Replaces the lane by one that has no buffers yet: what a request writes beyond its own is not hidden by
  // what an earlier one left.
  void RenewLane() { lane_ = NewLane(); }

  RequestLane& lane() { return *lane_; }
  const Snapshot<ServingPlan>& plan() const { return keeper_.plan(); }

  FakeClock clock;
  MapMetadata metadata;
  ExposureQueue exposures{size_t{1} << 20};

 private:
  RequestLane::Options WithClock(RequestLane::Options options) {
    options.clock = &clock;
    return options;
  }

  Snapshot<ModelCatalog> catalog_;
  Snapshot<RoutingTable> routing_;
  ServingPlanKeeper keeper_;
  EventIdGenerator event_ids_{0};
  const RequestLane::Options options_;
  std::unique_ptr<RequestLane> lane_;
};

// A request of one raw FP32 matrix.
inline inference::ModelInferRequest MatrixRequest(const std::string& model, int64_t rows, int64_t columns,
                                                  const std::vector<float>& values) {
  inference::ModelInferRequest request;
  request.set_model_name(model);
  auto& input = *request.add_inputs();
  input.set_name("input__0");
  input.set_datatype("FP32");
  input.add_shape(rows);
  input.add_shape(columns);
  request.add_raw_input_contents(values.data(), values.size() * sizeof(float));
  return request;
}

// The float32 elements of raw output `index`.
inline std::vector<float> RawFloats(const inference::ModelInferResponse& response, int index = 0) {
  const std::string& bytes = response.raw_output_contents(index);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace espalier

#endif  // ESPALIER_TESTS_TESTING_FRONT_FIXTURE_H_
