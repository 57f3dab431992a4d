// How fast forests predict, load and how much memory they hold, against XGBoost's C API in the same process.
//
//   forest_bench [--models S,M,L,MC,C,D] [--cache DIR] [--slices N] [--json] [--check]
//
// One thread. Short slices of each side alternate, so that what else runs on the machine meets all of them;
// the figures are medians of slices, the ratios are those of medians. docs/benchmarks.md says more.
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

#include "CLI/CLI.hpp"
#include "models/base/file.h"
#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"
#include "nlohmann/json.hpp"
#include "tests/testing/xgboost_peer.h"

namespace espalier {
namespace {

constexpr size_t kColumns = 40;
constexpr size_t kRows = 10'000;
constexpr double kMissing = 0.06;
constexpr double kSliceSeconds = 0.002;

struct BenchOptions {
  std::vector<std::string> models = {"S", "M", "L", "MC", "C", "D"};
  std::string cache;
  int slices = 200;
  bool json = false;
  bool check = false;
};

struct ModelShape {
  std::string name;
  int rounds;
  int depth;
  int classes = 1;
  // The last so many features are categories.
  size_t categorical = 0;
  // What must hold: times as fast as the faster call of XGBoost, a batch of kBatches each.
  std::array<double, 3> budgets = {};
};

constexpr size_t kBatches[] = {1, 64, 1024};
constexpr size_t kContributionBatches[] = {1, 256};
constexpr int kCategories = 24;

const ModelShape kShapes[] = {{"S", 100, 6, 1, 0, {60, 10, 12}},  {"M", 500, 6, 1, 0, {25, 15, 25}},
                              {"L", 1000, 8, 1, 0, {20, 12, 25}}, {"MC", 100, 6, 10, 0, {15, 0, 15}},
                              {"C", 500, 6, 1, 30, {8, 8, 8}},    {"D", 500, 12, 1, 0, {8, 8, 8}}};
// Of all shapes: contributions of a batch, loading JSON and UBJSON, memory, and compiling against reading.
constexpr double kContributionsBudget = 8;
constexpr double kJsonBudget = 5;
constexpr double kUbjsonBudget = 2;
constexpr double kMemoryBudget = 5;
constexpr double kCompileBudget = 1;

// Processor time of this thread: what other programs take does not count.
double Seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "forest_bench: " << message << "\n";
  std::exit(1);
}

// One side of a comparison: run(i) does the i-th piece of work.
struct Side {
  std::function<void(size_t)> run;
  size_t calls_per_slice = 1;
  size_t next = 0;
  std::vector<double> seconds_per_call = {};
};

double TimeSlice(Side& side) {
  const double begin = Seconds();
  for (size_t i = 0; i < side.calls_per_slice; ++i) side.run(side.next++);
  return (Seconds() - begin) / static_cast<double>(side.calls_per_slice);
}

// Medians of seconds per call, one a side.
std::vector<double> Compare(std::vector<Side> sides, int slices) {
  for (Side& side : sides) {
    TimeSlice(side);
    const double once = TimeSlice(side);
    side.calls_per_slice = std::max<size_t>(1, static_cast<size_t>(kSliceSeconds / once));
  }
  for (int i = 0; i < slices; ++i) {
    for (Side& side : sides) side.seconds_per_call.push_back(TimeSlice(side));
  }
  std::vector<double> medians;
  for (const Side& side : sides) medians.push_back(Median(side.seconds_per_call));
  return medians;
}

FloatMatrix Batch(const FloatMatrix& rows, size_t first, size_t count) {
  const auto begin = rows.values.begin() + static_cast<ptrdiff_t>(first * kColumns);
  return {count, kColumns, {begin, begin + static_cast<ptrdiff_t>(count * kColumns)}};
}

// Normal values, and whole numbers from 0 on in the columns that are categories.
FloatMatrix ShapedRows(const ModelShape& shape, uint64_t seed, size_t count) {
  FloatMatrix rows = RandomRows(seed, count, kColumns, kMissing);
  for (size_t i = 0; i < rows.values.size(); ++i) {
    if (i % kColumns < kColumns - shape.categorical || std::isnan(rows.values[i])) continue;
    rows.values[i] = std::clamp(std::floor(5 * rows.values[i]) + kCategories / 2, 0.0f, kCategories - 1.0f);
  }
  return rows;
}

XgboostPeer TrainOrLoad(const ModelShape& shape, const std::string& cache) {
  const std::string path = cache + "/forest_bench_" + shape.name + ".ubj";
  if (!cache.empty() && std::filesystem::exists(path)) {
    if (auto peer = XgboostPeer::Load(*ReadFile(path)); peer.has_value()) return *std::move(peer);
  }
  LabelledRows data;
  data.rows = ShapedRows(shape, 1, 20'000);
  data.labels = RandomLabels(2, RandomRows(1, 20'000, kColumns, kMissing));
  const auto classes = static_cast<float>(std::max(shape.classes, 2));
  for (float& label : data.labels.values) {
    label = std::clamp(std::floor(label + classes / 2), 0.0f, classes - 1);
  }
  if (shape.categorical > 0) {
    data.feature_types.assign(kColumns, "q");
    std::fill(data.feature_types.end() - static_cast<ptrdiff_t>(shape.categorical), data.feature_types.end(),
              "c");
  }
  XgboostParameters parameters = {{"objective", shape.classes > 1 ? "multi:softprob" : "binary:logistic"},
                                  {"tree_method", "hist"},
                                  {"eta", "0.1"},
                                  {"min_child_weight", "0.1"},
                                  {"max_depth", std::to_string(shape.depth)}};
  if (shape.classes > 1) parameters.emplace_back("num_class", std::to_string(shape.classes));
  XgboostPeer peer = XgboostPeer::Train(data, parameters, shape.rounds);
  if (!cache.empty()) std::ofstream(path, std::ios::binary) << peer.Save("ubj");
  return peer;
}

std::shared_ptr<const Forest> Load(const std::string& bytes) {
  absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
  if (!ensemble.ok()) Fail(std::string(ensemble.status().message()));
  return *Forest::Compile(*std::move(ensemble));
}

nlohmann::json BenchPredict(const Forest& forest, const XgboostPeer& peer, const FloatMatrix& rows,
                            size_t batch, int slices) {
  // What XGBoost's in-place call takes is made beforehand: the time is that of the call alone.
  const size_t batches = kRows / batch;
  std::vector<FloatMatrix> parts;
  std::vector<std::string> interfaces;
  for (size_t i = 0; i < batches; ++i) parts.push_back(Batch(rows, i * batch, batch));
  for (const FloatMatrix& part : parts) interfaces.push_back(ArrayInterface(part));
  std::vector<float> out(batch * forest.OutputWidth(OutputKind::kValue));
  const auto ours = [&](size_t i) {
    const auto* data = reinterpret_cast<const std::byte*>(parts[i % batches].values.data());
    if (!forest.Predict({data, batch, kColumns * sizeof(float)}, {}, std::span<float>(out)).ok()) {
      Fail("prediction failed");
    }
  };
  const auto through_matrix = [&](size_t i) {
    const XgboostMatrix matrix(parts[i % batches]);
    bst_ulong size = 0;
    const float* values = nullptr;
    CheckXgboost(XGBoosterPredict(peer.handle(), matrix.handle(), 0, 0, 0, &size, &values));
  };
  const auto in_place = [&](size_t i) {
    const char* config =
        R"({"type":0,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN})";
    const bst_ulong* shape = nullptr;
    bst_ulong dimensions = 0;
    const float* values = nullptr;
    CheckXgboost(XGBoosterPredictFromDense(peer.handle(), interfaces[i % batches].c_str(), config, nullptr,
                                           &shape, &dimensions, &values));
  };
  const std::vector<double> seconds = Compare({{ours}, {through_matrix}, {in_place}}, slices);
  const double to_ns = 1e9 / static_cast<double>(batch);
  return {{"batch", batch},
          {"espalier_ns", seconds[0] * to_ns},
          {"xgboost_dmatrix_ns", seconds[1] * to_ns},
          {"xgboost_inplace_ns", seconds[2] * to_ns},
          {"ratio", std::min(seconds[1], seconds[2]) / seconds[0]}};
}

nlohmann::json BenchContributions(const Forest& forest, const XgboostPeer& peer, const FloatMatrix& rows,
                                  size_t batch, int slices) {
  const FloatMatrix part = Batch(rows, 0, batch);
  const XgboostMatrix matrix(part);
  std::vector<float> out(batch * forest.OutputWidth(OutputKind::kContributions));
  const auto ours = [&](size_t) {
    const auto* data = reinterpret_cast<const std::byte*>(part.values.data());
    const PredictOptions options = {.kind = OutputKind::kContributions};
    if (!forest.Predict({data, batch, kColumns * sizeof(float)}, options, std::span<float>(out)).ok()) {
      Fail("contributions failed");
    }
  };
  const auto theirs = [&](size_t) {
    bst_ulong size = 0;
    const float* values = nullptr;
    constexpr int kContributions = 4;
    CheckXgboost(XGBoosterPredict(peer.handle(), matrix.handle(), kContributions, 0, 0, &size, &values));
  };
  const std::vector<double> seconds = Compare({{ours}, {theirs}}, std::max(3, slices / 20));
  const double to_us = 1e6 / static_cast<double>(batch);
  return {{"batch", batch},
          {"espalier_us", seconds[0] * to_us},
          {"xgboost_us", seconds[1] * to_us},
          {"ratio", seconds[1] / seconds[0]}};
}

nlohmann::json BenchLoad(const XgboostPeer& peer, const std::string& format, int slices) {
  const std::string bytes = peer.Save(format);
  const std::vector<double> seconds =
      Compare({{[&](size_t) { Load(bytes); }}, {[&](size_t) { XgboostPeer::Load(bytes); }}},
              std::max(5, slices / 10));
  return {{"format", format},
          {"bytes", bytes.size()},
          {"espalier_ms", seconds[0] * 1e3},
          {"xgboost_ms", seconds[1] * 1e3},
          {"ratio", seconds[1] / seconds[0]}};
}

// Compile() alone beside ReadEnsemble() alone.
nlohmann::json BenchCompile(const XgboostPeer& peer, int slices) {
  const std::string bytes = peer.Save("ubj");
  const absl::StatusOr<Ensemble> ensemble = ReadEnsemble(bytes);
  if (!ensemble.ok()) Fail(std::string(ensemble.status().message()));
  const std::vector<double> seconds = Compare({{[&](size_t) { ReadEnsemble(bytes).IgnoreError(); }},
                                               {[&](size_t) { Ensemble copy = *ensemble; }},
                                               {[&](size_t) { Forest::Compile(*ensemble).IgnoreError(); }}},
                                              std::max(5, slices / 10));
  const double compile = seconds[2] - seconds[1];
  return {{"read_ms", seconds[0] * 1e3}, {"compile_ms", compile * 1e3}, {"ratio", seconds[0] / compile}};
}

size_t AllocatedBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// What stays allocated of `load` while its result lives.
template <typename Load>
size_t HeldBytes(Load load) {
  const size_t before = AllocatedBytes();
  const auto held = load();
  return AllocatedBytes() - before;
}

nlohmann::json BenchMemory(const XgboostPeer& peer) {
  const std::string bytes = peer.Save("ubj");
  const size_t ours = HeldBytes([&] { return Load(bytes); });
  const size_t theirs = HeldBytes([&] { return XgboostPeer::Load(bytes); });
  return {{"espalier_bytes", ours},
          {"xgboost_bytes", theirs},
          {"ratio", static_cast<double>(theirs) / static_cast<double>(ours)}};
}

void CheckSame(const Forest& forest, const XgboostPeer& peer, const FloatMatrix& rows) {
  std::vector<float> ours(rows.rows * forest.OutputWidth(OutputKind::kValue));
  const auto* data = reinterpret_cast<const std::byte*>(rows.values.data());
  const bool ok =
      forest.Predict({data, rows.rows, kColumns * sizeof(float)}, {}, std::span<float>(ours)).ok();
  const std::vector<float> theirs = peer.Predict(rows);
  if (!ok || std::memcmp(ours.data(), theirs.data(), ours.size() * sizeof(float)) != 0) {
    Fail("predictions differ from XGBoost's");
  }
}

nlohmann::json BenchModel(const ModelShape& shape, const BenchOptions& options) {
  const XgboostPeer peer = TrainOrLoad(shape, options.cache);
  const std::shared_ptr<const Forest> forest = Load(peer.Save("ubj"));
  const FloatMatrix rows = ShapedRows(shape, 3, kRows);
  CheckSame(*forest, peer, rows);
  nlohmann::json result = {{"model", shape.name},
                           {"trees", forest->num_trees()},
                           {"depth", forest->max_depth()},
                           {"nodes", forest->num_nodes()},
                           {"kernel", forest->kernel()},
                           {"predict", nlohmann::json::array()},
                           {"load", nlohmann::json::array()}};
  for (const size_t batch : kBatches) {
    result["predict"].push_back(BenchPredict(*forest, peer, rows, batch, options.slices));
  }
  for (const size_t batch : kContributionBatches) {
    result["contributions"].push_back(BenchContributions(*forest, peer, rows, batch, options.slices));
  }
  for (const char* format : {"json", "ubj"})
    result["load"].push_back(BenchLoad(peer, format, options.slices));
  result["compile"] = BenchCompile(peer, options.slices);
  result["memory"] = BenchMemory(peer);
  return result;
}

void PrintTable(const nlohmann::json& model) {
  std::printf("%s: %d trees, depth %d, %d nodes, %s\n", model["model"].get<std::string>().c_str(),
              model["trees"].get<int>(), model["depth"].get<int>(), model["nodes"].get<int>(),
              model["kernel"].get<std::string>().c_str());
  std::printf("  %-22s %14s %16s %16s %8s\n", "", "espalier", "XGBoost DMatrix", "XGBoost in place", "ratio");
  for (const nlohmann::json& row : model["predict"]) {
    std::printf("  predict, batch %-7d %11.0f ns %13.0f ns %13.0f ns %7.1fx\n", row["batch"].get<int>(),
                row["espalier_ns"].get<double>(), row["xgboost_dmatrix_ns"].get<double>(),
                row["xgboost_inplace_ns"].get<double>(), row["ratio"].get<double>());
  }
  for (const nlohmann::json& row : model["contributions"]) {
    std::printf("  contributions, batch %-2d %10.1f us %13.1f us %16s %7.1fx\n", row["batch"].get<int>(),
                row["espalier_us"].get<double>(), row["xgboost_us"].get<double>(), "",
                row["ratio"].get<double>());
  }
  for (const nlohmann::json& row : model["load"]) {
    std::printf("  load %-17s %11.2f ms %13.2f ms %16s %7.1fx\n", row["format"].get<std::string>().c_str(),
                row["espalier_ms"].get<double>(), row["xgboost_ms"].get<double>(), "",
                row["ratio"].get<double>());
  }
  const nlohmann::json& compile = model["compile"];
  std::printf("  %-22s %11.2f ms, reading UBJSON %.2f ms %22.1fx\n", "compile",
              compile["compile_ms"].get<double>(), compile["read_ms"].get<double>(),
              compile["ratio"].get<double>());
  const nlohmann::json& memory = model["memory"];
  std::printf("  %-22s %11.0f KB %13.0f KB %16s %7.1fx\n", "memory",
              memory["espalier_bytes"].get<double>() / 1e3, memory["xgboost_bytes"].get<double>() / 1e3, "",
              memory["ratio"].get<double>());
}

// Says which ratios are below what must hold; false if there are some.
bool CheckBudgets(const ModelShape& shape, const nlohmann::json& model) {
  bool fine = true;
  const auto check = [&](const std::string& what, double ratio, double least) {
    if (ratio >= least) return;
    fine = false;
    std::cerr << "forest_bench: model " << shape.name << ", " << what << ": " << ratio
              << "x, must be at least " << least << "x\n";
  };
  for (size_t i = 0; i < std::size(kBatches); ++i) {
    check("batch " + std::to_string(kBatches[i]), model["predict"][i]["ratio"], shape.budgets[i]);
  }
  check("contributions of 256 rows", model["contributions"][1]["ratio"], kContributionsBudget);
  check("loading JSON", model["load"][0]["ratio"], kJsonBudget);
  check("loading UBJSON", model["load"][1]["ratio"], kUbjsonBudget);
  check("memory", model["memory"]["ratio"], kMemoryBudget);
  check("reading against compiling", model["compile"]["ratio"], kCompileBudget);
  return fine;
}

int Run(int argc, char** argv) {
  CLI::App app("Forests against XGBoost's C API: prediction, loading, memory.", "forest_bench");
  BenchOptions options;
  app.add_option("--models", options.models,
                 "Which of S (100 x 6), M (500 x 6), L (1000 x 8), MC (10 classes, 100 x 6), C (categories, "
                 "500 x 6), D (500 x 12)")
      ->delimiter(',');
  app.add_option("--cache", options.cache, "Folder that keeps the trained models");
  app.add_option("--slices", options.slices, "Slices of 2 ms a side and figure");
  app.add_flag("--json", options.json, "Print JSON");
  app.add_flag("--check", options.check, "Fail when a ratio is below its budget");
  CLI11_PARSE(app, argc, argv);
  nlohmann::json results = nlohmann::json::array();
  bool fine = true;
  for (const ModelShape& shape : kShapes) {
    if (std::find(options.models.begin(), options.models.end(), shape.name) == options.models.end()) continue;
    results.push_back(BenchModel(shape, options));
    if (!options.json) PrintTable(results.back());
    std::fflush(stdout);
    if (options.check) fine &= CheckBudgets(shape, results.back());
  }
  if (options.json) std::cout << results.dump(2) << "\n";
  return fine ? 0 : 1;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) { return espalier::Run(argc, argv); }
