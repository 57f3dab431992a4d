// Any bytes behind the first line of a LightGBM text model.
//
//   cmake --preset fuzz && cmake --build --preset fuzz --target read_lightgbm_model_fuzz
//   build/fuzz/tests/fuzz/read_lightgbm_model_fuzz -dict=tests/fuzz/read_lightgbm_model.dict
//   -max_total_time=60 NEW \
//     tests/fuzz/corpus/read_lightgbm_model
#include <string>

#include "tests/fuzz/float64_model_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (!text.starts_with("tree\n")) text.insert(0, "tree\n");
  espalier::CheckModel(text);
  return 0;
}
