#include "tests/models/forest/allocation_counter.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace espalier {
namespace {

std::atomic<size_t> allocated_bytes = 0;

}  // namespace

size_t AllocatedBytes() { return allocated_bytes; }

static void* Allocate(size_t size) {
  allocated_bytes += size;
  void* const memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace espalier

void* operator new(size_t size) { return espalier::Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
