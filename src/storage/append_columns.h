/*
 * append_columns: samples of any kind, in any order of series, on their way into an appender: they
 * wait in columns of one kind, and go to the store when these are full or the kind changes, so that
 * the samples of a series keep their order. For receivers of pushed samples. One thread.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "storage/appender.h"

enum { APPEND_COLUMNS_MAX = 1024 };
/* Histograms that wait; their arrays are in the arena of the columns. */
#define APPEND_COLUMNS_BYTES_MAX ((size_t)1 << 20)

struct append_columns {
    struct appender *appender;
    struct arena arena; /* of histograms that wait; reset when they are gone */
    /* Told of each sample what became of it, with the tag that it came with; h is NULL for floats
     * and lives for the call. */
    void (*settled)(void *context, uint64_t tag, enum append_status status,
                    const struct histogram *h);
    void *context;
    bool forgotten; /* the store did not know a series any more: settled is not told of it */

    size_t count; /* private from here on */
    bool is_histograms;
    series_ref refs[APPEND_COLUMNS_MAX];
    ts t[APPEND_COLUMNS_MAX];
    ts st[APPEND_COLUMNS_MAX];
    double v[APPEND_COLUMNS_MAX];
    const struct histogram *h[APPEND_COLUMNS_MAX];
    uint64_t tags[APPEND_COLUMNS_MAX];
    uint8_t status[APPEND_COLUMNS_MAX];
};

/* append_columns_kind says of what kind the next samples are, before their histograms are put into
 * the arena: what waits of the other kind goes. Fails as the appender does. */
int append_columns_kind(struct append_columns *columns, bool is_histograms, struct baro_error *err);

/* append_columns_push takes one sample of that kind. */
int append_columns_push(struct append_columns *columns, series_ref ref, const struct sample *sample,
                        uint64_t tag, struct baro_error *err);

/* append_columns_flush gives everything to the store; append_columns_drop forgets it. */
int append_columns_flush(struct append_columns *columns, struct baro_error *err);
void append_columns_drop(struct append_columns *columns);

/*
 * append_columns_run is one transaction: `take`, which is given the context, asks for series and
 * pushes samples. A store may forget a series between two calls: then all is taken back, and taken
 * once more. Commits, or rolls back and fails with what take, the store, or BARO_EBUSY said.
 */
int append_columns_run(struct append_columns *columns,
                       int (*take)(void *context, struct baro_error *err), struct baro_error *err);

/* append_exemplars_sort puts those of one series into the order that stores take them in. */
void append_exemplars_sort(struct exemplar *items, size_t count);

/* append_columns_done releases the arena. */
void append_columns_done(struct append_columns *columns);

/* append_status_text is Prometheus's word for what was wrong; "" for APPEND_OK. */
const char *append_status_text(enum append_status status);
