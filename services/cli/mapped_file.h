// A regular file in memory without a copy: its pages are read when they are touched and can be dropped again.
#ifndef ESPALIER_SERVICES_CLI_MAPPED_FILE_H_
#define ESPALIER_SERVICES_CLI_MAPPED_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace espalier {

// Movable; unmaps when it goes. The file must not be cut while it is mapped.
class MappedFile {
 public:
  // NOT_FOUND when there is none, FAILED_PRECONDITION for anything that is not a regular file. Errors name
  // the path.
  static absl::StatusOr<MappedFile> Open(const std::string& path);

  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  MappedFile(void* data, size_t size) : data_(data), size_(size) {}

  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_MAPPED_FILE_H_
