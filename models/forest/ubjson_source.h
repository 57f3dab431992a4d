// UBJSON (ubjson.org, draft 12), as XGBoost 1.6 and later write it and a little more.
//
// Read are: every scalar, objects and arrays with or without a count, and arrays of one numeric type ("typed
// arrays"). Refused are typed arrays of anything else and typed objects, which no XGBoost writes: a typed
// array of nulls is how four bytes could claim a billion elements.
#ifndef ESPALIER_MODELS_FOREST_UBJSON_SOURCE_H_
#define ESPALIER_MODELS_FOREST_UBJSON_SOURCE_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "models/forest/document_source.h"

namespace espalier {

class UbjsonSource final : public DocumentSource {
 public:
  // `bytes` must outlive the source.
  explicit UbjsonSource(std::string_view bytes);

  absl::StatusOr<Kind> Peek() override;
  absl::Status EnterObject() override { return Enter('{', "an object"); }
  absl::StatusOr<bool> NextKey(std::string& key) override;
  absl::Status EnterArray() override { return Enter('[', "an array"); }
  absl::StatusOr<bool> NextElement() override { return NextItem(']'); }
  absl::Status ReadText(std::string& text) override;
  absl::Status ReadIntegers(std::vector<int32_t>& values, size_t max_count) override;
  absl::Status ReadFloats(std::vector<float>& values, size_t max_count) override;
  size_t Position() const override { return at_ - begin_; }
  absl::Status ReadFloatsAt(size_t position, std::vector<float>& values, size_t max_count) override;
  absl::Status SkipValue() override;
  absl::Status Finish() override;

 private:
  // An open object or array, or the header of an array that has just been read.
  struct Container {
    // The marker of every element's type; 0: each element says its own.
    char type = 0;
    // Items still to come; -1: until the closing marker.
    int64_t remaining = -1;
  };

  absl::Status Expected(std::string_view what) const;
  size_t Remaining() const { return end_ - at_; }
  // The next marker that is no filler, not stepped over; 0 at the end of the file.
  char NextMarker();
  absl::Status Enter(char marker, std::string_view what);
  // Reads `$` and `#` after the marker of a container.
  absl::StatusOr<Container> ReadHeader();
  absl::StatusOr<bool> NextItem(char closing);
  absl::StatusOr<int64_t> ReadLength();
  absl::StatusOr<std::string_view> ReadBytes();
  absl::Status SkipScalar(char marker);
  // An integer or number of the type `marker`, which stands before the cursor.
  absl::StatusOr<int64_t> ReadInteger(char marker);
  absl::StatusOr<double> ReadNumber(char marker);
  absl::Status ReadOne(int32_t& value);
  absl::Status ReadOne(float& value);
  template <typename Value>
  absl::Status ReadTyped(char type, size_t count, std::vector<Value>& values);
  template <typename Value>
  absl::Status ReadArray(std::vector<Value>& values, size_t max_count);

  const char* const begin_;
  const char* const end_;
  const char* at_;
  size_t depth_ = 0;
  std::array<Container, kMaxDepth> open_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_UBJSON_SOURCE_H_
