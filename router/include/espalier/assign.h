/* The assignment as a library of its own: which variant of an experiment a unit gets, in the caller's
 * process, from the experiment files of the server and by its code. Plain C.
 *
 *   espalier_experiments* experiments = NULL;
 *   if (espalier_experiments_load("experiments", &experiments) != ESPALIER_OK) puts(espalier_assign_error());
 *   espalier_request request = {.struct_size = sizeof request, .model = "flight-delay", .unit = "N12345"};
 *   espalier_assignment assignment = {.struct_size = sizeof assignment};
 *   if (espalier_experiments_assign(experiments, &request, &assignment) != ESPALIER_OK) ...
 *   if (assignment.variant != NULL) predict(assignment.version);
 *   espalier_experiments_free(experiments);
 *
 * Experiments never change once they are loaded: any number of threads may assign by them at the same time.
 * To take a new file, load it beside the old one, and free the old one when nobody uses it or its assignments
 * any more. No exception leaves these functions, and none of them ends the program.
 *
 * Structs begin with their size, which the caller sets to sizeof: fields that come later stand at the end,
 * and 0 in them means what was before. Set everything to 0 (`= {.struct_size = sizeof x}`) before filling in.
 * Text is UTF-8. Where it has a size beside it, a size of 0 says that the text ends with a zero byte.
 */
#ifndef ESPALIER_ASSIGN_H_
#define ESPALIER_ASSIGN_H_

#include <stddef.h>
#include <stdint.h>

#include "espalier/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct espalier_experiments espalier_experiments;

/* What an attribute is, and which of its fields counts. */
enum {
  ESPALIER_TEXT = 0,    /* text */
  ESPALIER_INTEGER = 1, /* integer */
  ESPALIER_NUMBER = 2,  /* number */
  ESPALIER_BOOLEAN = 3, /* integer: 0 or 1 */
  ESPALIER_TEXTS = 4    /* texts, num_texts */
};

/* What is known about a request under a name: what the server takes from a request parameter. This struct
 * stays as it is. */
typedef struct espalier_attribute {
  const char* name;
  int32_t type;
  int64_t integer;
  double number;
  const char* text;
  size_t text_size;
  const char* const* texts; /* each ends with a zero byte */
  size_t num_texts;
} espalier_attribute;

typedef struct espalier_request {
  size_t struct_size;
  const char* model; /* ends with a zero byte */
  /* The unit, whatever the experiments call it; NULL or empty: the attribute that they name. At most 256
   * bytes. */
  const char* unit;
  size_t unit_size;
  /* What a request without unit is assigned by, if an experiment says `fallback: request_id`; without it, the
   * event id in decimal. */
  const char* request_id;
  size_t request_id_size;
  /* Of espalier_event_ids_next; 0: none. An exposure needs one. */
  uint64_t event_id;
  int64_t now_micros; /* since 1970; 0: by the system's clock */
  /* What the targeting asks for: a JSON object, and attributes one by one, which come first. Of two with one
   * name the last one counts. */
  const char* attributes_json;
  size_t attributes_json_size;
  const espalier_attribute* attributes;
  size_t num_attributes;
} espalier_request;

/* What was decided. Texts end with a zero byte and, but for `unit`, live as long as the experiments. */
typedef struct espalier_assignment {
  size_t struct_size;
  int32_t enrolled;        /* 1: the unit takes part, and the exposure is to be logged */
  int32_t bucket;          /* 0 to 9999; -1: there is no unit */
  int32_t layer_slot;      /* 0 to 9990; -1: no layer */
  uint32_t config_version; /* of the experiment; 0 when the unit is not enrolled */
  /* What answers: the assigned variant, or the control for a unit that is not enrolled. NULL and 0 when no
   * experiment concerns the model: the version is whichever the application has without experiments. */
  const char* variant;
  int64_t version;
  const char* experiment; /* NULL when the unit is not enrolled */
  /* "hash", "override", "unitless", or "not enrolled: " and what kept the unit out: "coverage", "targeting",
   * "layer", "holdout", "no unit", "not started", "ended", "held", "rolled back", "no experiment". */
  const char* reason;
  const char* model; /* NULL when the unit is not enrolled */
  /* Of every variant, in the order of the document: "[0.5,0.5]". NULL when the unit is not enrolled. */
  const char* probabilities;
  /* Of the experiment, when the unit is enrolled: its control, and whether that is to answer where the
   * assigned variant cannot (on_variant_error: {serve: control}). */
  const char* control;
  int64_t control_version;
  int32_t serve_control_on_error; /* 0 or 1 */
  /* As the request had them. */
  uint64_t event_id;
  int64_t now_micros;
  /* As it was hashed. */
  size_t unit_size;
  char unit[264];
} espalier_assignment;

/* What became of an assignment, for its exposure. */
typedef struct espalier_answer {
  size_t struct_size;
  int32_t served_control; /* 1: the control answered in place of the assigned variant */
  uint32_t status;        /* 0, or gRPC's code when nothing answered: 14, UNAVAILABLE */
  uint32_t rows;
  uint32_t latency_micros;
  const char* sha256; /* of the model's file, in hexadecimal; NULL: not known */
  /* What was answered and what the model saw, row by row; NULL: not logged. */
  const float* scores;
  size_t num_scores;
  const float* features;
  size_t num_features;
} espalier_answer;

typedef struct espalier_experiment_info {
  size_t struct_size;
  const char* experiment; /* its key */
  const char* model;
  const char* state; /* "running", "draft", "held", "rolled_back", "concluded" */
  const char* unit_attribute;
  uint32_t config_version;
  uint32_t num_variants;
} espalier_experiment_info;

/* "0.1.0". */
ESPALIER_API const char* espalier_assign_version(void);

/* Why the last call on this thread that failed did so, at most 2,047 bytes; "" if none has. Valid until the
 * next one that fails. */
ESPALIER_API const char* espalier_assign_error(void);

/* Loads the experiments of a file, or of every *.yaml, *.yml and *.json of a directory, as a server does: all
 * of them or none. Sets *experiments, to NULL on failure; the text names the file, the field, its value and
 * what is allowed. */
ESPALIER_API espalier_status espalier_experiments_load(const char* path, espalier_experiments** experiments);

/* The same for a file in memory. `name` stands for the file in errors; when it ends in ".json", the text is
 * JSON. The bytes are not needed afterwards. */
ESPALIER_API espalier_status espalier_experiments_load_memory(const void* bytes, size_t size,
                                                              const char* name,
                                                              espalier_experiments** experiments);

/* NULL is allowed. */
ESPALIER_API void espalier_experiments_free(espalier_experiments* experiments);

/* How many there are, in whatever state; 0 for NULL. */
ESPALIER_API size_t espalier_experiments_count(const espalier_experiments* experiments);

/* Fills *info, whose struct_size must be set, about one of them; `index` counts them by key. */
ESPALIER_API espalier_status espalier_experiments_describe(const espalier_experiments* experiments,
                                                           size_t index, espalier_experiment_info* info);

/* Decides. Fills *assignment, whose struct_size must be set; it has no meaning after a failure. Refused is
 * what the server refuses: a unit of more than 256 bytes or not in UTF-8, and a request id of more than
 * 4,096. Takes no lock, and allocates for attributes in JSON and lists of texts only. */
ESPALIER_API espalier_status espalier_experiments_assign(const espalier_experiments* experiments,
                                                         const espalier_request* request,
                                                         espalier_assignment* assignment);

/* Writes the record that the unit got the variant as one line of JSON, without a line end: the columns of
 * `exposures` in the server's event log, in their order. The assignment is enrolled and has an event id; its
 * experiments are still loaded. `answer` NULL: nothing is known about it.
 * Writes *size bytes and a zero byte, and sets *size; ESPALIER_OUT_OF_RANGE, with *size set and nothing
 * written, when out_size is not more than that. */
ESPALIER_API espalier_status espalier_exposure_json(const espalier_assignment* assignment,
                                                    const espalier_answer* answer, char* out, size_t out_size,
                                                    size_t* size);

/* Makes the event ids of one process: 63-bit numbers, ascending in time, that begin with the millisecond. Any
 * number of threads may use one maker. */
typedef struct espalier_event_ids espalier_event_ids;

/* `front`, at most 1023, is a number that no other process (server or application) that writes to the same
 * log has. After a restart `last_id` is the greatest id of this front in the log (0: none), so that a clock
 * that was set back meanwhile repeats none. Sets *ids, to NULL on failure. */
ESPALIER_API espalier_status espalier_event_ids_create(uint32_t front, uint64_t last_id,
                                                       espalier_event_ids** ids);

/* NULL is allowed. */
ESPALIER_API void espalier_event_ids_free(espalier_event_ids* ids);

/* Sets *event_id to one that is greater than every one before. now_micros 0: by the system's clock. */
ESPALIER_API espalier_status espalier_event_ids_next(espalier_event_ids* ids, int64_t now_micros,
                                                     uint64_t* event_id);

#ifdef __cplusplus
}
#endif

#endif /* ESPALIER_ASSIGN_H_ */
