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

static int no_memory(struct baro_error *err)
{
    return error_set(err, BARO_ELIMIT, "no memory for the answer of a remote");
}

static int out_of_order(struct baro_error *err)
{
    return error_set(err, BARO_EPARSE, "samples of the answer are out of order");
}

/* `open` has the samples of the newest series. Called for every few samples. */
static int check_bounds(struct remote_answer *answer, const struct remote_answer_query *query,
                        const struct sample_buf *open, struct baro_error *err)
{
    enum { CHECKS_TO_CANCEL = 256 }; /* some ten thousand samples */

    if (query->cancel != NULL && answer->checks++ % CHECKS_TO_CANCEL == 0) {
        int r = cancel_check(query->cancel, err);

        if (r < 0) {
            return r;
        }
    }
    return answer->bytes + answer->arena.used_bytes + sample_buf_bytes(open) > query->bytes_max
               ? error_set(err, BARO_ELIMIT,
                           "the answer takes more than %zu bytes of memory: ask for fewer series "
                           "or a shorter time",
                           query->bytes_max)
               : 0;
}

/* The samples of the series with these labels: of the newest one when it is that, since a series
 * may come in parts. */
static int series_open(struct remote_answer *answer, const struct remote_answer_query *query,
                       struct labels labels, struct sample_buf **ret, struct baro_error *err)
{
    struct remote_answer_series *newest =
        answer->series.count > 0 ? vec_last(&answer->series) : NULL;

    if (newest == NULL || !labels_eq(newest->labels, labels)) {
        if (newest != NULL) {
            sample_buf_trim(&newest->samples);
            answer->bytes += sizeof(*newest) + sample_buf_bytes(&newest->samples);
        }
        vec_push(&answer->series, (struct remote_answer_series){.labels = labels});
        newest = vec_last(&answer->series);
    }
    *ret = &newest->samples;
    return check_bounds(answer, query, *ret, err);
}

size_t remote_answer_from(const struct sample_buf *buf, size_t behind, ts t)
{
    size_t low = 0, high = behind;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (buf->t[middle] < t) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Makes what lies behind `middle` part of one rising run. What is older than all of that stays,
 * but for its last sample: whoever gets it as a new predecessor is to lose its hint. */
static int runs_join(struct remote_answer *answer, const struct remote_answer_query *query,
                     struct sample_buf *buf, size_t middle, struct baro_error *err)
{
    size_t first;

    if (middle == 0 || middle == buf->count || buf->t[middle] > buf->t[middle - 1]) {
        return 0;
    }
    first = remote_answer_from(buf, middle, buf->t[middle]);
    first -= first > 0;
    answer->moved += buf->count - first;
    if (answer->moved > query->moves_max) {
        return error_set(err, BARO_ELIMIT, "the samples of the answer are too far out of order");
    }
    return sample_buf_merge(buf, first, middle) ? 0 : no_memory(err);
}

static int sample_add(struct sample_buf *buf, const struct sample *sample, bool is_first,
                      struct baro_error *err)
{
    if (!is_first && sample->t <= buf->t[buf->count - 1]) {
        return out_of_order(err);
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
        /* Before it is passed over: a histogram has taken memory by then. */
        r = check_bounds(answer, query, buf, err);
        if (r < 0 || sample.t < query->start || sample.t > query->end) {
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
    return r < 0 ? r : runs_join(answer, query, buf, begin, err);
}

static int read_sampled(struct remote_answer *answer, const struct remote_answer_query *query,
                        str body, struct baro_error *err)
{
    struct wire_response_in in = {0};
    struct buf raw = {0};
    struct labels labels = {0};
    struct sample_buf *samples = NULL;
    int r = snappy_unpack(body, UNPACKED_BYTES_MAX, &raw, err);

    wire_response_in_begin(&in, buf_view(&raw));
    while (r >= 0 && wire_response_in_result(&in)) {
        while (r >= 0 && wire_response_in_series(&in, &labels)) {
            r = labels_take(answer, query, labels, &labels, err);
            r = r < 0 ? r : series_open(answer, query, labels, &samples, err);
            r = r < 0 ? r : samples_take(answer, query, &in, samples, err);
        }
    }
    if (r >= 0 && in.failed) {
        r = error_set(err, BARO_EPARSE, "unable to unmarshal response body");
    }
    wire_response_in_done(&in);
    buf_done(&raw);
    return r;
}

/* What decodes a chunk believes its times, for ours have checksums of their own. */
static int check_times(const struct sample_buf *buf, size_t from, struct baro_error *err)
{
    for (size_t i = from + 1; i < buf->count; i++) {
        if (buf->t[i] <= buf->t[i - 1]) {
            return out_of_order(err);
        }
    }
    return 0;
}

static int chunks_take(struct remote_answer *answer, const struct remote_answer_query *query,
                       struct wire_chunks_in *in, struct sample_buf *buf, struct baro_error *err)
{
    struct wire_chunk chunk = {0};
    int r = 0;

    while (r >= 0 && wire_chunks_in_chunk(in, &chunk)) {
        size_t middle = buf->count;

        r = chunk_decode((uint8_t)chunk.encoding, chunk.data, query->start, query->end, buf, err);
        r = r < 0 ? r : check_times(buf, middle, err);
        r = r < 0 ? r : runs_join(answer, query, buf, middle, err);
        r = r < 0 ? r : check_bounds(answer, query, buf, err);
    }
    return r;
}

static int read_frame(struct remote_answer *answer, const struct remote_answer_query *query,
                      str message, struct baro_error *err)
{
    struct wire_chunks_in in = {0};
    struct labels labels = {0};
    struct sample_buf *samples = NULL;
    int r = 0;

    wire_chunks_in_begin(&in, message);
    while (r >= 0 && wire_chunks_in_series(&in, &labels)) {
        r = labels_take(answer, query, labels, &labels, err);
        r = r < 0 ? r : series_open(answer, query, labels, &samples, err);
        r = r < 0 ? r : chunks_take(answer, query, &in, samples, err);
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
static int samples_move(struct remote_answer *answer, const struct remote_answer_query *query,
                        struct sample_buf *to, const struct sample_buf *from,
                        struct baro_error *err)
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
    return runs_join(answer, query, to, middle, err);
}

/* Sorts the series; equal ones, which dropped labels have made so, become one, and those without
 * samples go. */
static int series_unite(struct remote_answer *answer, const struct remote_answer_query *query,
                        struct baro_error *err)
{
    struct remote_answer_series *items = answer->series.items;
    size_t count = 0;
    int r = 0;

    if (answer->series.count > 1) {
        qsort(items, answer->series.count, sizeof(*items), by_labels);
    }
    for (size_t i = 0; i < answer->series.count; i++) {
        if (r >= 0 && count > 0 && labels_eq(items[count - 1].labels, items[i].labels)) {
            r = samples_move(answer, query, &items[count - 1].samples, &items[i].samples, err);
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
    return r < 0 ? r : series_unite(answer, query, err);
}
