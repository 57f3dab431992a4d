// How a verb prints JSON.
#ifndef ESPALIER_SERVICES_CLI_PRINT_JSON_H_
#define ESPALIER_SERVICES_CLI_PRINT_JSON_H_

#include <iostream>
#include <string>

#include "nlohmann/json.hpp"

namespace espalier {

// On one line; `indent` spaces a level for people. File names and cells are bytes that need not be UTF-8,
// which JSON is: what is not becomes U+FFFD. (The library's own default ends the program.)
template <typename Json>
std::string JsonText(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

template <typename Json>
void PrintJson(const Json& json, int indent = -1) {
  std::cout << JsonText(json, indent) << "\n";
}

}  // namespace espalier

#endif  // ESPALIER_SERVICES_CLI_PRINT_JSON_H_
