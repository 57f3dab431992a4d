#include "tests/models/forest/c_api/c_caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "espalier/forest.h"

static char message[4096];

static const char* Say(const char* what) {
  snprintf(message, sizeof message, "%s: %s", what, espalier_forest_error());
  return message;
}

const char* PredictsFromC(const char* path, const float* rows, size_t num_rows, size_t num_columns,
                          const float* expected) {
  espalier_forest* forest = NULL;
  const char* wrong = NULL;
  size_t width = 0;
  float* out = NULL;
  espalier_rows input = {.struct_size = sizeof input};
  input.values = rows;
  input.num_rows = num_rows;
  input.num_columns = num_columns;
  if (espalier_forest_load(path, &forest) != ESPALIER_OK) return Say("load");
  if (espalier_forest_output_width(forest, NULL, &width) != ESPALIER_OK) wrong = Say("width");
  out = malloc(num_rows * width * sizeof *out);
  if (wrong == NULL && espalier_forest_predict(forest, &input, NULL, out, num_rows * width) != ESPALIER_OK) {
    wrong = Say("predict");
  }
  if (wrong == NULL && memcmp(out, expected, num_rows * width * sizeof *out) != 0) wrong = "other bits";
  free(out);
  espalier_forest_free(forest);
  return wrong;
}

/* Fails unless the call gives the code, and a text that has the fragment. */
#define REFUSED(code, fragment, call)                                                       \
  do {                                                                                      \
    const espalier_status got = (call);                                                     \
    if (got != (code) || strstr(espalier_forest_error(), fragment) == NULL) {               \
      snprintf(message, sizeof message, "%s gave %d: %s", #call, got, espalier_forest_error()); \
      return message;                                                                       \
    }                                                                                       \
  } while (0)

static const char* RefusesNothing(const char* path) {
  espalier_forest* forest = NULL;
  espalier_forest_info info = {.struct_size = sizeof info};
  const char* name = NULL;
  int32_t kind = 0;
  size_t width = 0;
  float out[4];
  int32_t integers[4];
  espalier_forest_free(NULL);
  REFUSED(ESPALIER_INVALID_ARGUMENT, "path is NULL", espalier_forest_load(NULL, &forest));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_load(path, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "bytes is NULL", espalier_forest_load_memory(NULL, 10, &forest));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_load_memory("{}", 2, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_describe(NULL, &info));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_feature_name(NULL, 0, &name));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_feature_kind(NULL, 0, &kind));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_output_width(NULL, NULL, &width));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL", espalier_forest_predict(NULL, NULL, NULL, out, 4));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "forest is NULL",
          espalier_forest_predict_int32(NULL, NULL, NULL, integers, 4));
  return NULL;
}

static const char* RefusesArguments(const espalier_forest* forest) {
  espalier_forest_info info = {.struct_size = 3};
  espalier_predict_options options = {.struct_size = sizeof options};
  espalier_rows rows = {.struct_size = sizeof rows};
  const float values[8] = {0};
  const char* name = NULL;
  int32_t kind = 0;
  float out[1];
  REFUSED(ESPALIER_INVALID_ARGUMENT, "info is NULL", espalier_forest_describe(forest, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "struct_size is 3", espalier_forest_describe(forest, &info));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "name is NULL", espalier_forest_feature_name(forest, 0, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "feature is 8", espalier_forest_feature_name(forest, 8, &name));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "kind is NULL", espalier_forest_feature_kind(forest, 0, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "feature is 4294967295",
          espalier_forest_feature_kind(forest, UINT32_MAX, &kind));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "width is NULL", espalier_forest_output_width(forest, NULL, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_rows is NULL",
          espalier_forest_predict(forest, NULL, NULL, out, 1));
  rows.values = values;
  rows.num_rows = 1;
  rows.num_columns = 8;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "out is NULL", espalier_forest_predict(forest, &rows, NULL, NULL, 1));
  REFUSED(ESPALIER_OUT_OF_RANGE, "out_size is 0", espalier_forest_predict(forest, &rows, NULL, out, 0));
  options.kind = -1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "kind is -1", espalier_forest_predict(forest, &rows, &options, out, 1));
  options.kind = ESPALIER_CLASS;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "int32", espalier_forest_predict(forest, &rows, &options, out, 1));
  return NULL;
}

const char* RefusesFromC(const char* path) {
  espalier_forest* forest = NULL;
  const char* wrong = RefusesNothing(path);
  if (wrong != NULL) return wrong;
  if (espalier_forest_load(path, &forest) != ESPALIER_OK) return Say("load");
  wrong = RefusesArguments(forest);
  espalier_forest_free(forest);
  return wrong;
}
