// Answers conformance vectors: one JSON object a line in, one a line out (docs/assign-vectors.md).
#ifndef ESPALIER_SERVICES_CLI_CONFORMANCE_H_
#define ESPALIER_SERVICES_CLI_CONFORMANCE_H_

#include <string>
#include <string_view>

namespace espalier {

// The answer to one line, without a line end: {"result": ...}, or {"error": "..."} for a line that makes no
// sense.
std::string AnswerVector(std::string_view line);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_CONFORMANCE_H_
