// The seam of the forest's C interface: a Status becomes a code and a text, and nothing is thrown across.
//
//   return Guarded([&]() -> absl::Status { ... });
#ifndef ESPALIER_MODELS_FOREST_C_API_GUARDED_CALL_H_
#define ESPALIER_MODELS_FOREST_C_API_GUARDED_CALL_H_

#include <utility>

#include "espalier/status.h"
#include "models/base/c_seam.h"

namespace espalier {

// Of the last call of this library that failed on this thread.
ErrorText& LastFailure();

// Runs `body`, which returns a Status.
template <typename Body>
espalier_status Guarded(Body body) noexcept {
  return GuardedCall(LastFailure(), std::move(body));
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_C_API_GUARDED_CALL_H_
