/*
 * appender: the way samples enter a store. One appender serves one thread; what it was given
 * becomes durable and visible at commit, all of it as one WAL write. Series are found once by
 * labels and then named by series_ref.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/dur.h"
#include "base/error.h"
#include "model/histogram.h"
#include "model/labels.h"
#include "model/sample.h"
#include "storage/storage.h"

/* Labels of one series: stores refuse more with BARO_ELIMIT, for good. */
enum { APPENDER_LABELS_MAX = 512 };

/* What became of one sample of a batch. */
enum append_status {
    APPEND_OK,
    APPEND_OUT_OF_ORDER,  /* older than the newest sample of the series */
    APPEND_DUPLICATE,     /* same timestamp, other value (the same value counts as OK) */
    APPEND_OUT_OF_BOUNDS, /* older than the head accepts */
    APPEND_TOO_OLD,       /* older than the out-of-order window reaches */
    APPEND_TOO_FAR,       /* too far in the future */
    APPEND_UNKNOWN,       /* no such series: ask appender_series again */
    APPEND_INVALID,       /* a histogram that histogram_check refuses */
    APPEND_STATUS_COUNT,
};

/* A batch in columns: the scrape loop fills these arrays and reuses them from scrape to scrape. */
struct append_batch {
    const series_ref *refs;
    const ts *t;
    const double *v;
    size_t count;
    uint8_t *status; /* ret: enum append_status per sample */
    const ts *st;    /* start timestamps, 0 = unknown; NULL = all unknown */
};

/* The same for native histograms (model/histogram.h), which are borrowed for the call. Hints tell
 * gauges from counters; the store finds resets itself. */
struct append_histograms {
    const series_ref *refs;
    const ts *t;
    const struct histogram *const *h;
    const ts *st;
    size_t count;
    uint8_t *status;
};

struct exemplar {
    struct labels labels;
    double value;
    ts t;
};

struct metadata {
    enum metric_type type;
    str unit;
    str help;
};

struct appender {
    const struct appender_ops *ops;
};

struct appender_ops {
    /*
     * Finds or creates the series with these labels (copied when created). A new one goes to the
     * WAL with the next commit. Fails with BARO_EINVALID (no labels, empty metric name, duplicate
     * name) or BARO_ELIMIT (too many series, or no memory for more: others can be appended to).
     */
    int (*series)(struct appender *appender, struct labels labels, series_ref *ret,
                  struct baro_error *err);
    /*
     * Takes a batch and sets every status; returns how many were not APPEND_OK. Samples of earlier
     * batches of the same transaction count as present. Nothing is allocated per sample.
     */
    int (*samples)(struct appender *appender, const struct append_batch *batch,
                   struct baro_error *err);
    /* As samples(). NULL in a store that takes floats only. */
    int (*histograms)(struct appender *appender, const struct append_histograms *batch,
                      struct baro_error *err);
    int (*exemplar)(struct appender *appender, series_ref ref, const struct exemplar *exemplar,
                    struct baro_error *err);
    /* Metadata is kept per series; unchanged metadata costs a comparison and no WAL record. */
    int (*metadata)(struct appender *appender, series_ref ref, const struct metadata *metadata,
                    struct baro_error *err);
    /* Writes the WAL, then makes everything visible. On failure nothing was acknowledged or made
     * visible. */
    int (*commit)(struct appender *appender, struct baro_error *err);
    /* Forgets what was given since the last commit (created series stay). */
    void (*rollback)(struct appender *appender);
    void (*free)(struct appender *appender);
};

/* A store that accepts samples. */
struct appendable {
    struct appender *(*appender)(struct appendable *appendable);
};
