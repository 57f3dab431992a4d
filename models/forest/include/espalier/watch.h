/* A directory of models, followed: new versions are loaded while the program runs. Plain C.
 *
 *   espalier_watch* watch = NULL;
 *   if (espalier_watch_open("/mnt/models", NULL, &watch) != ESPALIER_OK) puts(espalier_forest_error());
 *   espalier_forest* forest = NULL;                       (for each request, or each batch of them)
 *   if (espalier_watch_get(watch, "flight-delay", NULL, &forest) == ESPALIER_OK) {
 *     espalier_forest_predict(forest, ...);
 *     espalier_forest_free(forest);
 *   }
 *   espalier_watch_close(watch);
 *
 * The directory is laid out as a server's model repository (docs/repository.md), and followed by the same
 * code:
 *
 *   <model>/<version>/xgboost.ubj      or xgboost.json, xgboost.model, model.ubj, model.json
 *   <model>/<version>/variant.json     optional; its "sha256" is that of the model file
 *   <model>/<version>/xgboost.ubj.sha256   optional; the same as sha256sum writes it
 *   <model>/labels.json                optional: {"champion": 2}
 *
 * config.pbtxt is not read. A version that cannot be loaded, or whose bytes are not those of its checksums,
 * is refused, and what was loaded keeps serving. It may lie on network storage: there the directory is looked
 * at every poll_millis, on local disks also at once.
 */
#ifndef ESPALIER_WATCH_H_
#define ESPALIER_WATCH_H_

#include "espalier/forest.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct espalier_watch espalier_watch;

enum {
  ESPALIER_WATCH_LOADED = 1,   /* a version serves, or serves other bytes than before; text: its SHA-256 */
  ESPALIER_WATCH_UNLOADED = 2, /* a version serves no more */
  ESPALIER_WATCH_REFUSED = 3,  /* a version was tried in vain; text: why */
  ESPALIER_WATCH_LABEL = 4,    /* text: a label; version: what it names now, 0 if it is gone */
  ESPALIER_WATCH_WARNING = 5   /* text: what else is wrong, as the server logs it; model is "" */
};

typedef struct espalier_watch_event {
  size_t struct_size;
  int32_t kind;
  int64_t version;
  const char* model;
  const char* text; /* model and text live as long as the call */
} espalier_watch_event;

typedef struct espalier_watch_options {
  size_t struct_size;
  uint32_t poll_millis; /* how often the directory is looked at; 0 is 1000 */
  uint32_t latest; /* how many versions of a model are kept: the highest that can serve; 0: all there are */
  uint32_t manual; /* 1: only espalier_watch_poll looks at the directory, there is no thread */
  /* NULL, or called after each change, when espalier_watch_get gives what is new: on the watch's thread, or
   * in espalier_watch_open and espalier_watch_poll. It must not poll or close this watch. */
  void (*on_event)(void* context, const espalier_watch_event* event);
  void* context;
} espalier_watch_options;

/* Looks at the directory, loads what is there, and follows it until espalier_watch_close. Sets *watch, to
 * NULL on failure: FAILED_PRECONDITION when there is no such directory. A directory in which nothing can be
 * loaded is no failure. */
ESPALIER_API espalier_status espalier_watch_open(const char* directory, const espalier_watch_options* options,
                                                 espalier_watch** watch);

/* Looks at the directory now; returns when everything new is loaded or refused. */
ESPALIER_API espalier_status espalier_watch_poll(espalier_watch* watch);

/* Sets *forest to a version of a model, to NULL on failure. `version`: a number, or a label; NULL or "" is
 * the label "champion", and where nothing carries it the highest version that is ready. NOT_FOUND for what
 * the directory does not have, UNAVAILABLE for what could not be loaded.
 *
 * Takes no lock and waits for no load. The forest stays as it is, whatever happens to the directory or the
 * watch, until it is freed: each handle from here is freed by espalier_forest_free. */
ESPALIER_API espalier_status espalier_watch_get(const espalier_watch* watch, const char* model,
                                                const char* version, espalier_forest** forest);

/* Ends the thread, after a load that is under way; NULL is allowed. Nothing may use the watch any more. */
ESPALIER_API void espalier_watch_close(espalier_watch* watch);

#ifdef __cplusplus
}
#endif

#endif /* ESPALIER_WATCH_H_ */
