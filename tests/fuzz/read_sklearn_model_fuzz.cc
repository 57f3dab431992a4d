// Any bytes behind the first key of a document that deploy/export_sklearn.py writes.
//
//   cmake --preset fuzz && cmake --build --preset fuzz --target read_sklearn_model_fuzz
//   build/fuzz/tests/fuzz/read_sklearn_model_fuzz -dict=tests/fuzz/read_sklearn_model.dict -max_total_time=60
//   NEW \
//     tests/fuzz/corpus/read_sklearn_model
#include <string>

#include "tests/fuzz/float64_model_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (!text.starts_with("{\"format\"")) text.insert(0, "{\"format\":\"espalier.sklearn\",");
  espalier::CheckModel(text);
  return 0;
}
