/* What the functions of espalier's libraries return. Included by espalier/forest.h and espalier/assign.h;
 * each of them has a function of its own for the text that goes with a code.
 */
#ifndef ESPALIER_STATUS_H_
#define ESPALIER_STATUS_H_

#include <stdint.h>

#if defined(__GNUC__)
#define ESPALIER_API __attribute__((visibility("default")))
#else
#define ESPALIER_API
#endif

/* 0, or why a function failed (gRPC's numbers). */
typedef int32_t espalier_status;
enum {
  ESPALIER_OK = 0,
  ESPALIER_INVALID_ARGUMENT = 3,    /* an argument or a file that is wrong */
  ESPALIER_NOT_FOUND = 5,           /* no such file */
  ESPALIER_PERMISSION_DENIED = 7,   /* a file that may not be read */
  ESPALIER_RESOURCE_EXHAUSTED = 8,  /* too large, or no memory */
  ESPALIER_FAILED_PRECONDITION = 9, /* not a regular file, or a directory that cannot be read */
  ESPALIER_OUT_OF_RANGE = 11,       /* the output has no room; the text says how much is needed */
  ESPALIER_UNIMPLEMENTED = 12,      /* what this library, or this version of it, cannot do */
  ESPALIER_INTERNAL = 13,
  ESPALIER_UNAVAILABLE = 14, /* a version that is known and not ready */
  ESPALIER_DATA_LOSS = 15    /* bytes that are not those of their checksum */
};

#endif /* ESPALIER_STATUS_H_ */
