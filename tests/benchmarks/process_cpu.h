// CPU time of another process, in nanoseconds, from /proc: precise to the scheduler's clock.
#ifndef ESPALIER_TESTS_BENCHMARKS_PROCESS_CPU_H_
#define ESPALIER_TESTS_BENCHMARKS_PROCESS_CPU_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace espalier {

// Time that the threads of `pid` that are alive now have run.
inline int64_t ProcessCpuNanos(pid_t pid) {
  int64_t total = 0;
  std::error_code error;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    int64_t running = 0;
    if (schedstat >> running) total += running;
  }
  return total;
}

}  // namespace espalier

#endif  // ESPALIER_TESTS_BENCHMARKS_PROCESS_CPU_H_
