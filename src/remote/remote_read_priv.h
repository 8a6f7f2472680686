/* remote_read_priv: what the files of remote_read share. */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/lock.h"
#include "base/vec.h"
#include "http/client.h"
#include "remote/remote_read.h"

enum remote_read_kind {
    REMOTE_READ_SAMPLED,
    REMOTE_READ_CHUNKED,
    REMOTE_READ_UNSUPPORTED,
    REMOTE_READ_FAILED, /* no response */
    REMOTE_READ_KIND_COUNT,
};

/* One remote. Immutable but for the counters, which are relaxed. */
struct remote_source {
    const struct prom_remote_read *settings;
    struct conf_pairs external_labels; /* that are to be filtered */
    char *url;
    char *shown_url;
    char *name;
    struct http_headers *headers;
    struct http_tokens *tokens;
    _Atomic uint64_t running;
    _Atomic uint64_t count[REMOTE_READ_KIND_COUNT];
    _Atomic uint64_t duration_ns[REMOTE_READ_KIND_COUNT];
};

/* One series of an answer. */
struct remote_answer_series {
    struct labels labels;
    struct sample_buf samples; /* rising */
};

/* An answer; zeroed = empty. Labels are in the arena. */
struct remote_answer {
    struct arena arena;
    VEC(struct remote_answer_series) series;
    size_t bytes;    /* of all series but the last */
    size_t moved;    /* samples, to bring them into order */
    uint32_t checks; /* of the bounds, for a look at the query's end now and then */
};

void remote_answer_done(struct remote_answer *answer);

/* remote_answer_read fills an answer from a response's body, without the labels that are dropped;
 * series are sorted and each is there once. Samples are in [start, end]. Fails with BARO_EPARSE,
 * BARO_ECORRUPT, BARO_ELIMIT (beyond what the query sets), BARO_EUNSUPPORTED (a content type that
 * was not asked for), and as cancel_check. */
struct remote_answer_query {
    ts start;
    ts end;
    const str *dropped_names;
    size_t dropped_count;
    uint64_t frame_bytes_max;
    size_t bytes_max;            /* of memory */
    size_t moves_max;            /* of samples, to bring them into order */
    const struct cancel *cancel; /* NULL = none */
};
int remote_answer_read(struct remote_answer *answer, const struct remote_answer_query *query,
                       str content_type, str body, enum remote_read_kind *ret_kind,
                       struct baro_error *err);

/* remote_answer_from is the first of the rising samples before `behind` that is not before t. */
size_t remote_answer_from(const struct sample_buf *buf, size_t behind, ts t);

/* The remotes of one configuration. Immutable and counted. */
struct remote_source_set {
    atomic_uint refs;
    struct prom_config *config;
    struct remote_source *items;
    size_t count;
};

static inline struct remote_source_set *remote_source_set_ref(struct remote_source_set *set)
{
    /* Relaxed: whoever takes a reference holds one already, or the lock that does. */
    (void)atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}
struct remote_source_set *remote_source_set_unref(struct remote_source_set *set); /* NULL */

/* remote_source_querier makes a querier over [mint, maxt] of one remote, which keeps the set. */
struct querier *remote_source_querier(struct remote_source_set *set, size_t index, ts mint,
                                      ts maxt);
