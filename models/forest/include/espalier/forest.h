/* The forest as a library of its own: loads a model file and predicts in the caller's process. Plain C.
 *
 *   espalier_forest* forest = NULL;
 *   if (espalier_forest_load("model.ubj", &forest) != ESPALIER_OK) puts(espalier_forest_error());
 *   espalier_rows rows = {.struct_size = sizeof rows, .values = x, .num_rows = n, .num_columns = 8};
 *   if (espalier_forest_predict(forest, &rows, NULL, scores, n) != ESPALIER_OK) ...
 *   espalier_forest_free(forest);
 *
 * A forest never changes once it is loaded: any number of threads may use one at the same time. Whoever
 * loaded it frees it, once, when nobody uses it any more. No exception leaves these functions, and none of
 * them ends the program.
 *
 * Structs begin with their size, which the caller sets to sizeof: fields that come later stand at the end,
 * and 0 in them means what was before. Set everything to 0 (`= {.struct_size = sizeof x}`) before filling in.
 */
#ifndef ESPALIER_FOREST_H_
#define ESPALIER_FOREST_H_

#include <stddef.h>
#include <stdint.h>

#include "espalier/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct espalier_forest espalier_forest;

/* What a prediction gives for each row, and its type. */
enum {
  ESPALIER_VALUE = 0,         /* float: as XGBoost's predict(): probability, class of multi:softmax, ... */
  ESPALIER_MARGIN = 1,        /* float: the untransformed sums */
  ESPALIER_CONTRIBUTIONS = 2, /* float: SHAP values per output, one a feature and the bias last */
  ESPALIER_CLASS = 3,         /* int32: the most probable class; of a probability, 1 where it is > 0.5 */
  ESPALIER_LEAF = 4,          /* int32: number of the leaf reached in each tree */
  ESPALIER_INTERACTIONS = 5   /* float: per output a symmetric square of num_features + 1, whose rows add up
                                 to the contributions */
};

enum { ESPALIER_DENSE = 0, ESPALIER_CSR = 1 };
enum { ESPALIER_FLOAT32 = 0, ESPALIER_FLOAT64 = 1 };
enum { ESPALIER_NUMERIC = 0, ESPALIER_CATEGORICAL = 1 };

/* Rows of num_columns features in the machine's byte order; NaN is missing, an infinity is an ordinary value.
 * FLOAT64 is rounded to the nearest float; a number beyond float's range is refused. Categories are their
 * codes. */
typedef struct espalier_rows {
  size_t struct_size;
  int32_t layout;     /* ESPALIER_DENSE or ESPALIER_CSR */
  int32_t type;       /* ESPALIER_FLOAT32 or ESPALIER_FLOAT64 */
  const void* values; /* any alignment */
  size_t num_rows;
  size_t num_columns; /* the model's num_features */
  /* DENSE: bytes from a row to the next one; 0: they lie without gaps. */
  size_t row_stride;
  /* CSR: row i has values[row_offsets[i]] up to but without values[row_offsets[i + 1]], each in the column of
   * the same place in `columns`; what is not there is missing, and of two in one column the last one counts.
   * There are num_rows + 1 offsets and num_values values and columns. */
  const uint64_t* row_offsets;
  const uint32_t* columns;
  size_t num_values;
} espalier_rows;

typedef struct espalier_predict_options {
  size_t struct_size;
  int32_t kind; /* ESPALIER_VALUE, ... */
  /* Boosting iterations from begin up to but without end; end 0: to the last. */
  uint32_t iteration_begin;
  uint32_t iteration_end;
  /* How many threads may work on many rows (dense, float32), the caller's included; 0 is 1. The bits are the
   * same for any number. */
  uint32_t threads;
  /* NULL, or num_rows * num_outputs margins on which the trees are added, in place of the model's own. */
  const float* base_margin;
  size_t base_margin_size;
  /* NULL, or of CONTRIBUTIONS: rows from which a feature that is not known has its value ("interventional"
   * SHAP values), in place of the ways that the training rows went. They are prepared anew in each call. */
  const espalier_rows* background;
} espalier_predict_options;

/* The strings live as long as the forest. */
typedef struct espalier_forest_info {
  size_t struct_size;
  uint32_t num_features;
  uint32_t num_outputs; /* margins a row: classes, targets or quantiles */
  uint32_t num_trees;
  uint32_t num_iterations;
  int64_t best_iteration; /* -1 when the file names none */
  uint64_t num_nodes;
  uint32_t max_depth;
  uint32_t has_feature_names; /* 0 or 1 */
  uint64_t memory_bytes;
  const char* objective; /* "binary:logistic" */
  const char* format;    /* "xgboost_ubj", "lightgbm_text", "sklearn_json", ... */
  const char* version;   /* of the program that wrote the file, "3.2.0"; "" when it does not say */
  const char* kernel;    /* the engine that walks the trees, for people */
  /* Of a forest from a watched directory (espalier/watch.h): the version's number, and the SHA-256 of its
   * file in hexadecimal. Else 0 and "". */
  int64_t model_version;
  const char* sha256;
} espalier_forest_info;

/* "0.1.0". */
ESPALIER_API const char* espalier_forest_version(void);

/* Why the last call on this thread that failed did so, at most 2,047 bytes; "" if none has. Valid until the
 * next one that fails. */
ESPALIER_API const char* espalier_forest_error(void);

/* Loads a model file, or one that is in memory (the bytes are not needed afterwards). Sets *forest, to NULL
 * on failure. */
ESPALIER_API espalier_status espalier_forest_load(const char* path, espalier_forest** forest);
ESPALIER_API espalier_status espalier_forest_load_memory(const void* bytes, size_t size,
                                                         espalier_forest** forest);

/* NULL is allowed. */
ESPALIER_API void espalier_forest_free(espalier_forest* forest);

/* Fills *info, whose struct_size must be set. */
ESPALIER_API espalier_status espalier_forest_describe(const espalier_forest* forest,
                                                      espalier_forest_info* info);

/* Sets *name, to NULL if the model has no names; lives as long as the forest. */
ESPALIER_API espalier_status espalier_forest_feature_name(const espalier_forest* forest, uint32_t feature,
                                                          const char** name);

/* Sets *kind to ESPALIER_NUMERIC or ESPALIER_CATEGORICAL. */
ESPALIER_API espalier_status espalier_forest_feature_kind(const espalier_forest* forest, uint32_t feature,
                                                          int32_t* kind);

/* Sets *count to the categories of a feature that the model has names for; 0 when it has none: then who fills
 * in rows must know the codes. */
ESPALIER_API espalier_status espalier_forest_num_categories(const espalier_forest* forest, uint32_t feature,
                                                            uint32_t* count);

/* Sets *name to the category that `code` stands for in rows, below espalier_forest_num_categories: a text, or
 * the digits of an integer. Lives as long as the forest. */
ESPALIER_API espalier_status espalier_forest_category_name(const espalier_forest* forest, uint32_t feature,
                                                           uint32_t code, const char** name);

/* Sets *width to the elements a row of a prediction with these options (NULL: the defaults). */
ESPALIER_API espalier_status espalier_forest_output_width(const espalier_forest* forest,
                                                          const espalier_predict_options* options,
                                                          size_t* width);

/* Predicts into out[row * width], row after row; out_size is the elements that `out` has room for, and what
 * is beyond num_rows * width is left alone. VALUE, MARGIN, CONTRIBUTIONS and INTERACTIONS; options NULL: the
 * defaults.
 * After a failure the content of `out` means nothing. `out` must not overlap the rows. */
ESPALIER_API espalier_status espalier_forest_predict(const espalier_forest* forest, const espalier_rows* rows,
                                                     const espalier_predict_options* options, float* out,
                                                     size_t out_size);

/* The same for CLASS and LEAF. */
ESPALIER_API espalier_status espalier_forest_predict_int32(const espalier_forest* forest,
                                                           const espalier_rows* rows,
                                                           const espalier_predict_options* options,
                                                           int32_t* out, size_t out_size);

#ifdef __cplusplus
}
#endif

#endif /* ESPALIER_FOREST_H_ */
