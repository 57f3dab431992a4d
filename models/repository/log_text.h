// Text inside a structured log line: key="value".
#ifndef ESPALIER_MODELS_REPOSITORY_LOG_TEXT_H_
#define ESPALIER_MODELS_REPOSITORY_LOG_TEXT_H_

#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "models/base/strings.h"

namespace espalier {

// `text` in double quotes and on one line, whatever it holds.
inline std::string QuotedForLog(std::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(ToAbsl(text)), "\"");
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_LOG_TEXT_H_
