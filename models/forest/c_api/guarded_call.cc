#include "models/forest/c_api/guarded_call.h"

namespace espalier {

ErrorText& LastFailure() {
  thread_local ErrorText last_failure;
  return last_failure;
}

}  // namespace espalier
