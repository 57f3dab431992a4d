#include "tests/models/forest/golden_models.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "models/base/file.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

const char* const kVersions[] = {"0.90",  "1.0.2", "1.2.1", "1.3.3", "1.7.6",
                                 "2.0.3", "2.1.4", "3.0.5", "3.2.0"};

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "golden models: %s\n", message.c_str());
  std::abort();
}

std::string ReadGolden(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFile(StrCat(ESPALIER_GOLDEN_FOLDER, "/", path));
  if (!bytes.ok()) Fail(std::string(Message(bytes.status())));
  return *std::move(bytes);
}

// The next `count` values of `bytes`, which are little-endian, as is every machine that we build for.
template <typename T>
std::vector<T> TakeValues(std::string_view& bytes, size_t count) {
  if (bytes.size() < count * sizeof(T)) Fail("too few predictions");
  std::vector<T> values(count);
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
  return values;
}

// A line of manifest.csv.
GoldenModel ParseLine(const std::string& version, const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
  if (cells.size() != 6) Fail(line);
  GoldenModel model;
  model.version = version;
  model.name = cells[0];
  const std::string path = StrCat(ESPALIER_GOLDEN_FOLDER, "/", version, "/", model.name);
  std::istringstream formats(cells[1]);
  for (std::string format; std::getline(formats, format, '+');) model.files.push_back(path + "." + format);
  model.value_width = std::stoul(cells[2]);
  model.outputs = std::stoul(cells[3]);
  model.trees = std::stoul(cells[4]);
  model.refused = model.value_width == 0;
  if (cells[5] != "-1") model.best_iteration = std::stoul(cells[5]);
  return model;
}

}  // namespace

std::vector<GoldenModel> GoldenModels() {
  std::vector<GoldenModel> models;
  for (const std::string version : kVersions) {
    std::istringstream manifest(ReadGolden(version + "/manifest.csv"));
    for (std::string line; std::getline(manifest, line);) models.push_back(ParseLine(version, line));
  }
  return models;
}

GoldenModel FindGoldenModel(const std::string& version, const std::string& name) {
  for (const GoldenModel& model : GoldenModels()) {
    if (model.version == version && model.name == name) return model;
  }
  Fail(version + "/" + name);
}

std::vector<float> GoldenRows() {
  const std::string bytes = ReadGolden("rows.f32");
  std::string_view rest = bytes;
  return TakeValues<float>(rest, bytes.size() / sizeof(float));
}

GoldenPredictions ReadGoldenPredictions(const GoldenModel& model) {
  const size_t rows = GoldenRows().size() / kGoldenFeatures;
  const std::string bytes = ReadGolden(StrCat(model.version, "/", model.name, ".expected"));
  std::string_view rest = bytes;
  GoldenPredictions predictions;
  predictions.value = TakeValues<float>(rest, rows * model.value_width);
  predictions.margin = TakeValues<float>(rest, rows * model.outputs);
  predictions.leaf = TakeValues<int32_t>(rest, rows * model.trees);
  if (!rest.empty()) Fail("too many predictions");
  return predictions;
}

}  // namespace espalier
