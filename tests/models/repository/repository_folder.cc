#include "tests/models/repository/repository_folder.h"

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gtest/gtest.h"

namespace espalier {
namespace {

using Json = nlohmann::json;

std::string UniquePath() {
  static std::atomic<int> count = 0;
  return testing::TempDir() + "/repository." + std::to_string(getpid()) + "." + std::to_string(++count);
}

Json Stump(float value, int id, int num_features) {
  return {{"base_weights", {0.0, value, value + 0.5f}},
          {"categories", Json::array()},
          {"categories_nodes", Json::array()},
          {"categories_segments", Json::array()},
          {"categories_sizes", Json::array()},
          {"default_left", {1, 0, 0}},
          {"id", id},
          {"left_children", {1, -1, -1}},
          {"loss_changes", {1.0, 0.0, 0.0}},
          {"parents", {2147483647, 0, 0}},
          {"right_children", {2, -1, -1}},
          {"split_conditions", {0.5, value, value + 0.5f}},
          {"split_indices", {0, 0, 0}},
          {"split_type", {0, 0, 0}},
          {"sum_hessian", {2.0, 1.0, 1.0}},
          {"tree_param",
           {{"num_deleted", "0"},
            {"num_feature", std::to_string(num_features)},
            {"num_nodes", "3"},
            {"size_leaf_vector", "0"}}}};
}

bool StartsWith(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

}  // namespace

std::string TinyModel(float value, const TinyModelOptions& options) {
  const int outputs = std::max(options.num_class, 1);
  Json trees = Json::array();
  Json groups = Json::array();
  for (int i = 0; i < outputs; ++i) {
    trees.push_back(Stump(value + static_cast<float>(i), i, options.num_features));
    groups.push_back(i);
  }
  const bool probability = StartsWith(options.objective, "binary:logistic");
  const Json types(std::vector<std::string>(options.feature_names.size(), "float"));
  const Json model = {
      {"learner",
       {{"attributes", Json::object()},
        {"feature_names", options.feature_names},
        {"feature_types", types},
        {"gradient_booster",
         {{"model",
           {{"gbtree_model_param",
             {{"num_parallel_tree", "1"}, {"num_trees", std::to_string(outputs)}, {"size_leaf_vector", "0"}}},
            {"tree_info", groups},
            {"trees", trees}}},
          {"name", "gbtree"}}},
        {"learner_model_param",
         {{"base_score", probability ? "5E-1" : "0E0"},
          {"boost_from_average", "1"},
          {"num_class", std::to_string(options.num_class)},
          {"num_feature", std::to_string(options.num_features)},
          {"num_target", "1"}}},
        {"objective",
         StartsWith(options.objective, "multi:")
             ? Json{{"name", options.objective},
                    {"softmax_multiclass_param", {{"num_class", std::to_string(options.num_class)}}}}
             : Json{{"name", options.objective}, {"reg_loss_param", {{"scale_pos_weight", "1"}}}}}}},
      {"version", {1, 7, 6}}};
  return model.dump();
}

std::string TinyBinaryModel(float value) {
  std::string bytes = "binf";
  const auto add = [&bytes](auto field) {
    bytes.append(reinterpret_cast<const char*>(&field), sizeof(field));
  };
  const auto add_text = [&](const std::string& text) {
    add(uint64_t{text.size()});
    bytes += text;
  };
  add(0.0f);                                                   // base_score
  for (const uint32_t field : {2, 0, 0, 0, 1, 7}) add(field);  // num_feature to minor_version
  bytes.append(108, '\0');
  add_text("reg:squarederror");
  add_text("gblinear");
  bytes.append(136, '\0');  // gblinear_model_param
  add(uint64_t{3});
  for (const float weight : {1.0f, -1.0f, value}) add(weight);
  return bytes;
}

float PredictZeros(const LoadedModel& model) {
  const std::vector<float> zeros(model.forest->num_features(), 0.0f);
  std::vector<float> out(model.forest->OutputWidth(OutputKind::kValue));
  const Rows rows{.data = reinterpret_cast<const std::byte*>(zeros.data()),
                  .count = 1,
                  .stride = zeros.size() * sizeof(float)};
  const absl::Status status = model.forest->Predict(rows, {}, std::span<float>(out));
  EXPECT_TRUE(status.ok()) << status;
  return out[0];
}

RepositoryFolder::RepositoryFolder() : path_(UniquePath()) { std::filesystem::create_directories(path_); }

RepositoryFolder::~RepositoryFolder() { std::filesystem::remove_all(path_); }

void RepositoryFolder::Write(const std::string& name, std::string_view text) const {
  const std::filesystem::path path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  ASSERT_TRUE(file.good()) << path;
}

void RepositoryFolder::Touch(const std::string& name) const {
  const std::filesystem::path file = path_ + "/" + name;
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::hours(1));
}

void RepositoryFolder::Remove(const std::string& name) const {
  std::filesystem::remove_all(std::filesystem::path(path_) / name);
}

bool RepositoryFolder::Has(const std::string& name) const {
  return std::filesystem::exists(std::filesystem::path(path_) / name);
}

std::string RepositoryFolder::Read(const std::string& name) const {
  std::ifstream file(std::filesystem::path(path_) / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

LogLines::LogLines() : previous_(spdlog::default_logger()) {
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::move(sink)));
}

LogLines::~LogLines() { spdlog::set_default_logger(previous_); }

std::vector<std::string> LogLines::With(std::string_view text) const {
  std::vector<std::string> found;
  std::istringstream lines(lines_.str());
  for (std::string line; std::getline(lines, line);) {
    if (line.find(text) != std::string::npos) found.push_back(line);
  }
  return found;
}

}  // namespace espalier
