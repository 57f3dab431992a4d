#include "models/forest/binary_source.h"

#include "models/base/status_macros.h"
#include "models/base/strings.h"

namespace espalier {

absl::StatusOr<size_t> BinarySource::ReadCount(std::string_view what, size_t smallest) {
  uint64_t count = 0;
  ESPALIER_RETURN_IF_ERROR(Read(what, count));
  if (count > Remaining() / smallest) return Missing(what, count, smallest);
  return count;
}

absl::StatusOr<std::string_view> BinarySource::ReadText(std::string_view what) {
  ESPALIER_ASSIGN_OR_RETURN(const size_t size, ReadCount(what, 1));
  const std::string_view text = bytes_.substr(at_, size);
  at_ += size;
  return text;
}

absl::Status BinarySource::Finish() const {
  if (Remaining() == 0) return absl::OkStatus();
  return InvalidArgument("byte ", at_, ": expected the end of the file, found ", Remaining(), " more bytes");
}

absl::Status BinarySource::Copy(std::string_view what, void* to, size_t size) {
  if (size > Remaining()) return Missing(what, 1, size);
  if (size > 0) std::memcpy(to, bytes_.data() + at_, size);
  at_ += size;
  return absl::OkStatus();
}

absl::Status BinarySource::Missing(std::string_view what, uint64_t count, size_t size) const {
  return InvalidArgument("byte ", at_, ": ", what, " needs ", count, " x ", size, " bytes, ", Remaining(),
                         " are left");
}

}  // namespace espalier
