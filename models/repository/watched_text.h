// A small text file that may change, appear and vanish.
#ifndef ESPALIER_MODELS_REPOSITORY_WATCHED_TEXT_H_
#define ESPALIER_MODELS_REPOSITORY_WATCHED_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "models/repository/repository_scan.h"

namespace espalier {

class WatchedText {
 public:
  // Looks at the file; whether its text (or its being there, or the error of reading it) is another than at
  // the last look. The first look is always news. The file is read when its stamp is
  // another, and once more at the look after that.
  bool Refresh(const std::string& path, uint64_t max_bytes);

  // As of the last look; NOT_FOUND when there is no file.
  const absl::StatusOr<std::string>& text() const { return text_; }

 private:
  bool looked_ = false;
  // The file was read twice under the present stamp.
  bool settled_ = false;
  std::optional<FileStamp> stamp_;
  absl::StatusOr<std::string> text_ = absl::NotFoundError("");
};

}  // namespace espalier

#endif  // ESPALIER_MODELS_REPOSITORY_WATCHED_TEXT_H_
