// Runs a program as a user would, and catches what it says.
#ifndef ESPALIER_TESTS_TESTING_PROGRAM_H_
#define ESPALIER_TESTS_TESTING_PROGRAM_H_

#include <string>
#include <vector>

namespace espalier {

struct ProgramResult {
  // -1 when a signal ended it.
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Waits for its end. `arguments` are passed as they are: no shell reads them.
ProgramResult RunProgram(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace espalier

#endif  // ESPALIER_TESTS_TESTING_PROGRAM_H_
