// Loads a model through the installed library and prints its prediction for a row of missing values.
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "models/forest/forest.h"
#include "models/forest/read_ensemble.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  absl::StatusOr<espalier::Ensemble> ensemble = espalier::ReadEnsembleFile(argv[1]);
  if (!ensemble.ok()) {
    std::fprintf(stderr, "%s\n", ensemble.status().ToString().c_str());
    return 1;
  }
  const auto forest = espalier::Forest::Compile(*std::move(ensemble));
  if (!forest.ok()) return 1;

  const std::vector<float> row((*forest)->num_features(), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> out((*forest)->OutputWidth(espalier::OutputKind::kValue));
  const espalier::Rows rows = {reinterpret_cast<const std::byte*>(row.data()), 1, row.size() * sizeof(float)};
  if (!(*forest)->Predict(rows, {}, std::span(out)).ok()) return 1;
  for (const float value : out) std::printf("%.9g\n", value);
  return 0;
}
