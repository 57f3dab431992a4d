#include "models/repository/watched_text.h"

#include <utility>

#include "models/base/file.h"

namespace espalier {

bool WatchedText::Refresh(const std::string& path, uint64_t max_bytes) {
  const std::optional<FileStamp> stamp = StampOf(path);
  const bool same = looked_ && stamp == stamp_;
  stamp_ = stamp;
  if (same && settled_) return false;
  settled_ = same && !(stamp && stamp->fresh);
  absl::StatusOr<std::string> text = ReadFile(path, max_bytes);
  const bool changed = !looked_ || text != text_;
  looked_ = true;
  text_ = std::move(text);
  return changed;
}

}  // namespace espalier
