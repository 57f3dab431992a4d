// A cursor over a document of objects, arrays, strings and numbers: what JSON and UBJSON have in common.
//
//   ESPALIER_RETURN_IF_ERROR(source.EnterObject());
//   std::string key;
//   while (true) {
//     ESPALIER_ASSIGN_OR_RETURN(const bool more, source.NextKey(key));
//     if (!more) break;
//     if (key == "tree_info") ESPALIER_RETURN_IF_ERROR(source.ReadIntegers(tree_info, limit));
//     else ESPALIER_RETURN_IF_ERROR(source.SkipValue());
//   }
//
// There is no tree of values: the caller reads each value where it stands, once, straight into what it is
// for, and skips what it does not need. No call recurses, nesting is bounded by kMaxDepth, and no call
// allocates more than a small multiple of the bytes that it consumed, whatever counts the document declares.
//
// After an error the cursor is spent. Errors are INVALID_ARGUMENT and begin with the place, "byte 1234: ".
#ifndef ESPALIER_MODELS_FOREST_DOCUMENT_SOURCE_H_
#define ESPALIER_MODELS_FOREST_DOCUMENT_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// Not thread-safe. Does not own the bytes.
class DocumentSource {
 public:
  // Open objects and arrays at a time. XGBoost's models need 8.
  static constexpr size_t kMaxDepth = 64;

  enum class Kind : uint8_t { kObject, kArray, kScalar };

  virtual ~DocumentSource() = default;

  // What the next value is.
  virtual absl::StatusOr<Kind> Peek() = 0;

  // The next value must be an object. Then NextKey() until it returns false, with one value read or skipped
  // after each key.
  virtual absl::Status EnterObject() = 0;
  virtual absl::StatusOr<bool> NextKey(std::string& key) = 0;

  // The next value must be an array. Then NextElement() until it returns false, with one value read or
  // skipped after each true.
  virtual absl::Status EnterArray() = 0;
  virtual absl::StatusOr<bool> NextElement() = 0;

  // The text of a string, a number or a boolean.
  virtual absl::Status ReadText(std::string& text) = 0;

  // A whole array of integers that fit int32; booleans count as 0 and 1. Refuses more than `max_count`.
  virtual absl::Status ReadIntegers(std::vector<int32_t>& values, size_t max_count) = 0;

  // A whole array of numbers, each rounded once, to the nearest float32. May hold NaN and infinities.
  virtual absl::Status ReadFloats(std::vector<float>& values, size_t max_count) = 0;

  // Where the next value starts.
  virtual size_t Position() const = 0;

  // ReadFloats() of the array at a position that has been skipped, inside the object or array that is open.
  // The cursor stays where it is.
  virtual absl::Status ReadFloatsAt(size_t position, std::vector<float>& values, size_t max_count) = 0;

  // The next value, whatever it is. What is inside is only looked at as far as it takes to find its end.
  virtual absl::Status SkipValue() = 0;

  // Nothing may follow the document.
  virtual absl::Status Finish() = 0;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_DOCUMENT_SOURCE_H_
