/* The interface as a program in C uses it. */
#ifndef ESPALIER_TESTS_ROUTER_C_API_C_CALLER_H_
#define ESPALIER_TESTS_ROUTER_C_API_C_CALLER_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Hands over every kind of nonsense that C's type system allows; NULL, or what was not refused. `document`
 * has a running experiment on the model "m" over the unit "u". */
const char* RefusesFromC(const char* document);

#ifdef __cplusplus
}
#endif

#endif /* ESPALIER_TESTS_ROUTER_C_API_C_CALLER_H_ */
