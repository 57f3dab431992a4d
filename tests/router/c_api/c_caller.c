#include "tests/router/c_api/c_caller.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "espalier/assign.h"

static char message[4096];

/* Fails unless the call gives the code, and a text that has the fragment. */
#define REFUSED(code, fragment, call)                                                           \
  do {                                                                                          \
    const espalier_status got = (call);                                                         \
    if (got != (code) || strstr(espalier_assign_error(), fragment) == NULL) {                   \
      snprintf(message, sizeof message, "%s gave %d: %s", #call, got, espalier_assign_error()); \
      return message;                                                                           \
    }                                                                                           \
  } while (0)

static const char* RefusesNothing(void) {
  espalier_experiments* experiments = (espalier_experiments*)message;
  espalier_request request = {.struct_size = sizeof request, .model = "m"};
  espalier_assignment assignment = {.struct_size = sizeof assignment};
  espalier_experiment_info info = {.struct_size = sizeof info};
  espalier_event_ids* ids = NULL;
  uint64_t id = 1;
  char out[8];
  size_t size = 1;
  espalier_experiments_free(NULL);
  espalier_event_ids_free(NULL);
  REFUSED(ESPALIER_INVALID_ARGUMENT, "path is NULL", espalier_experiments_load(NULL, &experiments));
  if (experiments != NULL) return "experiments are not NULL after a failure";
  REFUSED(ESPALIER_INVALID_ARGUMENT, "experiments is NULL", espalier_experiments_load("x", NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "bytes is NULL",
          espalier_experiments_load_memory(NULL, 3, "x", &experiments));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "name is NULL",
          espalier_experiments_load_memory("x", 1, NULL, &experiments));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "experiments is NULL",
          espalier_experiments_load_memory("x", 1, "x", NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "experiments is NULL", espalier_experiments_describe(NULL, 0, &info));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "experiments is NULL",
          espalier_experiments_assign(NULL, &request, &assignment));
  if (espalier_experiments_count(NULL) != 0) return "count of NULL";
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_assignment is NULL",
          espalier_exposure_json(NULL, NULL, out, sizeof out, &size));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "size is NULL",
          espalier_exposure_json(&assignment, NULL, out, sizeof out, NULL));
  REFUSED(ESPALIER_FAILED_PRECONDITION, "not enrolled",
          espalier_exposure_json(&assignment, NULL, out, sizeof out, &size));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "ids is NULL", espalier_event_ids_create(0, 0, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "front is 1024", espalier_event_ids_create(1024, 0, &ids));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "last_id is", espalier_event_ids_create(0, UINT64_MAX, &ids));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "ids is NULL", espalier_event_ids_next(NULL, 0, &id));
  if (id != 0) return "an id after a failure";
  REFUSED(ESPALIER_INVALID_ARGUMENT, "event_id is NULL", espalier_event_ids_next(NULL, 0, NULL));
  return NULL;
}

static const char* RefusesRequests(const espalier_experiments* experiments) {
  espalier_request request = {.struct_size = sizeof request, .model = "m", .unit = "u"};
  espalier_assignment assignment = {.struct_size = sizeof assignment};
  espalier_experiment_info info = {.struct_size = 3};
  char text[5000];
  memset(text, 'x', sizeof text);
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_request is NULL",
          espalier_experiments_assign(experiments, NULL, &assignment));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_assignment is NULL",
          espalier_experiments_assign(experiments, &request, NULL));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "struct_size is 3",
          espalier_experiments_describe(experiments, 0, &info));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "index is 9", espalier_experiments_describe(experiments, 9, &info));
  assignment.struct_size = 0;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_assignment.struct_size is 0",
          espalier_experiments_assign(experiments, &request, &assignment));
  assignment.struct_size = sizeof assignment;
  request.struct_size = sizeof request - 1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_request.struct_size is",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.struct_size = sizeof request;
  request.unit_size = 257;
  request.unit = text;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "has 257 bytes",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.unit_size = sizeof text;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "has 5000 bytes",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.unit = "\xff\xfe";
  request.unit_size = 0;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "valid UTF-8",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.unit = "u";
  request.request_id = text;
  request.request_id_size = 4097;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "request_id has 4097 bytes",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.request_id = "\x80";
  request.request_id_size = 1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "request_id has 1 bytes",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.request_id = NULL;
  request.event_id = UINT64_MAX;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "event_id is 18446744073709551615",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.event_id = 0;
  request.attributes_json = "{";
  REFUSED(ESPALIER_INVALID_ARGUMENT, "is no JSON",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.attributes_json = NULL;
  request.num_attributes = 1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "attributes is NULL",
          espalier_experiments_assign(experiments, &request, &assignment));
  request.model = NULL;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "model is NULL",
          espalier_experiments_assign(experiments, &request, &assignment));
  return NULL;
}

static const char* RefusesExposures(const espalier_experiments* experiments) {
  espalier_request request = {.struct_size = sizeof request, .model = "m", .unit = "u"};
  espalier_assignment assignment = {.struct_size = sizeof assignment};
  espalier_answer answer = {.struct_size = sizeof answer};
  char out[4096];
  size_t size = 0;
  if (espalier_experiments_assign(experiments, &request, &assignment) != ESPALIER_OK) return "assign";
  REFUSED(ESPALIER_FAILED_PRECONDITION, "no event id",
          espalier_exposure_json(&assignment, NULL, out, sizeof out, &size));
  assignment.event_id = 1;
  REFUSED(ESPALIER_OUT_OF_RANGE, "bytes are needed",
          espalier_exposure_json(&assignment, NULL, NULL, 0, &size));
  if (size < 100 || size > 1000) return "the size that is needed";
  REFUSED(ESPALIER_OUT_OF_RANGE, "bytes are needed",
          espalier_exposure_json(&assignment, NULL, out, size, &size));
  REFUSED(ESPALIER_INVALID_ARGUMENT, "out is NULL",
          espalier_exposure_json(&assignment, NULL, NULL, 4096, &size));
  answer.num_scores = 2;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "scores is NULL",
          espalier_exposure_json(&assignment, &answer, out, sizeof out, &size));
  answer.scores = (const float*)out;
  answer.num_scores = SIZE_MAX;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "num_scores is",
          espalier_exposure_json(&assignment, &answer, out, sizeof out, &size));
  answer.num_scores = 0;
  answer.status = 14;
  answer.served_control = 1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "either the control answered",
          espalier_exposure_json(&assignment, &answer, out, sizeof out, &size));
  answer.struct_size = 1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "espalier_answer.struct_size is 1",
          espalier_exposure_json(&assignment, &answer, out, sizeof out, &size));
  assignment.unit_size = SIZE_MAX;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "is none of espalier_experiments_assign",
          espalier_exposure_json(&assignment, NULL, out, sizeof out, &size));
  memset(&assignment, 0, sizeof assignment);
  assignment.struct_size = sizeof assignment;
  assignment.enrolled = 1;
  assignment.event_id = 1;
  REFUSED(ESPALIER_INVALID_ARGUMENT, "is none of espalier_experiments_assign",
          espalier_exposure_json(&assignment, NULL, out, sizeof out, &size));
  return NULL;
}

const char* RefusesFromC(const char* document) {
  espalier_experiments* experiments = NULL;
  const char* wrong = RefusesNothing();
  if (wrong != NULL) return wrong;
  if (espalier_experiments_load_memory(document, strlen(document), "e.yaml", &experiments) != ESPALIER_OK) {
    return espalier_assign_error();
  }
  wrong = RefusesRequests(experiments);
  if (wrong == NULL) wrong = RefusesExposures(experiments);
  espalier_experiments_free(experiments);
  return wrong;
}
