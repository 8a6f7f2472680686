#include "tsdb/chunk_xor2.h"

#include <string.h>

#include "base/assert.h"
#include "tsdb/chunk_bits.h"
#include "tsdb/chunk_xor.h"

/* Leading zeros have five bits on disk, so a window starts at bit 31 at the latest. */
enum { LEADING_MAX = 31 };

/* The two short forms of a difference of deltas: two's complement, unlike those of XOR. */
enum { DOD_SHORT_BITS = 13, DOD_MIDDLE_BITS = 20 };

/* How a changed value begins: behind a difference of deltas, or where there is none. A new window
 * is taken when it saves more bits than it costs, and keeps a nearby edge of the old one when that
 * takes at most `widened` bits. Source: Prometheus 3.16, tsdb/chunkenc/xor2.go. */
struct window_form {
    uint8_t again, again_bits; /* the prefix of a value in the old window */
    uint8_t fresh, fresh_bits; /* that of one in a new window */
    uint8_t cost;
    uint8_t widened;
};
static const struct window_form behind_dod = {2, 2, 6, 3, 12, 6};
static const struct window_form without_dod = {0, 1, 1, 1, 11, 5};

/* ---- writing ---- */

struct target {
    struct chunk_xor2 *chunk;
    uint8_t *data;
};

static void put(struct target to, uint64_t value, unsigned count)
{
    chunk_bits_put(to.data, &to.chunk->bits, value, count);
}

void chunk_xor2_init(struct chunk_xor2 *chunk, uint8_t *data)
{
    *chunk = (struct chunk_xor2){.bits = CHUNK_XOR2_HEADER_BYTES * 8, .leading = CHUNK_XOR2_FRESH};
    data[0] = data[1] = data[2] = 0;
}

static void put_bytes(struct target to, const uint8_t *bytes, const uint8_t *end)
{
    for (; bytes < end; bytes++) {
        put(to, *bytes, 8);
    }
}

static unsigned at_most(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* put_changed writes what changed of a value, of which there is something. */
static void put_changed(struct target to, uint64_t changed, const struct window_form *form)
{
    struct chunk_xor2 *chunk = to.chunk;
    unsigned leading = at_most((unsigned)__builtin_clzll(changed), LEADING_MAX);
    unsigned trailing = (unsigned)__builtin_ctzll(changed);
    unsigned size;

    if (leading >= chunk->leading && trailing >= chunk->trailing &&
        leading + trailing <= (unsigned)chunk->leading + chunk->trailing + form->cost) {
        put(to, form->again, form->again_bits);
        put(to, changed >> chunk->trailing, 64U - chunk->leading - chunk->trailing);
        return;
    }
    if (chunk->leading != CHUNK_XOR2_FRESH &&
        (leading < chunk->leading || trailing < chunk->trailing)) {
        unsigned both_leading = at_most(leading, chunk->leading);
        unsigned both_trailing = at_most(trailing, chunk->trailing);

        if (leading + trailing - both_leading - both_trailing <= form->widened) {
            leading = both_leading;
            trailing = both_trailing;
        }
    }
    chunk->leading = (uint8_t)leading;
    chunk->trailing = (uint8_t)trailing;
    size = 64 - leading - trailing;
    put(to, form->fresh, form->fresh_bits);
    put(to, leading, 5);
    put(to, size & 63, 6);
    put(to, changed >> trailing, size);
}

/* put_value writes a value behind a time that was no matter of course. */
static void put_value(struct target to, double v)
{
    uint64_t changed = value_bits(v) ^ to.chunk->v_bits;

    if (value_is_stale(v)) {
        put(to, 7, 3);
    } else if (changed == 0) {
        put(to, 0, 1);
    } else {
        put_changed(to, changed, &behind_dod);
    }
}

static bool fits_signed(int64_t value, unsigned bits)
{
    return value >= -(INT64_C(1) << (bits - 1)) && value < INT64_C(1) << (bits - 1);
}

/* put_both writes time and value of the third and all later samples. */
static void put_both(struct target to, int64_t dod, double v)
{
    uint64_t changed = value_bits(v) ^ to.chunk->v_bits;

    if (dod != 0) {
        if (fits_signed(dod, DOD_SHORT_BITS)) {
            put(to, 6, 3);
            put(to, (uint64_t)dod, DOD_SHORT_BITS);
        } else if (fits_signed(dod, DOD_MIDDLE_BITS)) {
            put(to, 14, 4);
            put(to, (uint64_t)dod, DOD_MIDDLE_BITS);
        } else {
            put(to, 30, 5);
            put(to, (uint64_t)dod, 64);
        }
        put_value(to, v);
    } else if (value_is_stale(v)) {
        put(to, 31, 5);
    } else if (changed == 0) {
        put(to, 0, 1);
    } else {
        put(to, 2, 2);
        put_changed(to, changed, &without_dod);
    }
}

static void put_first(struct target to, ts t, double v)
{
    uint8_t raw[UVARINT_BYTES_MAX + 8];

    put_bytes(to, raw, put_be64(put_varint(raw, t), value_bits(v)));
}

static void put_start(struct target to, ts before, ts st)
{
    struct chunk_xor2 *chunk = to.chunk;
    uint8_t raw[UVARINT_BYTES_MAX];
    int64_t number = 0;

    if (!chunk_starts_give(&chunk->starts, chunk->count, (uint64_t)before, st, &number)) {
        return;
    }
    if (chunk->count == 0) {
        put_bytes(to, raw, put_varint(raw, number));
    } else {
        chunk_bits_put_varbit(to.data, &chunk->bits, number);
    }
}

bool chunk_xor2_append(struct chunk_xor2 *chunk, uint8_t *data, size_t capacity, ts st, ts t,
                       double v)
{
    struct target to = {chunk, data};
    uint64_t delta = (uint64_t)t - (uint64_t)chunk->t;
    uint8_t raw[UVARINT_BYTES_MAX];

    if (chunk->count == CHUNK_XOR2_SAMPLES_MAX ||
        capacity - chunk_xor2_size(chunk) < CHUNK_XOR2_SAMPLE_BYTES_MAX) {
        return false;
    }
    if (chunk->count == 0) {
        put_first(to, t, v);
        delta = 0;
    } else if (chunk->count == 1) {
        put_bytes(to, raw, put_uvarint(raw, delta));
        put_value(to, v);
    } else {
        put_both(to, (int64_t)(delta - chunk->delta), v);
    }
    put_start(to, chunk->count == 0 ? t : chunk->t, st);
    chunk->t = t;
    chunk->delta = delta;
    chunk->v_bits = value_is_stale(v) ? chunk->v_bits : value_bits(v);
    chunk->count++;
    data[0] = (uint8_t)(chunk->count >> 8);
    data[1] = (uint8_t)chunk->count;
    data[2] = chunk_starts_header(&chunk->starts);
    return true;
}

/* ---- reading ---- */

/* A chunk being read. */
struct walk {
    struct chunk_bits bits;
    struct chunk_starts starts;
    uint64_t t;
    uint64_t delta;
    uint64_t v_bits;
    uint64_t known_bits; /* of the last value that is no stale marker */
    uint32_t leading;
    uint32_t size; /* bits of the window */
    uint32_t read; /* samples so far */
    uint32_t count;
    bool bad_window;
};

static int cut_short(struct baro_error *err, str data)
{
    return error_at(err, BARO_ECORRUPT, data.len,
                    "chunk of %zu bytes ends before its %u samples do, or is damaged", data.len,
                    (unsigned)chunk_xor_count(data));
}

static int walk_over(struct walk *walk, str data, struct baro_error *err)
{
    if (data.len < CHUNK_XOR2_HEADER_BYTES) {
        return cut_short(err, data);
    }
    *walk = (struct walk){.bits = chunk_bits_over(data, CHUNK_XOR2_HEADER_BYTES),
                          .starts = chunk_starts_of((uint8_t)data.ptr[2]),
                          .size = 64,
                          .count = chunk_xor_count(data)};
    return 0;
}

static inline void take_window(struct walk *walk, bool is_fresh)
{
    if (is_fresh) {
        uint32_t edges = (uint32_t)chunk_bits_get(&walk->bits, 11);

        walk->leading = edges >> 6;
        walk->size = (((edges & 63) - 1) & 63) + 1;
        walk->bad_window |= walk->leading + walk->size > 64;
    }
    walk->known_bits ^= chunk_bits_get(&walk->bits, walk->size)
                        << ((64 - walk->leading - walk->size) & 63);
    walk->v_bits = walk->known_bits;
}

/* take_value reads a value behind a time that was no matter of course. */
static inline void take_value(struct walk *walk)
{
    unsigned prefix = (unsigned)(chunk_bits_peek(&walk->bits) >> 61);

    if (prefix < 4) {
        walk->bits.at++;
        walk->v_bits = walk->known_bits;
    } else if (prefix < 6) {
        walk->bits.at += 2;
        take_window(walk, false);
    } else {
        walk->bits.at += 3;
        if (prefix == 6) {
            take_window(walk, true);
        } else {
            walk->v_bits = VALUE_STALE_BITS;
        }
    }
}

static inline void take_dod(struct walk *walk, unsigned size)
{
    uint64_t dod = chunk_bits_get(&walk->bits, size);

    if (size < 64 && dod >> (size - 1) != 0) {
        dod -= UINT64_C(1) << size;
    }
    walk->delta += dod;
    take_value(walk);
}

/* take_both reads time and value of the third and all later samples. The time goes on in
 * walk_next. */
static inline void take_both(struct walk *walk)
{
    uint64_t word = chunk_bits_peek(&walk->bits);

    switch (word >> 59) {
    case 31: /* 11111 */
        walk->bits.at += 5;
        walk->v_bits = VALUE_STALE_BITS;
        break;
    case 30: /* 11110 */
        walk->bits.at += 5;
        take_dod(walk, 64);
        break;
    case 29: /* 1110x */
    case 28:
        walk->bits.at += 4;
        take_dod(walk, DOD_MIDDLE_BITS);
        break;
    case 27: /* 110xx */
    case 26:
    case 25:
    case 24:
        walk->bits.at += 3;
        take_dod(walk, DOD_SHORT_BITS);
        break;
    default:
        if ((int64_t)word >= 0) { /* 0 */
            walk->bits.at++;
            walk->v_bits = walk->known_bits;
        } else { /* 10, and a bit of its own for the window */
            walk->bits.at += 3;
            take_window(walk, (word >> 61 & 1) != 0);
        }
        break;
    }
}

static void take_first(struct walk *walk)
{
    walk->t = (uint64_t)chunk_bits_varint(&walk->bits);
    walk->v_bits = chunk_bits_get(&walk->bits, 64);
    walk->known_bits = walk->v_bits == VALUE_STALE_BITS ? 0 : walk->v_bits;
}

/* walk_next reads a sample, of which there is one; false when the bytes end before it does. */
static inline bool walk_next(struct walk *walk)
{
    uint64_t before = walk->t;

    if (LIKELY(walk->read > 1)) {
        take_both(walk);
    } else if (walk->read == 1) {
        walk->delta = chunk_bits_uvarint(&walk->bits);
        take_value(walk);
    } else {
        take_first(walk);
        before = walk->t;
    }
    walk->t += walk->delta;
    if (chunk_starts_has(&walk->starts, walk->read)) {
        int64_t number =
            walk->read == 0 ? chunk_bits_varint(&walk->bits) : chunk_bits_varbit(&walk->bits);

        chunk_starts_take(&walk->starts, walk->read, before, number);
    }
    walk->read++;
    return !chunk_bits_ended(&walk->bits) && !walk->bad_window;
}

static int make_room(struct sample_buf *ret, const struct walk *walk, bool has_starts,
                     struct baro_error *err)
{
    if (!sample_buf_reserve(ret, walk->count) || (has_starts && !sample_buf_add_st(ret))) {
        return error_set(err, BARO_ELIMIT, "no memory for %u more samples", (unsigned)walk->count);
    }
    return 0;
}

int chunk_xor2_decode(str data, ts start, ts end, struct sample_buf *ret, struct baro_error *err)
{
    struct walk walk;
    size_t to = ret->count;
    int r = walk_over(&walk, data, err);

    r = r < 0 || walk.count == 0 ? r : make_room(ret, &walk, chunk_xor2_has_starts(data), err);
    if (r < 0) {
        return r;
    }
    while (walk.read < walk.count) {
        if (!walk_next(&walk)) {
            return cut_short(err, data);
        }
        if ((ts)walk.t > end) {
            break;
        }
        ret->t[to] = (ts)walk.t;
        ret->v[to] = value_from_bits(walk.v_bits);
        if (ret->st != NULL) {
            ret->st[to] = (ts)walk.starts.st;
        }
        to += (ts)walk.t >= start;
    }
    if (ret->h != NULL) {
        memset(ret->h + ret->count, 0, (to - ret->count) * sizeof(*ret->h));
    }
    ret->count = to;
    return 0;
}

int chunk_xor2_last(str data, ts start, ts end, struct sample *ret, struct baro_error *err)
{
    struct walk walk;
    struct sample last = {0};
    bool has = false;
    int r = walk_over(&walk, data, err);

    while (r >= 0 && walk.read < walk.count) {
        if (!walk_next(&walk)) {
            return cut_short(err, data);
        }
        if ((ts)walk.t > end) {
            break;
        }
        has = (ts)walk.t >= start;
        last = (struct sample){
            .t = (ts)walk.t, .v = value_from_bits(walk.v_bits), .st = (ts)walk.starts.st};
    }
    if (r < 0 || !has) {
        return r < 0 ? r : 0;
    }
    *ret = last;
    return 1;
}
