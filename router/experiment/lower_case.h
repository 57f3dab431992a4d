// Case folding of UTF-8 text, for the operators that ignore case.
#ifndef ESPALIER_ROUTER_EXPERIMENT_LOWER_CASE_H_
#define ESPALIER_ROUTER_EXPERIMENT_LOWER_CASE_H_

#include <string_view>

#include "absl/container/inlined_vector.h"

namespace espalier {

// `text` in lower case, each character by Unicode's simple mapping (the C library's tables); malformed bytes
// stay as they are. Does not allocate up to 256 bytes.
class LowerCase {
 public:
  explicit LowerCase(std::string_view text);

  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }

 private:
  absl::InlinedVector<char, 256> bytes_;
};

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_LOWER_CASE_H_
