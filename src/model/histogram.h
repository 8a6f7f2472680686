/*
 * histogram: native histograms, one type for what Prometheus has two of: bucket counts are absolute
 * doubles, and `integer` says that the sample was an integer histogram (its counts are whole and
 * exact below 2^53). The bucket with index i of schema n (-4 to 8) ends at 2^(i * 2^-n), included;
 * with custom buckets (schema -53) it ends at custom[i], and the one behind the last bound at +Inf.
 *
 * A struct histogram is a value: its arrays belong to an arena, and so do the arrays that the
 * functions below put in their place. A histogram read from a store is const: copy it before it is
 * changed. A stale marker is a histogram whose sum has the stale bits. Semantics: Prometheus 3,
 * model/histogram.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "model/sample.h"

enum {
    HISTOGRAM_SCHEMA_MIN = -4,
    HISTOGRAM_SCHEMA_MAX = 8,
    HISTOGRAM_SCHEMA_CUSTOM = -53,
    /* Known, but finer or coarser than what is kept: reduced or refused where samples enter. */
    HISTOGRAM_SCHEMA_RESERVED_MIN = -9,
    HISTOGRAM_SCHEMA_RESERVED_MAX = 52,
    /* Buckets of one sign. The finest schema has 524,288 between the least and the greatest number;
     * no real histogram comes near this. */
    HISTOGRAM_BUCKETS_MAX = 1 << 16,
};

/* The values are those of the chunk headers and of remote write. */
enum histogram_hint {
    HISTOGRAM_HINT_UNKNOWN,
    HISTOGRAM_HINT_RESET,
    HISTOGRAM_HINT_NOT_RESET,
    HISTOGRAM_HINT_GAUGE,
};

/* A run of buckets: `offset` is the gap behind the run before it, or the index of the very first
 * bucket. */
struct histogram_span {
    int32_t offset;
    uint32_t length;
};

/* The buckets of one sign; the lengths of the spans add up to bucket_count. */
struct histogram_side {
    struct histogram_span *spans;
    double *buckets;
    uint32_t span_count;
    uint32_t bucket_count;
};

struct histogram {
    int32_t schema;
    enum histogram_hint hint;
    bool integer;
    double zero_threshold;
    double zero_count;
    double count;
    double sum;
    struct histogram_side positive;
    struct histogram_side negative; /* bucket i is [-2^((i) * 2^-n), -2^((i - 1) * 2^-n)) */
    const double *custom;           /* rising finite bounds; none with exponential schemas */
    uint32_t custom_count;
};

static inline bool histogram_is_custom(const struct histogram *h)
{
    return h->schema == HISTOGRAM_SCHEMA_CUSTOM;
}

static inline bool histogram_is_stale(const struct histogram *h)
{
    return value_is_stale(h->sum);
}

static inline bool histogram_schema_is_valid(int32_t schema)
{
    return schema == HISTOGRAM_SCHEMA_CUSTOM ||
           (schema >= HISTOGRAM_SCHEMA_MIN && schema <= HISTOGRAM_SCHEMA_MAX);
}

/* ---- copies and comparison ---- */

/* histogram_copy copies everything into the arena; NULL beyond the arena's limit. */
struct histogram *histogram_copy(struct arena *arena, const struct histogram *h);

/* histogram_new_stale makes a stale marker. */
struct histogram *histogram_new_stale(struct arena *arena);

/* histogram_eq compares all but hint and `integer`, numbers by bits for the sum and by value for
 * the rest; empty spans do not count. */
bool histogram_eq(const struct histogram *a, const struct histogram *b);

/* histogram_bounds_eq says whether two have the same custom bounds. */
bool histogram_bounds_eq(const struct histogram *a, const struct histogram *b);

/* histogram_side_layout_eq says whether two sides have the same buckets, counts apart. */
bool histogram_side_layout_eq(const struct histogram_side *a, const struct histogram_side *b);

/* histogram_check refuses what no client could have counted (BARO_EINVALID): spans that do not fit
 * the buckets, negative counts, a count below the buckets' sum, unordered bounds. For all input. */
int histogram_check(const struct histogram *h, struct baro_error *err);

/* histogram_bytes is what a copy takes, about. */
size_t histogram_bytes(const struct histogram *h);

/* ---- buckets ---- */

/* Walks the buckets of a side in rising index:
 *     struct histogram_cursor at = {.side = &h->positive};
 *     while (histogram_cursor_next(&at)) { use(at.index, at.count); }
 * All counts of a side without an array of them are 0. */
struct histogram_cursor {
    const struct histogram_side *side;
    uint32_t span;
    uint32_t in_span;
    uint32_t bucket; /* of the next one, in side->buckets */
    int32_t index;
    int32_t next_index;
    double count;
};
bool histogram_cursor_next(struct histogram_cursor *cursor);

/* histogram_bound is the upper bound of bucket `index`; -Inf below the first custom bucket. */
double histogram_bound(const struct histogram *h, int32_t index);

struct histogram_bucket {
    double lower;
    double upper;
    double count;
    bool lower_inclusive;
    bool upper_inclusive;
    int32_t index; /* of its side; without meaning for the zero bucket */
};

/* histogram_bucket_at makes the bucket of a side's cursor. */
struct histogram_bucket histogram_bucket_at(const struct histogram *h,
                                            const struct histogram_cursor *cursor, bool negative);

/* histogram_buckets lists all buckets, empty ones too, from the lowest to the highest, the zero
 * bucket among them when it has a count. In the arena. */
struct histogram_bucket *histogram_buckets(struct arena *arena, const struct histogram *h,
                                           size_t *ret_count);

/* histogram_side_from_pairs makes spans of `count` (rising index, count) pairs; empty buckets are
 * kept. In the arena. */
void histogram_side_from_pairs(struct arena *arena, const int32_t *indexes, const double *counts,
                               size_t count, struct histogram_side *ret);

/* histogram_format appends {count:4, sum:5, [-2,-1):1, ...} as Prometheus's logs and count_values
 * print it. */
void histogram_format(struct buf *buf, const struct histogram *h);

/* histogram_format_stored does so with the counts of integer histograms in full, as Prometheus
 * prints what is stored; queries make floats of all of them. */
void histogram_format_stored(struct buf *buf, const struct histogram *h);

/* ---- changes; the histogram must be a copy of one's own ---- */

/* What adding has had to put up with. */
struct histogram_notes {
    bool reset_collision;   /* one was "reset", the other "not reset" */
    bool bounds_reconciled; /* custom bounds differed: the common ones are left */
};

/* histogram_add and histogram_sub change h by `other`: the coarser schema, the wider zero bucket
 * and the common custom bounds win. BARO_EINVALID when one has custom buckets and the other has
 * not. `c` (may be NULL; all zero at first) has h's layout and takes what rounding loses: the
 * compensation of Neumaier's sum, field by field. */
int histogram_add(struct arena *arena, struct histogram *h, struct histogram *c,
                  const struct histogram *other, struct histogram_notes *notes);
int histogram_sub(struct arena *arena, struct histogram *h, const struct histogram *other,
                  struct histogram_notes *notes);

/* histogram_zero_like makes the all-zero compensation for h. */
struct histogram *histogram_zero_like(struct arena *arena, const struct histogram *h);

/* histogram_add_plain adds a compensation of the same layout. */
void histogram_add_plain(struct histogram *h, const struct histogram *c);

/*
 * A mean that does not overflow before its terms do: the sum divided at the end, or, once the sum
 * overflows, a running mean. Everything is in the arena given.
 */
struct histogram_mean {
    struct histogram *sum;
    struct histogram *lost; /* compensation */
    double count;
    bool incremental; /* `sum` is the running mean */
    struct histogram_notes notes;
    bool resets[4]; /* by enum histogram_hint: one of the terms had it */
};
void histogram_mean_start(struct arena *arena, struct histogram_mean *mean,
                          const struct histogram *first);
/* histogram_mean_add fails as histogram_add does. */
int histogram_mean_add(struct arena *arena, struct histogram_mean *mean, const struct histogram *h);
struct histogram *histogram_mean_finish(struct histogram_mean *mean);

void histogram_mul(struct histogram *h, double factor);
void histogram_div(struct histogram *h, double divisor);

/* histogram_reduce merges buckets down to a schema that is not above h's. Exponential only. */
void histogram_reduce(struct arena *arena, struct histogram *h, int32_t schema);

/* histogram_compact drops empty buckets from the ends and the middle. */
void histogram_compact(struct arena *arena, struct histogram *h);

/* histogram_trim leaves what was observed up to `bound`, or above it. */
void histogram_trim(struct arena *arena, struct histogram *h, double bound, bool upper);

/* histogram_has_overflow says whether any field has become infinite. */
bool histogram_has_overflow(const struct histogram *h);

/* histogram_has_reset says whether the counter behind h began anew since `before`: by the hint when
 * it knows, else when any bucket fell, or the layout was refined. */
bool histogram_has_reset(struct arena *arena, const struct histogram *h,
                         const struct histogram *before);
