/* head_append_priv: an appender of the head, and what its parts share: head_append.c takes floats
 * and commits, head_append_histogram.c takes histograms, head_append_log.c writes the WAL. */
#pragma once

#include "tsdb/head_priv.h"
#include "tsdb/wal.h"
#include "tsdb/wal_record.h"

struct pending_exemplar {
    uint32_t slot;
    struct exemplar exemplar; /* in the appender's arena */
};

struct pending_metadata {
    uint32_t slot;
    uint32_t number;
};

/* A sample out of order. */
struct pending_late {
    series_ref ref;
    uint32_t slot;
    struct sample sample; /* a histogram is in the arena */
};

struct head_appender {
    struct appender base;
    struct head *head;

    /* What was accepted since the last commit, in columns. */
    series_ref *refs; /* the series' own, as the WAL has them */
    uint32_t *slots;
    ts *t;
    double *v;
    const struct histogram **h; /* in the arena; NULL while there are floats only */
    ts *st;                     /* start timestamps, where the head stores them; else NULL */
    size_t count;
    size_t capacity;
    bool is_by_sample; /* a series has histograms of several kinds: each goes to a record alone */

    VEC(uint32_t) unlogged; /* slots whose labels must go to the WAL first */
    VEC(struct pending_exemplar) exemplars;
    VEC(struct pending_metadata) metadata;
    VEC(struct pending_late) late;
    struct wal *wbl;      /* of this transaction; NULL = nothing late is taken */
    ts late_from;         /* the oldest one that is */
    VEC(uint32_t) pinned; /* slots that exemplars and metadata use */
    struct arena arena;   /* of the exemplars and histograms */

    struct head_epoch *epoch; /* NULL between transactions */
    uint32_t created;         /* series since the last look at the memory */

    /* The bounds of this transaction, looked up once. */
    bool is_started;
    ts min_valid;
    ts max_valid;

    const struct refs_page *page;
    struct wal_batch batch;
    struct buf record;
};

static inline struct head_appender *head_appender_of(struct appender *appender)
{
    return CONTAINER_OF(appender, struct head_appender, base);
}

/* head_append_reserve makes room in the columns for `more` samples, and begins the transaction,
 * whose bounds depend on the first one's time; false when memory is out. */
bool head_append_reserve(struct head_appender *appender, size_t more, ts first);

/* What the next sample of a series is compared with: the last one of this transaction, or else the
 * series' own. */
struct append_last {
    bool has_one;
    ts t;
    double v;
    size_t index; /* in the columns; SIZE_MAX = the series' own */
    bool is_late; /* the sample is out of order or bounds, and may be taken all the same */
};

/* head_append_admit checks the time of a sample against bounds and the series: APPEND_OK when it is
 * newer than the last one, APPEND_DUPLICATE when it has the time of *ret_last: the caller compares
 * values. */
enum append_status head_append_admit_locked(const struct head_appender *appender,
                                            const struct head_series *series, uint32_t slot, ts t,
                                            struct append_last *ret_last);

/* head_append_late takes a sample that is out of order; h is NULL or in the arena. */
enum append_status head_append_late_locked(struct head_appender *appender,
                                           struct head_series *series, uint32_t slot, ts t,
                                           double v, const struct histogram *h);

/* head_append_late_begin looks up, at the start of a transaction, whether late samples are taken.
 */
void head_append_late_begin(struct head_appender *appender);

/* head_append_late_records adds records of the late samples to the batch, from number `first` on.
 */
int head_append_late_records(struct head_appender *appender, size_t first, struct baro_error *err);

/* head_append_late_log writes the late samples to the WBL, from number `first` on. */
int head_append_late_log(struct head_appender *appender, size_t first, struct baro_error *err);

/* head_late_put writes one record of late samples of one type, from number `first` on, in the order
 * in which they stand; returns how many. with_starts: in one of the newer records. */
size_t head_late_put(struct buf *record, const struct pending_late *items, size_t count,
                     size_t first, bool with_starts);

/* head_append_late_apply puts them into the head. head_append_overtaken takes a sample of the
 * columns that another appender has overtaken: true when it is in the head now. */
void head_append_late_apply(struct head_appender *appender);
bool head_append_overtaken_locked(struct head_appender *appender, size_t i);

/* head_append_push takes a sample into the columns; h is NULL or in the arena. */
void head_append_push_locked(struct head_appender *appender, struct head_series *series,
                             uint32_t slot, ts t, double v, const struct histogram *h);

/* head_append_start keeps the start timestamp of sample i of a batch, which may have none, where
 * that sample was taken: there are more than before in the columns, or of the late ones. */
static inline void head_append_start(struct head_appender *appender, size_t before,
                                     size_t late_before, const ts *st, size_t i)
{
    if (LIKELY(appender->st == NULL) || st == NULL) {
        return;
    }
    if (appender->count > before) {
        appender->st[appender->count - 1] = st[i];
    } else if (appender->late.count > late_before) {
        vec_last(&appender->late)->sample.st = st[i];
    }
}

/* head_append_make_h makes the column of histograms; false when memory is out. */
bool head_append_make_h(struct head_appender *appender);

/* head_append_is_histogram says whether the last sample of a series is one, and of which kind. */
bool head_append_is_histogram_locked(const struct head_appender *appender,
                                     const struct head_series *series,
                                     const struct append_last *last, bool *ret_is_float);

/* head_append_count adds refusals to the program's metrics. */
void head_append_count(const uint8_t *status, size_t count, bool is_histogram);

int head_append_histograms(struct appender *base, const struct append_histograms *batch,
                           struct baro_error *err);

/* head_append_stale takes a stale marker for a series whose last sample is a histogram. */
enum append_status head_append_stale_locked(struct head_appender *appender,
                                            struct head_series *series, uint32_t slot, ts t,
                                            bool is_float);

/* head_append_log writes the transaction to the WAL. */
int head_append_log(struct head_appender *appender, struct baro_error *err);
