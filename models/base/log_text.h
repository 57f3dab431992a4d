// Text inside a structured log line: key="value".
#ifndef ESPALIER_MODELS_BASE_LOG_TEXT_H_
#define ESPALIER_MODELS_BASE_LOG_TEXT_H_

#include <string>
#include <string_view>

namespace espalier {

// `text` in double quotes and on one line, whatever it holds: quotes and backslashes are escaped, line ends
// are \n, and other control characters become spaces.
inline std::string QuotedForLog(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return quoted + "\"";
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_LOG_TEXT_H_
