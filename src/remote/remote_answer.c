/* What a remote answers to a read: samples, or chunks in frames. */
#include <stdlib.h>

#include "base/mem.h"
#include "codec/compress.h"
#include "model/histogram.h"
#include "remote/remote_read_priv.h"
#include "remote/wire_read.h"
#include "tsdb/chunk.h"

#define UNPACKED_BYTES_MAX ((size_t)512 << 20)

void remote_answer_done(struct remote_answer *answer)
{
    for (size_t i = 0; i < answer->series.count; i++) {
        sample_buf_done(&answer->series.items[i].samples);
    }
    vec_done(&answer->series);
    arena_done(&answer->arena);
}

static bool is_dropped(const struct remote_answer_query *query, str name)
{
    for (size_t i = 0; i < query->dropped_count; i++) {
        if (str_eq(query->dropped_names[i], name)) {
            return true;
        }
    }
    return false;
}

/* The labels as they are seen here: sorted, without those of the query and without empty ones. */
static int labels_take(struct remote_answer *answer, const struct remote_answer_query *query,
                       struct labels labels, struct labels *ret, struct baro_error *err)
{
    struct label *items = ARENA_ARRAY(&answer->arena, struct label, labels.count + 1);
    size_t count = 0;

    for (size_t i = 0; i < labels.count; i++) {
        const struct label *label = &labels.items[i];

        if (label->value.len > 0 && !is_dropped(query, label->name)) {
            items[count++] = (struct label){arena_str(&answer->arena, label->name),
                                            arena_str(&answer->arena, label->value)};
        }
    }
    labels_sort(items, count);
    *ret = (struct labels){items, count};
    return labels_has_duplicate(*ret)
               ? error_set(err, BARO_EPARSE, "a series of the answer has a label twice")
               : 0;
}

/* The series with these labels: the newest one when it is that, since a series may come in parts.
 */
static struct remote_answer_series *series_open(struct remote_answer *answer, struct labels labels)
{
    size_t count = answer->series.count;

    if (count > 0 && labels_eq(answer->series.items[count - 1].labels, labels)) {
        return &answer->series.items[count - 1];
    }
    vec_push(&answer->series, (struct remote_answer_series){.labels = labels});
    return vec_last(&answer->series);
}

static int no_memory(struct baro_error *err)
{
    return error_set(err, BARO_ELIMIT, "no memory for the answer of a remote");
}

/* Makes what lies behind `middle` part of one rising run. */
static int runs_join(struct sample_buf *buf, size_t middle, struct baro_error *err)
{
    bool rises = middle == 0 || middle == buf->count || buf->t[middle] > buf->t[middle - 1];

    return rises || sample_buf_merge(buf, 0, middle) ? 0 : no_memory(err);
}

static int sample_add(struct sample_buf *buf, const struct sample *sample, bool is_first,
                      struct baro_error *err)
{
    if (!is_first && sample->t <= buf->t[buf->count - 1]) {
        return error_set(err, BARO_EPARSE, "samples of the answer are out of order");
    }
    if (!sample_buf_reserve(buf, 1) ||
        (sample->h != NULL && buf->h == NULL && !sample_buf_add_h(buf))) {
        return no_memory(err);
    }
    buf->t[buf->count] = sample->t;
    buf->v[buf->count] = sample->v;
    if (buf->h != NULL) {
        buf->h[buf->count] = sample->h;
    }
    buf->count++;
    return 0;
}

/* Floats come first, then histograms: two rising runs. */
static int samples_take(struct remote_answer *answer, const struct remote_answer_query *query,
                        struct wire_response_in *in, struct sample_buf *buf, struct baro_error *err)
{
    size_t begin = buf->count, middle = SIZE_MAX;
    struct sample sample = {0};
    int r = 0;

    while (r >= 0 && wire_response_in_sample(in, &answer->arena, &sample)) {
        if (sample.t < query->start || sample.t > query->end) {
            continue;
        }
        if (sample.h != NULL && middle == SIZE_MAX) {
            middle = buf->count;
        }
        r = sample.h != NULL ? histogram_check(sample.h, err) : 0;
        r = r < 0 ? r : sample_add(buf, &sample, buf->count == begin || buf->count == middle, err);
    }
    if (r >= 0 && middle != SIZE_MAX && middle > begin && middle < buf->count &&
        !sample_buf_merge(buf, begin, middle)) {
        r = no_memory(err);
    }
    return r < 0 ? r : runs_join(buf, begin, err);
}

static int read_sampled(struct remote_answer *answer, const struct remote_answer_query *query,
                        str body, struct baro_error *err)
{
    struct wire_response_in in = {0};
    struct buf raw = {0};
    struct labels labels = {0};
    int r = snappy_unpack(body, UNPACKED_BYTES_MAX, &raw, err);

    wire_response_in_begin(&in, buf_view(&raw));
    while (r >= 0 && wire_response_in_result(&in)) {
        while (r >= 0 && wire_response_in_series(&in, &labels)) {
            r = labels_take(answer, query, labels, &labels, err);
            r = r < 0
                    ? r
                    : samples_take(answer, query, &in, &series_open(answer, labels)->samples, err);
        }
    }
    if (r >= 0 && in.failed) {
        r = error_set(err, BARO_EPARSE, "unable to unmarshal response body");
    }
    wire_response_in_done(&in);
    buf_done(&raw);
    return r;
}

static int chunks_take(const struct remote_answer_query *query, struct wire_chunks_in *in,
                       struct sample_buf *buf, struct baro_error *err)
{
    struct wire_chunk chunk = {0};
    int r = 0;

    while (r >= 0 && wire_chunks_in_chunk(in, &chunk)) {
        size_t middle = buf->count;

        if (chunk.encoding > UINT8_MAX) {
            return error_set(err, BARO_EUNSUPPORTED, "chunk encoding %u is not known",
                             chunk.encoding);
        }
        r = chunk_decode((uint8_t)chunk.encoding, chunk.data, query->start, query->end, buf, err);
        r = r < 0 ? r : runs_join(buf, middle, err);
    }
    return r;
}

static int read_frame(struct remote_answer *answer, const struct remote_answer_query *query,
                      str message, struct baro_error *err)
{
    struct wire_chunks_in in = {0};
    struct labels labels = {0};
    int r = 0;

    wire_chunks_in_begin(&in, message);
    while (r >= 0 && wire_chunks_in_series(&in, &labels)) {
        r = labels_take(answer, query, labels, &labels, err);
        r = r < 0 ? r : chunks_take(query, &in, &series_open(answer, labels)->samples, err);
    }
    if (r >= 0 && in.failed) {
        r = error_set(err, BARO_EPARSE, "a frame of the answer is damaged");
    }
    wire_chunks_in_done(&in);
    return r;
}

static int read_chunked(struct remote_answer *answer, const struct remote_answer_query *query,
                        str body, struct baro_error *err)
{
    str message = STR_NULL;
    int r;

    while ((r = wire_frame_next(&body, query->frame_bytes_max, &message, err)) > 0) {
        r = read_frame(answer, query, message, err);
        if (r < 0) {
            break;
        }
    }
    return r < 0           ? r
           : body.len == 0 ? 0
                           : error_set(err, BARO_EPARSE, "the answer ends within a frame");
}

static int by_labels(const void *a, const void *b)
{
    return labels_cmp(((const struct remote_answer_series *)a)->labels,
                      ((const struct remote_answer_series *)b)->labels);
}

/* Appends all samples of one series to those of another. */
static int samples_move(struct sample_buf *to, struct sample_buf *from, struct baro_error *err)
{
    size_t middle = to->count;

    if (!sample_buf_reserve(to, from->count) ||
        (from->h != NULL && to->h == NULL && !sample_buf_add_h(to)) ||
        (from->st != NULL && to->st == NULL && !sample_buf_add_st(to))) {
        return no_memory(err);
    }
    for (size_t i = 0; i < from->count; i++) {
        sample_buf_move(to, to->count, from, i);
        if (from->h != NULL && from->h[i] != NULL) {
            to->h[to->count] = histogram_copy(&to->arena, from->h[i]);
        }
        to->count++;
    }
    return runs_join(to, middle, err);
}

/* Sorts the series; equal ones, which dropped labels have made so, become one, and those without
 * samples go. */
static int series_unite(struct remote_answer *answer, struct baro_error *err)
{
    struct remote_answer_series *items = answer->series.items;
    size_t count = 0;
    int r = 0;

    if (answer->series.count > 1) {
        qsort(items, answer->series.count, sizeof(*items), by_labels);
    }
    for (size_t i = 0; i < answer->series.count; i++) {
        if (r >= 0 && count > 0 && labels_eq(items[count - 1].labels, items[i].labels)) {
            r = samples_move(&items[count - 1].samples, &items[i].samples, err);
            sample_buf_done(&items[i].samples);
        } else if (items[i].samples.count == 0) {
            sample_buf_done(&items[i].samples);
        } else {
            items[count++] = items[i];
        }
    }
    answer->series.count = count;
    return r;
}

int remote_answer_read(struct remote_answer *answer, const struct remote_answer_query *query,
                       str content_type, str body, enum remote_read_kind *ret_kind,
                       struct baro_error *err)
{
    int r;

    if (str_has_prefix(content_type, STR("application/x-protobuf"))) {
        *ret_kind = REMOTE_READ_SAMPLED;
        r = read_sampled(answer, query, body, err);
    } else if (str_has_prefix(content_type, STR("application/x-streamed-protobuf; "
                                                "proto=prometheus.ChunkedReadResponse"))) {
        *ret_kind = REMOTE_READ_CHUNKED;
        r = read_chunked(answer, query, body, err);
    } else {
        *ret_kind = REMOTE_READ_UNSUPPORTED;
        r = error_set(err, BARO_EUNSUPPORTED, "unsupported content type: %.*s",
                      STR_ARG(str_slice(content_type, 0, 80)));
    }
    return r < 0 ? r : series_unite(answer, err);
}
