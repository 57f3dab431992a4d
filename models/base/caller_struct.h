// Structs of a C interface's callers that were compiled against an older or a newer header.
#ifndef ESPALIER_MODELS_BASE_CALLER_STRUCT_H_
#define ESPALIER_MODELS_BASE_CALLER_STRUCT_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "models/base/strings.h"

namespace espalier {

// More than any future version; a larger struct_size was never set.
inline constexpr size_t kMaxStructSize = 4096;

// Whether `size`, which a caller put into a struct `name`, can be its size, which was `first` in version 1.
inline absl::Status CheckStructSize(std::string_view name, size_t size, size_t first) {
  if (size >= first && size <= kMaxStructSize) return absl::OkStatus();
  return InvalidArgument(name, ".struct_size is ", size, ", must be sizeof(", name, "): ", first, " or more");
}

// A copy of *source as this library knows the struct: fields that an older caller does not have are 0, and
// what a newer one appended must be 0, as this library cannot do it. `T` begins with `size_t struct_size`;
// `first` is its size in version 1.
template <typename T>
absl::StatusOr<T> CopyIn(std::string_view name, const T* source, size_t first) {
  if (source == nullptr) return InvalidArgument(name, " is NULL");
  size_t size = 0;
  std::memcpy(&size, source, sizeof(size));
  if (absl::Status status = CheckStructSize(name, size, first); !status.ok()) return status;
  const char* const bytes = reinterpret_cast<const char*>(source);
  if (size > sizeof(T) &&
      !std::all_of(bytes + sizeof(T), bytes + size, [](char byte) { return byte == 0; })) {
    return Error(absl::StatusCode::kUnimplemented, name, " has fields beyond its first ", sizeof(T),
                 " bytes that are not 0: the library is older than the header");
  }
  T copy = {};
  std::memcpy(&copy, source, std::min(size, sizeof(T)));
  return copy;
}

// Writes *result into a caller's struct of the same name: an older caller gets the fields that it knows, a
// newer one's further fields become 0. Its struct_size stays.
template <typename T>
absl::Status CopyOut(std::string_view name, const T& result, T* out, size_t first) {
  if (out == nullptr) return InvalidArgument(name, " is NULL");
  size_t size = 0;
  std::memcpy(&size, out, sizeof(size));
  if (absl::Status status = CheckStructSize(name, size, first); !status.ok()) return status;
  std::memset(static_cast<void*>(out), 0, size);
  std::memcpy(static_cast<void*>(out), &result, std::min(size, sizeof(T)));
  std::memcpy(static_cast<void*>(out), &size, sizeof(size));
  return absl::OkStatus();
}

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_CALLER_STRUCT_H_
