/*
 * scrape_histograms: the native histograms of one scrape on their way to the store: columns, the
 * limits of the job (native_histogram_bucket_limit, native_histogram_min_bucket_factor), and
 * classic histograms that become native ones with custom buckets
 * (convert_classic_histograms_to_nhcb). One thread. Source of the semantics: Prometheus 3,
 * scrape/target.go and model/textparse/nhcbparse.go.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/vec.h"
#include "model/exposition.h"
#include "model/histogram.h"
#include "storage/appender.h"

struct prom_scrape;

/* Zeroed = empty; reused from scrape to scrape. */
struct histogram_columns {
    series_ref *refs;
    ts *t;
    const struct histogram **h; /* in the arena */
    ts *st;                     /* start timestamps; 0 = unknown */
    uint32_t *ids;              /* of the entry a histogram belongs to, as in scrape_scratch */
    uint8_t *status;
    size_t count;
    size_t capacity;
    struct arena arena;
};

void histogram_columns_done(struct histogram_columns *columns);
void histogram_columns_reset(struct histogram_columns *columns);

/* histogram_columns_push keeps h, which is in the columns' arena; st = 0 is an unknown start. */
void histogram_columns_push(struct histogram_columns *columns, series_ref ref, ts t, ts st,
                            const struct histogram *h, uint32_t id);

/* scrape_histogram_admit copies h into the arena, coarser where the job's limits ask for it. Fails
 * with BARO_ELIMIT when it has too many buckets at any resolution. */
int scrape_histogram_admit(struct arena *arena, const struct histogram *h,
                           const struct prom_scrape *settings, struct histogram **ret,
                           struct baro_error *err);

struct nhcb_bucket {
    double upper;
    double count; /* cumulative */
};

/* A classic histogram being collected, line by line. Zeroed = none. */
struct nhcb {
    bool is_collecting;
    bool is_broken; /* its series contradict each other: it is not converted */
    bool has_count;
    double count;
    double sum;
    VEC(struct nhcb_bucket) buckets; /* by rising bound */
    struct buf key;                  /* the series it becomes, as OpenMetrics has it */
    struct buf next_key;
    struct buf native_key;          /* of the last exponential histogram: its classic form stays */
    VEC(struct exemplar) exemplars; /* of its buckets; the caller's */
    bool has_timestamp;
    ts t;
    ts st; /* the start timestamp of its series; 0 = unknown */
};

void nhcb_done(struct nhcb *nhcb);
void nhcb_reset(struct nhcb *nhcb);

/* What nhcb_look finds a series to be. */
enum nhcb_part { NHCB_NONE, NHCB_BUCKET, NHCB_COUNT, NHCB_SUM };

/*
 * nhcb_look says which part of a classic histogram of the family `family` a series is, and makes
 * next_key of it. nhcb_is_next says whether that is another histogram than the one at hand, which
 * then is complete: nhcb_make it first. nhcb_take adds the series.
 */
enum nhcb_part nhcb_look(struct nhcb *nhcb, struct labels labels, str family);
bool nhcb_is_next(const struct nhcb *nhcb);
void nhcb_take(struct nhcb *nhcb, enum nhcb_part part, struct labels labels,
               const struct exposition_event *event);

/* nhcb_note_native notes an exponential histogram; nhcb_is_native says whether the series that was
 * looked at last is the classic form of it. */
void nhcb_note_native(struct nhcb *nhcb, struct labels labels);
bool nhcb_is_native(const struct nhcb *nhcb);

/* nhcb_make makes the histogram at hand, in the arena, and ends it; NULL when it contradicts
 * itself. `key`, `t` and `has_timestamp` stay until the next nhcb_take. */
struct histogram *nhcb_make(struct nhcb *nhcb, struct arena *arena);
