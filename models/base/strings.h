// Text for messages, over std::string_view.
//
// Debian 12's Abseil has a string_view of its own, which neither converts to nor from the standard one; newer
// Abseil uses std::string_view. These few functions stand between, so that our APIs speak standard types with
// both.
#ifndef ESPALIER_MODELS_BASE_STRINGS_H_
#define ESPALIER_MODELS_BASE_STRINGS_H_

#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace espalier {

inline absl::string_view ToAbsl(std::string_view text) { return absl::string_view(text.data(), text.size()); }

// Works for absl::string_view of either kind.
inline std::string_view ToStd(absl::string_view text) { return std::string_view(text.data(), text.size()); }

// The message of a status.
inline std::string_view Message(const absl::Status& status) { return ToStd(status.message()); }

namespace strings_internal {
template <typename T>
decltype(auto) Piece(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return ToAbsl(value);
  } else {
    return (value);
  }
}
}  // namespace strings_internal

// absl::StrCat that takes std::string_view too.
template <typename... Args>
std::string StrCat(const Args&... args) {
  return absl::StrCat(strings_internal::Piece(args)...);
}

// An error whose message is the concatenation of `args`:
//   return Error(absl::StatusCode::kInvalidArgument, "weight ", weight, " of variant ", key, " must be >=
//   0");
template <typename... Args>
absl::Status Error(absl::StatusCode code, const Args&... args) {
  return absl::Status(code, StrCat(args...));
}

template <typename... Args>
absl::Status InvalidArgument(const Args&... args) {
  return Error(absl::StatusCode::kInvalidArgument, args...);
}

// `status` with `prefix` and ": " before its message; OK stays OK.
inline absl::Status Annotate(const absl::Status& status, std::string_view prefix) {
  return status.ok() ? status : Error(status.code(), prefix, ": ", Message(status));
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_STRINGS_H_
