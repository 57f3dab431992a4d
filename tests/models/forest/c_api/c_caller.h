/* The interface as a program in C uses it. */
#ifndef ESPALIER_TESTS_MODELS_FOREST_C_API_C_CALLER_H_
#define ESPALIER_TESTS_MODELS_FOREST_C_API_C_CALLER_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Predicts `rows` with the model and compares bit by bit; NULL, or what went wrong. */
const char* PredictsFromC(const char* path, const float* rows, size_t num_rows, size_t num_columns,
                          const float* expected);

/* Hands over every kind of nonsense that C's type system allows; NULL, or what was not refused. */
const char* RefusesFromC(const char* path);

#ifdef __cplusplus
}
#endif

#endif /* ESPALIER_TESTS_MODELS_FOREST_C_API_C_CALLER_H_ */
