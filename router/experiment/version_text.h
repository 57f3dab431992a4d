// How versions are ordered: as text, once every numeric part is padded to the same width.
//
// A leading `v` and everything from the first `+` are dropped; the rest is cut at `-` and `.`; parts of
// digits only are padded with spaces to five; three parts get a fourth, `~`, so that a release stands after
// its pre-releases. This is GrowthBook's paddedVersionString, whose quirks (r2 > r100) its vectors fix.
#ifndef ESPALIER_ROUTER_EXPERIMENT_VERSION_TEXT_H_
#define ESPALIER_ROUTER_EXPERIMENT_VERSION_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace espalier {

// Reads the padded text one character at a time, without building it. `version` is a view.
class PaddedVersion {
 public:
  explicit PaddedVersion(std::string_view version);

  // The next character, or -1 after the last.
  int Next();

 private:
  void StartPart();

  std::string_view rest_;
  std::string_view part_;
  size_t padding_ = 0;
  bool more_parts_ = true;
  bool release_;
};

// The whole padded text.
std::string PaddedVersionText(std::string_view version);

// Negative, zero or positive as the version is before, equal to or after `padded`, a PaddedVersionText.
int CompareVersion(std::string_view version, std::string_view padded);

}  // namespace espalier

#endif  // ESPALIER_ROUTER_EXPERIMENT_VERSION_TEXT_H_
