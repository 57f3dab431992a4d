#include "tests/models/forest/float64_golden.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "models/base/file.h"
#include "models/base/strings.h"

namespace espalier {
namespace {

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "golden models: %s\n", why.c_str());
  std::abort();
}

std::string Folder(const std::string& library) { return StrCat(ESPALIER_GOLDEN_FOLDER, "_", library); }

std::string Read(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFile(path);
  if (!bytes.ok()) Fail(std::string(Message(bytes.status())));
  return *std::move(bytes);
}

template <typename T>
std::vector<T> Take(std::string_view& bytes, size_t count) {
  if (bytes.size() < count * sizeof(T)) Fail("too few predictions");
  std::vector<T> values(count);
  if (count != 0) std::memcpy(values.data(), bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
  return values;
}

}  // namespace

std::vector<Float64Golden> Float64Goldens(const std::string& library) {
  std::vector<std::string> versions;
  for (const auto& entry : std::filesystem::directory_iterator(Folder(library))) {
    if (entry.is_directory()) versions.push_back(entry.path().filename());
  }
  std::sort(versions.begin(), versions.end());
  std::vector<Float64Golden> models;
  for (const std::string& version : versions) {
    const std::string folder = StrCat(Folder(library), "/", version);
    std::istringstream manifest(Read(folder + "/manifest.csv"));
    for (std::string line; std::getline(manifest, line);) {
      Float64Golden model{.library = library, .version = version};
      char comma = 0;
      std::istringstream cells(line);
      std::getline(cells, model.name, ',');
      cells >> model.value_width >> comma >> model.outputs >> comma >> model.trees;
      model.file = StrCat(folder, "/", model.name, library == "lightgbm" ? ".txt" : ".json");
      models.push_back(std::move(model));
    }
  }
  return models;
}

Float64Golden FindFloat64Golden(const std::string& library, const std::string& version,
                                const std::string& name) {
  for (const Float64Golden& model : Float64Goldens(library)) {
    if (model.version == version && model.name == name) return model;
  }
  Fail(StrCat("no ", library, " ", version, " ", name));
}

std::vector<float> Float64GoldenRows(const std::string& library) {
  const std::string bytes = Read(Folder(library) + "/rows.f32");
  std::string_view rest = bytes;
  return Take<float>(rest, bytes.size() / sizeof(float));
}

Float64Predictions ReadFloat64Predictions(const Float64Golden& model) {
  const size_t rows = Float64GoldenRows(model.library).size() / kFloat64GoldenFeatures;
  const std::string bytes =
      Read(StrCat(Folder(model.library), "/", model.version, "/", model.name, ".expected"));
  std::string_view rest = bytes;
  Float64Predictions predictions;
  predictions.value = Take<double>(rest, rows * model.value_width);
  if (model.library == "lightgbm") {
    predictions.margin = Take<double>(rest, rows * model.outputs);
    predictions.leaf = Take<int32_t>(rest, rows * model.trees);
    predictions.contributions = Take<double>(rest, rows * model.outputs * (kFloat64GoldenFeatures + 1));
    predictions.part = Take<double>(rest, rows * model.value_width);
  } else {
    predictions.leaf = Take<int32_t>(rest, rows * model.trees);
    if (!rest.empty()) predictions.classes = Take<int32_t>(rest, rows);
  }
  if (!rest.empty()) Fail("too many predictions");
  return predictions;
}

}  // namespace espalier
