#include "tsdb/chunk_pack.h"

#include "tsdb/block_writer.h"
#include "tsdb/chunk.h"

void chunk_pack_done(struct chunk_pack *pack)
{
    chunk_histogram_done(&pack->histogram);
    buf_done(&pack->renewed);
}

static bool is_histogram(const struct sample_buf *samples, size_t i)
{
    return samples->h != NULL && samples->h[i] != NULL;
}

static bool has_starts(const struct sample_buf *samples, size_t first, size_t end)
{
    for (size_t i = first; samples->st != NULL && i < end; i++) {
        if (samples->st[i] != 0) {
            return true;
        }
    }
    return false;
}

/* Who takes the chunks. */
struct taker {
    chunk_pack_sink *sink;
    void *context;
};

/* Gives away the chunk that has the samples [first, end). */
static int give_chunk(struct chunk_pack *pack, const struct sample_buf *samples, size_t first,
                      size_t end, uint8_t encoding, str data, const struct taker *taker,
                      struct baro_error *err)
{
    int r = 0;

    if (has_starts(samples, first, end)) {
        r = chunk_add_starts(encoding, data, samples->st + first, &pack->renewed, &encoding, err);
        data = buf_view(&pack->renewed);
    } else {
        chunk_renew(pack->newer, &encoding, &data, &pack->renewed);
    }
    return r < 0 ? r
                 : taker->sink(taker->context, encoding, data, samples->t[first],
                               samples->t[end - 1], (uint32_t)(end - first), err);
}

/* Packs floats from `first` on into one chunk; returns how many it took. */
static int pack_floats(struct chunk_pack *pack, const struct sample_buf *samples, size_t first,
                       const struct taker *taker, struct baro_error *err)
{
    struct chunk_xor chunk;
    size_t i = first;
    int r;

    chunk_xor_init(&chunk, pack->packed);
    while (i < samples->count && i - first < CHUNK_PACK_SAMPLES && !is_histogram(samples, i) &&
           chunk_xor_append(&chunk, pack->packed, sizeof(pack->packed), samples->t[i],
                            samples->v[i])) {
        i++;
    }
    ASSERT(i > first);
    r = give_chunk(pack, samples, first, i, CHUNK_XOR,
                   str_of((const char *)pack->packed, chunk_xor_size(&chunk)), taker, err);
    return r < 0 ? r : (int)(i - first);
}

/* The same with histograms; *start is with what the chunk begins, and then the next one. */
static int pack_histograms(struct chunk_pack *pack, const struct sample_buf *samples, size_t first,
                           bool is_one, enum chunk_histogram_start *start,
                           const struct taker *taker, struct baro_error *err)
{
    struct chunk_histogram *chunk = &pack->histogram;
    const struct histogram *h = samples->h[first];
    bool is_float = !h->integer;
    size_t together = samples->st != NULL ? CHUNK_HISTOGRAM_ST_SAMPLES_MAX : UINT16_MAX;
    size_t limit = is_one ? together : CHUNK_PACK_SAMPLES, i = first + 1;
    int r = 1;

    if (!chunk_histogram_can_hold(h)) {
        return error_set(err, BARO_EUNSUPPORTED,
                         "a histogram counts more than 2^53 observations, and cannot be packed "
                         "anew");
    }
    chunk_histogram_begin(chunk, is_float, *start);
    if (!chunk_histogram_append(chunk, samples->t[first], h)) {
        return error_set(err, BARO_ELIMIT, "no memory for a histogram chunk");
    }
    *start = CHUNK_START_UNKNOWN;
    while (r == 1 && i < samples->count && i - first < limit && is_histogram(samples, i) &&
           samples->h[i]->integer == !is_float && chunk_histogram_can_hold(samples->h[i])) {
        r = chunk_histogram_add(chunk, samples->t[i], samples->h[i], start, err);
        i += r == 1;
    }
    if (r >= 0) {
        r = give_chunk(pack, samples, first, i, is_float ? CHUNK_FLOAT_HISTOGRAM : CHUNK_HISTOGRAM,
                       buf_view(&chunk->data), taker, err);
    }
    return r < 0 ? r : (int)(i - first);
}

int chunk_pack_each(struct chunk_pack *pack, const struct sample_buf *samples, bool is_one,
                    chunk_pack_sink *sink, void *context, struct baro_error *err)
{
    const struct taker taker = {sink, context};
    enum chunk_histogram_start start = CHUNK_START_UNKNOWN;
    int r = 0;

    for (size_t at = 0; r >= 0 && at < samples->count; at += (size_t)r) {
        if (!is_histogram(samples, at)) {
            start = CHUNK_START_UNKNOWN;
            r = pack_floats(pack, samples, at, &taker, err);
            continue;
        }
        if (samples->h[at]->hint == HISTOGRAM_HINT_GAUGE) {
            start = CHUNK_START_GAUGE;
        }
        r = pack_histograms(pack, samples, at, is_one, &start, &taker, err);
    }
    return r < 0 ? r : 0;
}

static int write_chunk(void *context, uint8_t encoding, str data, ts mint, ts maxt,
                       uint32_t samples, struct baro_error *err)
{
    return block_writer_chunk(context, encoding, data, mint, maxt, samples, err);
}

int chunk_pack_write(struct chunk_pack *pack, const struct sample_buf *samples, bool is_one,
                     struct block_writer *writer, struct baro_error *err)
{
    return chunk_pack_each(pack, samples, is_one, write_chunk, writer, err);
}
