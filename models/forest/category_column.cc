#include "models/forest/category_column.h"

#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "models/base/status_macros.h"
#include "models/base/strings.h"
#include "models/forest/field_text.h"

namespace espalier {
namespace {

absl::Status CheckOffsets(const CategoryColumn& column) {
  const std::vector<int32_t>& offsets = column.offsets;
  const auto end = static_cast<int64_t>(column.values.size());
  if (offsets.front() != 0 || offsets.back() != end) {
    return InvalidArgument("offsets from ", offsets.front(), " to ", offsets.back(), ": must be from 0 to ",
                           end, ", the number of values");
  }
  size_t empty = 0;
  for (size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] < offsets[i - 1]) {
      return InvalidArgument("offsets[", i, "] ", offsets[i], ": must not be less than the one before it");
    }
    // Before a name is made of each.
    if (offsets[i] == offsets[i - 1] && ++empty > 1) return InvalidArgument("category \"\": is there twice");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ToText(const CategoryColumn& column, size_t code) {
  std::string text;
  for (int32_t i = column.offsets[code]; i < column.offsets[code + 1]; ++i) {
    const int32_t value = column.values[i];
    if (value < -128 || value > 255) {
      return InvalidArgument("values[", i, "] ", value, ": must be a byte, -128 to 255");
    }
    text.push_back(static_cast<char>(value));
  }
  return text;
}

}  // namespace

void CategoryColumn::Clear() {
  offsets.clear();
  values.clear();
}

absl::StatusOr<std::vector<std::string>> ToCategoryNames(const CategoryColumn& column) {
  std::vector<std::string> names;
  if (column.offsets.empty()) {
    names.reserve(column.values.size());
    for (const int32_t value : column.values) names.push_back(std::to_string(value));
  } else {
    ESPALIER_RETURN_IF_ERROR(CheckOffsets(column));
    names.reserve(column.offsets.size() - 1);
    for (size_t code = 0; code + 1 < column.offsets.size(); ++code) {
      ESPALIER_ASSIGN_OR_RETURN(names.emplace_back(), ToText(column, code));
    }
  }
  absl::flat_hash_set<std::string_view> distinct;
  distinct.reserve(names.size());
  for (const std::string& name : names) {
    if (!distinct.insert(name).second) return InvalidArgument("category ", Quoted(name), ": is there twice");
  }
  return names;
}

}  // namespace espalier
