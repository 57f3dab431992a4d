// Errors are values: the two macros by which a Status travels up.
//
//   ESPALIER_RETURN_IF_ERROR(Validate(request));
//   ESPALIER_ASSIGN_OR_RETURN(Ensemble ensemble, ReadEnsemble(path));
#ifndef ESPALIER_MODELS_BASE_STATUS_MACROS_H_
#define ESPALIER_MODELS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define ESPALIER_RETURN_IF_ERROR(expr)                                                        \
  do {                                                                                        \
    if (absl::Status espalier_status = (expr); !espalier_status.ok()) return espalier_status; \
  } while (false)

#define ESPALIER_ASSIGN_OR_RETURN(lhs, expr) \
  ESPALIER_ASSIGN_OR_RETURN_NAMED(ESPALIER_CONCAT(espalier_statusor_, __LINE__), lhs, expr)

#define ESPALIER_ASSIGN_OR_RETURN_NAMED(name, lhs, expr) \
  auto name = (expr);                                    \
  if (!name.ok()) return std::move(name).status();       \
  lhs = *std::move(name)

#define ESPALIER_CONCAT(a, b) ESPALIER_CONCAT_INNER(a, b)
#define ESPALIER_CONCAT_INNER(a, b) a##b

#endif  // ESPALIER_MODELS_BASE_STATUS_MACROS_H_
