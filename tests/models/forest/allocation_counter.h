// Counts what operator new gives, in the programs that link allocation_counter.cc.
#ifndef ESPALIER_TESTS_MODELS_FOREST_ALLOCATION_COUNTER_H_
#define ESPALIER_TESTS_MODELS_FOREST_ALLOCATION_COUNTER_H_

#include <cstddef>

namespace espalier {

// Bytes that operator new has given since the start of the program, on all threads; never less than before.
size_t AllocatedBytes();

}  // namespace espalier

#endif  // ESPALIER_TESTS_MODELS_FOREST_ALLOCATION_COUNTER_H_
