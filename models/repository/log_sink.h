// Where the lines of a repository go: `model_version_loaded model=a version=1 ...`.
#ifndef ESPALIER_MODELS_REPOSITORY_LOG_SINK_H_
#define ESPALIER_MODELS_REPOSITORY_LOG_SINK_H_

#include <cstdint>
#include <functional>
#include <string_view>

namespace espalier {

enum class LogLevel : uint8_t { kInfo, kWarning, kError };

// Called on the thread of the pass. Empty: nothing is logged.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_LOG_SINK_H_
