#include "tsdb/chunk.h"

#include "model/histogram.h"
#include "tsdb/chunk_histogram.h"
#include "tsdb/chunk_xor2.h"

static int unknown_encoding(struct baro_error *err, uint8_t encoding)
{
    return error_set(err, BARO_EUNSUPPORTED, "a chunk has the unknown encoding %u",
                     (unsigned)encoding);
}

uint32_t chunk_samples(uint8_t encoding, str data)
{
    return encoding == CHUNK_HISTOGRAM_ST || encoding == CHUNK_FLOAT_HISTOGRAM_ST
               ? chunk_histogram_st_count(data)
               : chunk_xor_count(data);
}

bool chunk_is_plain(uint8_t encoding, str data)
{
    return encoding == CHUNK_XOR || (encoding == CHUNK_XOR2 && !chunk_xor2_has_starts(data));
}

int chunk_decode(uint8_t encoding, str data, ts start, ts end, struct sample_buf *ret,
                 struct baro_error *err)
{
    switch (encoding) {
    case CHUNK_XOR:
        return chunk_xor_decode(data, start, end, ret, err);
    case CHUNK_XOR2:
        return chunk_xor2_decode(data, start, end, ret, err);
    case CHUNK_HISTOGRAM:
    case CHUNK_FLOAT_HISTOGRAM:
        return chunk_histogram_decode(data, chunk_is_float_histogram(encoding), start, end, ret,
                                      err);
    case CHUNK_HISTOGRAM_ST:
    case CHUNK_FLOAT_HISTOGRAM_ST:
        return chunk_histogram_st_decode(data, chunk_is_float_histogram(encoding), start, end, ret,
                                         err);
    default:
        return unknown_encoding(err, encoding);
    }
}

static int last_histogram(uint8_t encoding, str data, ts start, ts end, struct arena *arena,
                          struct sample *ret, struct baro_error *err)
{
    struct sample_buf samples = {0};
    int r = chunk_decode(encoding, data, start, end, &samples, err);

    if (r >= 0 && samples.count > 0) {
        size_t last = samples.count - 1;
        struct histogram *copy = histogram_copy(arena, samples.h[last]);

        r = copy != NULL ? 1 : error_set(err, BARO_ELIMIT, "no memory for a histogram");
        if (r > 0) {
            *ret = (struct sample){.t = samples.t[last],
                                   .v = samples.v[last],
                                   .h = copy,
                                   .st = samples.st != NULL ? samples.st[last] : 0};
        }
    }
    sample_buf_done(&samples);
    return r;
}

int chunk_last(uint8_t encoding, str data, ts start, ts end, struct arena *arena,
               struct sample *ret, struct baro_error *err)
{
    if (encoding == CHUNK_XOR) {
        return chunk_xor_last(data, start, end, &ret->t, &ret->v, err);
    }
    if (encoding == CHUNK_XOR2) {
        return chunk_xor2_last(data, start, end, ret, err);
    }
    return last_histogram(encoding, data, start, end, arena, ret, err);
}

/* Floats are packed anew, since times and values are told in another way. */
static int floats_add_starts(str data, const ts *st, struct buf *ret, struct baro_error *err)
{
    struct sample_buf samples = {0};
    struct chunk_xor2 chunk;
    int r = chunk_xor_decode(data, INT64_MIN, INT64_MAX, &samples, err);
    size_t room = CHUNK_XOR2_HEADER_BYTES + samples.count * CHUNK_XOR2_SAMPLE_BYTES_MAX;

    if (r >= 0) {
        buf_reset(ret);
        buf_zero(ret, room);
        r = ret->failed ? error_set(err, BARO_ELIMIT, "no memory for a chunk of %zu bytes", room)
                        : 0;
    }
    if (r >= 0) {
        chunk_xor2_init(&chunk, (uint8_t *)ret->ptr);
        for (size_t i = 0; i < samples.count; i++) {
            bool fits = chunk_xor2_append(&chunk, (uint8_t *)ret->ptr, room, st != NULL ? st[i] : 0,
                                          samples.t[i], samples.v[i]);

            ASSERT(fits);
        }
        ret->len = chunk_xor2_size(&chunk);
    }
    sample_buf_done(&samples);
    return r;
}

int chunk_add_starts(uint8_t encoding, str data, const ts *st, struct buf *ret,
                     uint8_t *ret_encoding, struct baro_error *err)
{
    int r;

    if (encoding == CHUNK_XOR) {
        r = floats_add_starts(data, st, ret, err);
        *ret_encoding = CHUNK_XOR2;
        return r;
    }
    if (encoding == CHUNK_HISTOGRAM || encoding == CHUNK_FLOAT_HISTOGRAM) {
        bool is_float = encoding == CHUNK_FLOAT_HISTOGRAM;

        r = chunk_histogram_add_starts(data, is_float, st, ret, err);
        *ret_encoding = is_float ? CHUNK_FLOAT_HISTOGRAM_ST : CHUNK_HISTOGRAM_ST;
        return r;
    }
    return unknown_encoding(err, encoding);
}

void chunk_renew(unsigned newer, uint8_t *encoding, str *data, struct buf *room)
{
    bool is_wanted = *encoding == CHUNK_XOR
                         ? (newer & CHUNK_NEWER_FLOATS) != 0
                         : (*encoding == CHUNK_HISTOGRAM || *encoding == CHUNK_FLOAT_HISTOGRAM) &&
                               (newer & CHUNK_NEWER_HISTOGRAMS) != 0;
    uint8_t renewed = *encoding;

    if (is_wanted && chunk_add_starts(*encoding, *data, NULL, room, &renewed, NULL) >= 0) {
        *encoding = renewed;
        *data = buf_view(room);
    }
}
