// The header of NumPy's .npy files, versions 1.0 to 3.0 (numpy.lib.format).
#ifndef ESPALIER_SERVICES_CLI_NPY_HEADER_H_
#define ESPALIER_SERVICES_CLI_NPY_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace espalier {

struct NpyHeader {
  // "<f4", as NumPy writes it.
  std::string type;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
  // Where the array begins in the file.
  size_t data_begin = 0;
};

// Whether the file says that it is one.
bool IsNpy(std::string_view bytes);

// Reads the header at the begin of a file. INVALID_ARGUMENT says what is wrong; the size of the array itself
// is not checked.
absl::StatusOr<NpyHeader> ParseNpyHeader(std::string_view bytes);

// A header of version 1.0, always of the same length for the same number of dimensions, so that it can be
// written again when the number of rows is known.
std::string MakeNpyHeader(std::string_view type, const std::vector<uint64_t>& shape);

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_NPY_HEADER_H_
