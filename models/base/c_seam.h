// The seam between a C interface and the code behind it: a Status becomes a code and a text, and no exception
// gets out.
//
//   thread_local ErrorText last_error;      // one a library, so that two in a process do not mix
//   return GuardedCall(last_error, [&]() -> absl::Status { ... });
#ifndef ESPALIER_MODELS_BASE_C_SEAM_H_
#define ESPALIER_MODELS_BASE_C_SEAM_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include "absl/status/status.h"
#include "models/base/strings.h"

namespace espalier {

// Why the last call of a thread failed, cut at 2,047 bytes. A buffer and no string: the text must be there
// when memory is not.
struct ErrorText {
  char text[2048] = "";
};

// Notes the text; returns the code as C knows it (gRPC's number).
inline int32_t Fail(ErrorText& error, absl::StatusCode code, std::string_view text) {
  const size_t size = std::min(text.size(), sizeof(error.text) - 1);
  std::memcpy(error.text, text.data(), size);
  error.text[size] = '\0';
  return static_cast<int32_t>(code);
}

// Runs `body`, which returns a Status; 0 or its code.
template <typename Body>
int32_t GuardedCall(ErrorText& error, Body body) noexcept {
  try {
    const absl::Status status = body();
    return status.ok() ? 0 : Fail(error, status.code(), Message(status));
  } catch (const std::bad_alloc&) {
    return Fail(error, absl::StatusCode::kResourceExhausted, "out of memory");
  } catch (const std::exception& exception) {
    return Fail(error, absl::StatusCode::kInternal, exception.what());
  } catch (...) {
    return Fail(error, absl::StatusCode::kInternal, "an unknown exception");
  }
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_C_SEAM_H_
