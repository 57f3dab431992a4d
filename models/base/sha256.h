// The digest by which artefacts are known.
#ifndef ESPALIER_MODELS_BASE_SHA256_H_
#define ESPALIER_MODELS_BASE_SHA256_H_

#include <string>
#include <string_view>

namespace espalier {

// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

// The same without the processor's own instructions for it, as where there are none.
std::string Sha256HexPortable(std::string_view bytes);

}  // namespace espalier

#endif  // ESPALIER_MODELS_BASE_SHA256_H_
