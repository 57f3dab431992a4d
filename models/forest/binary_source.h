// A cursor over the records of XGBoost's old binary format: little-endian, without alignment between them.
//
// Nothing is read beyond the end and nothing is allocated before the bytes for it are known to be there.
// After an error the cursor is spent. Errors are INVALID_ARGUMENT and begin with the place, "byte 1234: ".
#ifndef ESPALIER_MODELS_FOREST_BINARY_SOURCE_H_
#define ESPALIER_MODELS_FOREST_BINARY_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace espalier {

// Not thread-safe. Does not own the bytes.
class BinarySource {
 public:
  // Starts at byte `start`.
  explicit BinarySource(std::string_view bytes, size_t start = 0) : bytes_(bytes), at_(start) {}

  size_t Remaining() const { return bytes_.size() - at_; }

  // A record as it lies in the file; `what` names it in the message.
  template <typename Record>
  absl::Status Read(std::string_view what, Record& record) {
    static_assert(std::is_trivially_copyable_v<Record>);
    return Copy(what, &record, sizeof(record));
  }

  // `count` records, whose number another field says.
  template <typename Record>
  absl::Status ReadMany(std::string_view what, size_t count, std::vector<Record>& records) {
    if (count > Remaining() / sizeof(Record)) return Missing(what, count, sizeof(Record));
    records.resize(count);
    return Copy(what, records.data(), count * sizeof(Record));
  }

  // A number of records (64 bits), then as many of at least `smallest` bytes.
  absl::StatusOr<size_t> ReadCount(std::string_view what, size_t smallest);
  // A number of bytes (64 bits), and they.
  absl::StatusOr<std::string_view> ReadText(std::string_view what);

  // Nothing may follow the model.
  absl::Status Finish() const;

 private:
  absl::Status Copy(std::string_view what, void* to, size_t size);
  absl::Status Missing(std::string_view what, uint64_t count, size_t size) const;

  std::string_view bytes_;
  size_t at_;
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_FOREST_BINARY_SOURCE_H_
